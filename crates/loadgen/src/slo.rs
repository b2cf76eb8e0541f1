//! What is promised: bounds on quantiles and ratios, and how many samples it takes to decide them.

use query_api::go_duration::GoDuration;
use serde::Deserialize;

/// One promise of a scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The operation it is about; unset means all of them.
    #[serde(default)]
    pub operation: Option<String>,
    /// What is bounded.
    pub metric: Metric,
    /// Which quantile of a latency, such as 0.95; not for ratios.
    #[serde(default)]
    pub quantile: Option<f64>,
    /// The largest latency that keeps the promise.
    #[serde(default)]
    pub at_most: Option<GoDuration>,
    /// The smallest ratio that keeps the promise, such as 0.95.
    #[serde(default)]
    pub at_least: Option<f64>,
}

/// What an SLO bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// From the intended start to the end.
    Response,
    /// From the intended start to the acknowledgement of the create call.
    Create,
    /// From the acknowledgement to the begin of execution.
    QueueWait,
    /// Done with the right answer ÷ all that were started.
    Success,
    /// Completions per second ÷ what the scenario expects.
    Throughput,
}

/// The level at which an SLO is decided, one-sided.
const LEVEL: f64 = 0.05;

impl Metric {
    /// The metric is a ratio, not a latency.
    pub fn is_ratio(self) -> bool {
        matches!(self, Self::Success | Self::Throughput)
    }
}

impl Slo {
    /// How many samples it takes before the SLO can be called met: the upper end of the quantile's one-sided 95 %
    /// order-statistic interval exists only if `quantile^n < 0.05`, 299 samples for a p99.
    ///
    /// A ratio of at least `r` needs as many (all of them good); throughput is one figure per run and needs none.
    pub fn samples_needed(&self) -> u64 {
        let share = match self.metric {
            Metric::Throughput => return 1,
            Metric::Success => self.at_least.unwrap_or(1.0),
            Metric::Response | Metric::Create | Metric::QueueWait => self.quantile.unwrap_or(0.5),
        };
        if share <= 0.0 || share >= 1.0 {
            return 1;
        }
        (LEVEL.ln() / share.ln()).ceil() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(metric: Metric, share: f64, expected: u64) {
        let slo = Slo {
            operation: None,
            metric,
            quantile: (!metric.is_ratio()).then_some(share),
            at_most: None,
            at_least: metric.is_ratio().then_some(share),
        };
        assert_eq!(slo.samples_needed(), expected, "{metric:?} {share}");
    }

    #[test]
    fn rarer_quantiles_need_more_samples() {
        check(Metric::Response, 0.5, 5);
        check(Metric::Response, 0.95, 59);
        check(Metric::Create, 0.99, 299);
        check(Metric::Success, 0.95, 59);
        check(Metric::Success, 1.0, 1);
        check(Metric::Throughput, 0.97, 1);
    }
}
