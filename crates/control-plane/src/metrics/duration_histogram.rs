//! A histogram of durations whose observation is one search and two atomic additions.
//!
//! `prometheus_client`'s own takes a lock per observation and shows its sum and count to nobody;
//! this one is read by the load records too. Encoding stays with that crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// Upper bounds of a histogram, shared by all its label sets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounds {
    seconds: Vec<f64>,
    /// The same bounds as observations are compared: whole nanoseconds.
    nanoseconds: Vec<u64>,
}

impl Bounds {
    /// Bounds as listed, in rising order.
    pub(super) fn listed(seconds: &[f64]) -> Self {
        Self {
            seconds: seconds.to_vec(),
            nanoseconds: seconds.iter().map(|s| (s * 1e9).round() as u64).collect(),
        }
    }

    /// `n_bounds` bounds from `start` on, each `factor` times the one before.
    ///
    /// Multiplied step by step as the Go client does, so that the bounds are the same floats (with the same rounding
    /// errors) and the histograms of both add up by `le`.
    pub(super) fn exponential(start: f64, factor: f64, n_bounds: usize) -> Self {
        let seconds: Vec<f64> = std::iter::successors(Some(start), |bound| Some(bound * factor))
            .take(n_bounds)
            .collect();
        Self::listed(&seconds)
    }

    fn len(&self) -> usize {
        self.seconds.len()
    }

    fn bucket(&self, nanoseconds: u64) -> usize {
        self.nanoseconds
            .partition_point(|bound| *bound < nanoseconds)
    }
}

/// Count and sum of a histogram's observations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DurationTotal {
    /// How many observations there were.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
}

/// One label set of a histogram; clones share their counts.
#[derive(Debug, Clone)]
pub(super) struct DurationHistogram(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    bounds: Bounds,
    /// One count per bound and one for everything above the last.
    counts: Vec<AtomicU64>,
    /// Sum of all observations; wraps after 584 years of them.
    sum_ns: AtomicU64,
}

impl DurationHistogram {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Counts {
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum_ns: AtomicU64::new(0),
            bounds,
        }))
    }

    pub(super) fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.0.counts[self.0.bounds.bucket(nanoseconds)].fetch_add(1, Ordering::Relaxed);
        self.0.sum_ns.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> DurationTotal {
        DurationTotal {
            count: self
                .0
                .counts
                .iter()
                .map(|n| n.load(Ordering::Relaxed))
                .sum(),
            sum: Duration::from_nanos(self.0.sum_ns.load(Ordering::Relaxed)),
        }
    }
}

impl EncodeMetric for DurationHistogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let upper_bounds = self.0.bounds.seconds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = upper_bounds
            .zip(&self.0.counts)
            .map(|(bound, count)| (bound, count.load(Ordering::Relaxed)))
            .collect();
        // The count is taken from the buckets just read, so that `_count` and `+Inf` never disagree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.0.sum_ns.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_on_a_bound_belongs_to_the_bucket_below_it() {
        let bounds = Bounds::listed(&[0.1, 1.0]);
        assert_eq!(bounds.bucket(100_000_000), 0);
        assert_eq!(bounds.bucket(100_000_001), 1);
        assert_eq!(bounds.bucket(1_000_000_001), 2);
    }

    #[test]
    fn exponential_bounds_are_the_floats_of_the_go_client() {
        let bounds = Bounds::exponential(1e-8, 10.0, 12);
        assert_eq!(bounds.seconds.len(), 12);
        assert_eq!(bounds.seconds[0], 1e-8);
        assert_eq!(
            bounds.seconds[11],
            1e-8 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0 * 10.0
        );
        assert!((bounds.seconds[11] - 1e3).abs() < 1e-9);
    }

    #[test]
    fn totals_count_and_sum_all_observations_also_those_above_the_last_bound() {
        let histogram = DurationHistogram::new(Bounds::listed(&[0.5]));
        histogram.observe(Duration::from_millis(400));
        histogram.observe(Duration::from_secs(7));
        let expected = DurationTotal {
            count: 2,
            sum: Duration::from_millis(7_400),
        };
        assert_eq!(histogram.total(), expected);
    }
}
