//! A run as Prometheus sees it while it goes on, so that it can be laid over the metrics of the system under test.
//!
//! | metric | unit | says |
//! |---|---|---|
//! | `plimsoll_load_planned` | operations | how many the plan has |
//! | `plimsoll_load_started_total` | operations | how many were started |
//! | `plimsoll_load_ended_total{outcome}` | operations | how they ended, as the report names it |
//! | `plimsoll_load_in_flight` | operations | how many are open |
//! | `plimsoll_load_completions_per_second` | 1/s | ends in the last second |
//! | `plimsoll_load_response_seconds{quantile}` | seconds | from the intended start, over the whole run so far |

mod server;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

pub use self::server::Server;
use crate::run::Progress;

/// What the names of all metrics begin with.
const PREFIX: &str = "plimsoll_load";

/// How far the run is. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Scrape(Arc<Mutex<Option<Progress>>>);

impl Scrape {
    /// What is shown from now on.
    pub fn show(&self, now: &Progress) {
        *self.0.lock() = Some(now.clone());
    }

    /// The page in the `OpenMetrics` text format; without any metric before the run began.
    pub fn page(&self) -> String {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(self.clone()));
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut page, &registry);
        page
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(now) = self.0.lock().clone() else {
            return Ok(());
        };
        let mut gauge = |name: &str, help: &str, value: f64| {
            let metric = ConstGauge::new(value);
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        gauge("planned", "Operations of the plan", now.planned as f64)?;
        gauge(
            "in_flight",
            "Operations that have not ended",
            now.in_flight as f64,
        )?;
        gauge(
            "completions_per_second",
            "Ends in the last second",
            now.rate,
        )?;
        let help = "Operations that were started";
        encoder
            .encode_descriptor("started", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&now.started, None)?;
        let help = "Ends of operations";
        let mut ended = encoder.encode_descriptor("ended", help, None, MetricType::Counter)?;
        for (outcome, count) in now.outcomes.iter() {
            ended
                .encode_family(&[("outcome", outcome.as_str())])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        let help = "From the intended start to the end, over the whole run so far";
        let mut response =
            encoder.encode_descriptor("response_seconds", help, None, MetricType::Gauge)?;
        for (quantile, time) in [("0.5", now.p50), ("0.95", now.p95), ("0.99", now.p99)] {
            if let Some(seconds) = time.as_ref().map(Duration::as_secs_f64) {
                response
                    .encode_family(&[("quantile", quantile)])?
                    .encode_gauge(&seconds)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Outcome, Outcomes};

    #[test]
    fn the_page_says_how_far_the_run_is_and_nothing_before_it_began() {
        let scrape = Scrape::default();
        assert_eq!(scrape.page(), "# EOF\n");
        let mut outcomes = Outcomes::default();
        outcomes.add(Outcome::Done);
        outcomes.add(Outcome::DeniedByRate);
        scrape.show(&Progress {
            elapsed: Duration::from_secs(3),
            planned: 10,
            started: 4,
            in_flight: 2,
            rate: 1.5,
            outcomes,
            p50: Some(Duration::from_millis(20)),
            p95: Some(Duration::from_millis(250)),
            p99: None,
            left: None,
        });
        let page = scrape.page();
        for line in [
            "# TYPE plimsoll_load_ended counter",
            "plimsoll_load_planned 10.0",
            "plimsoll_load_started_total 4",
            "plimsoll_load_in_flight 2.0",
            "plimsoll_load_completions_per_second 1.5",
            "plimsoll_load_ended_total{outcome=\"done\"} 1",
            "plimsoll_load_ended_total{outcome=\"denied by rate\"} 1",
            "plimsoll_load_ended_total{outcome=\"lost\"} 0",
            "plimsoll_load_response_seconds{quantile=\"0.95\"} 0.25",
        ] {
            assert!(
                page.lines().any(|of_page| of_page == line),
                "{line}\n{page}"
            );
        }
        assert!(!page.contains("0.99"));
    }
}
