//! What is promised: bounds on quantiles, ratios, rates and counts, and how many samples it takes to decide them.

use std::fmt;

use query_api::go_duration::GoDuration;
use serde::Deserialize;

pub mod judge;

/// One promise of a scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// The operation it is about; unset means all of them.
    #[serde(default)]
    pub operation: Option<String>,
    /// What is bounded.
    pub metric: Metric,
    /// Which quantile of a latency, such as 0.95; for latencies alone.
    #[serde(default)]
    pub quantile: Option<f64>,
    /// The largest latency that keeps the promise.
    #[serde(default)]
    pub at_most: Option<GoDuration>,
    /// The smallest ratio, such as 0.95, or the smallest rate per second that keeps the promise.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The largest number of bytes that keeps the promise.
    #[serde(default)]
    pub at_most_bytes: Option<u64>,
    /// The largest share, such as 0.7, that keeps the promise.
    #[serde(default)]
    pub at_most_share: Option<f64>,
    /// The largest count that keeps the promise.
    #[serde(default)]
    pub at_most_count: Option<u64>,
}

/// What an SLO bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// From the intended start to the end.
    Response,
    /// From the send to the end.
    Service,
    /// From the intended start to the acknowledgement of the create call.
    Create,
    /// From the acknowledgement to the begin of execution.
    QueueWait,
    /// From the intended start to the begin of execution.
    Start,
    /// From the intended start to the first token or event.
    FirstToken,
    /// Done with the right answer ÷ all that were started.
    Success,
    /// Completions per second ÷ what the scenario expects.
    Throughput,
    /// Completions per second.
    Rate,
    /// Largest resident memory of the system under test.
    Rss,
    /// Mean CPU of the system under test ÷ what it may use.
    Cpu,
    /// Started, but not done with the right answer.
    Failures,
    /// Executed more than once.
    Duplicates,
}

/// Which field of an SLO bounds a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `quantile` and `at_most`.
    Latency,
    /// `at_least` in (0, 1].
    Ratio,
    /// `at_least` above 0.
    Rate,
    /// `at_most_bytes`.
    Bytes,
    /// `at_most_share` in (0, 1].
    Share,
    /// `at_most_count`.
    Count,
}

/// The level at which an SLO is decided, one-sided.
pub const LEVEL: f64 = 0.05;

impl Metric {
    /// The field that bounds it.
    pub fn bound(self) -> Bound {
        match self {
            Self::Response
            | Self::Service
            | Self::Create
            | Self::QueueWait
            | Self::Start
            | Self::FirstToken => Bound::Latency,
            Self::Success | Self::Throughput => Bound::Ratio,
            Self::Rate => Bound::Rate,
            Self::Rss => Bound::Bytes,
            Self::Cpu => Bound::Share,
            Self::Failures | Self::Duplicates => Bound::Count,
        }
    }

    /// In words, as reports use them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Response => "response time",
            Self::Service => "service time",
            Self::Create => "create call",
            Self::QueueWait => "wait in the queue",
            Self::Start => "time to start",
            Self::FirstToken => "time to first token",
            Self::Success => "success",
            Self::Throughput => "throughput ÷ pace",
            Self::Rate => "completions",
            Self::Rss => "resident memory",
            Self::Cpu => "CPU",
            Self::Failures => "failures",
            Self::Duplicates => "duplicates",
        }
    }
}

impl Slo {
    /// How many samples it takes before the SLO can be called met: the upper end of the quantile's one-sided 95 %
    /// order-statistic interval exists only if `quantile^n < 0.05`, 299 samples for a p99.
    ///
    /// A ratio of at least `r` needs as many (all of them good); figures of which a run has one need none.
    pub fn samples_needed(&self) -> u64 {
        self.samples_needed_at(LEVEL)
    }

    /// The same at another one-sided level: a search that judges often must err more rarely each time.
    pub fn samples_needed_at(&self, level: f64) -> u64 {
        let share = match (self.metric, self.metric.bound()) {
            (Metric::Success, _) => self.at_least.unwrap_or(1.0),
            (_, Bound::Latency) => self.quantile.unwrap_or(0.5),
            _ => return 1,
        };
        if share <= 0.0 || share >= 1.0 {
            return 1;
        }
        (level.ln() / share.ln()).ceil() as u64
    }
}

/// The promise on one line, such as `all: response time p99 ≤ 1.1s`.
impl fmt::Display for Slo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.as_deref().unwrap_or("all");
        write!(formatter, "{operation}: {}", self.metric.words())?;
        if let Some(quantile) = self.quantile {
            write!(formatter, " p{}", quantile * 100.0)?;
        }
        if let Some(bound) = self.at_most {
            write!(formatter, " ≤ {bound}")?;
        }
        if let Some(bytes) = self.at_most_bytes {
            write!(formatter, " ≤ {:.0} MiB", bytes as f64 / f64::from(1 << 20))?;
        }
        if let Some(share) = self.at_most_share {
            write!(formatter, " ≤ {:.1} %", share * 100.0)?;
        }
        if let Some(count) = self.at_most_count {
            write!(formatter, " ≤ {count}")?;
        }
        match (self.metric.bound(), self.at_least) {
            (Bound::Rate, Some(rate)) => write!(formatter, " ≥ {rate}/s"),
            (_, Some(ratio)) => write!(formatter, " ≥ {:.1} %", ratio * 100.0),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A promise without a bound, to which a test adds one.
    pub(crate) fn slo(metric: Metric) -> Slo {
        Slo {
            operation: None,
            metric,
            quantile: None,
            at_most: None,
            at_least: None,
            at_most_bytes: None,
            at_most_share: None,
            at_most_count: None,
        }
    }

    fn check(metric: Metric, share: f64, expected: u64) {
        let is_latency = metric.bound() == Bound::Latency;
        let slo = Slo {
            quantile: is_latency.then_some(share),
            at_least: (!is_latency).then_some(share),
            ..slo(metric)
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
        check(Metric::Rate, 5.0, 1);
    }

    #[test]
    fn a_promise_reads_as_one_line() {
        let mut promise = slo(Metric::Response);
        promise.quantile = Some(0.95);
        promise.at_most = Some(GoDuration::from_millis(1200));
        assert_eq!(promise.to_string(), "all: response time p95 ≤ 1.2s");
        let mut promise = slo(Metric::Rate);
        promise.at_least = Some(5.0);
        promise.operation = Some("tick".to_owned());
        assert_eq!(promise.to_string(), "tick: completions ≥ 5/s");
        let mut promise = slo(Metric::Rss);
        promise.at_most_bytes = Some(128 << 20);
        assert_eq!(promise.to_string(), "all: resident memory ≤ 128 MiB");
    }
}
