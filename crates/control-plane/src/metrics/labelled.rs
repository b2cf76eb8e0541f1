//! A family of histograms found by borrowed label values: a known label set costs a read lock and no allocation.
//!
//! `prometheus_client::metrics::family::Family` wants an owned label set for every look-up.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};
use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

use super::duration_histogram::{Bounds, DurationHistogram};

/// Label sets kept per family. Names come from users, and a scrape must stay small however many they invent.
const MAX_LABEL_SETS: usize = 2_000;

/// Value of every label once [`MAX_LABEL_SETS`] is reached; the same word as controller-runtime's.
const EXCEEDED: &str = "exceeded_cardinality_limit";

/// Histograms of one name, told apart by `N` labels.
#[derive(Debug, Clone)]
pub(super) struct Labelled<const N: usize> {
    names: [&'static str; N],
    bounds: Bounds,
    histograms_by_values: Arc<RwLock<HashMap<Values<N>, DurationHistogram, RandomState>>>,
}

impl<const N: usize> Labelled<N> {
    pub(super) fn new(names: [&'static str; N], bounds: Bounds) -> Self {
        Self {
            names,
            bounds,
            histograms_by_values: Arc::default(),
        }
    }

    pub(super) fn observe(&self, values: [&str; N], duration: Duration) {
        if let Some(histogram) = self.histograms_by_values.read().get(&Borrowed(values)) {
            return histogram.observe(duration);
        }
        let mut histograms = self.histograms_by_values.write();
        let values = if histograms.len() < MAX_LABEL_SETS {
            values
        } else {
            [EXCEEDED; N]
        };
        histograms
            .entry(Values(values.map(Box::from)))
            .or_insert_with(|| DurationHistogram::new(self.bounds.clone()))
            .observe(duration);
    }
}

impl<const N: usize> EncodeMetric for Labelled<N> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let histograms = self.histograms_by_values.read();
        let mut sorted: Vec<_> = histograms.iter().collect();
        sorted.sort_unstable_by_key(|(values, _)| *values);
        for (values, histogram) in sorted {
            let labels: Vec<(&str, &str)> = std::iter::zip(self.names, &values.0)
                .map(|(name, value)| (name, value.as_ref()))
                .collect();
            histogram.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }

    fn is_empty(&self) -> bool {
        self.histograms_by_values.read().is_empty()
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Values<const N: usize>([Box<str>; N]);

impl<const N: usize> Hash for Values<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.hash(state));
    }
}

struct Borrowed<'a, const N: usize>([&'a str; N]);

impl<const N: usize> Hash for Borrowed<'_, N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|value| value.hash(state));
    }
}

impl<const N: usize> Equivalent<Values<N>> for Borrowed<'_, N> {
    fn equivalent(&self, values: &Values<N>) -> bool {
        std::iter::zip(self.0, &values.0).all(|(borrowed, owned)| borrowed == owned.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_sets_beyond_the_bound_share_one() {
        let family = Labelled::new(["model"], Bounds::listed(&[1.0]));
        for model in 0..MAX_LABEL_SETS + 10 {
            family.observe([&format!("m{model}")], Duration::ZERO);
        }
        let histograms = family.histograms_by_values.read();
        assert_eq!(histograms.len(), MAX_LABEL_SETS + 1);
        let shared = &histograms[&Borrowed([EXCEEDED])];
        assert_eq!(shared.total().count, 10);
    }
}
