//! Durations by powers of two of a microsecond: of a fixed size, whatever is counted.

use std::time::Duration;

use serde::Serialize;

/// The last one takes everything from about 67 s on.
const N_BUCKETS: usize = 28;

/// Counts of durations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Histogram {
    /// How many there are.
    pub count: u64,
    /// All of them together, in microseconds.
    pub sum_us: u64,
    /// The longest, in microseconds.
    pub max_us: u64,
    /// How many are shorter than 2^k microseconds and not shorter than half of that, k from 0 on.
    pub buckets: [u64; N_BUCKETS],
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bits = (u64::BITS - micros.leading_zeros()) as usize;
        self.buckets[bits.min(N_BUCKETS - 1)] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(micros);
        self.max_us = self.max_us.max(micros);
    }

    /// A bound below which this share (0 to 1) of the durations lies, at most twice too long; zero without any.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests are far below what a float holds"
    )]
    pub fn below(&self, share: f64) -> Duration {
        let wanted = self.count as f64 * share;
        let mut n_below = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            n_below += count;
            if n_below as f64 >= wanted && n_below > 0 {
                return Duration::from_micros((1 << bucket).min(self.max_us));
            }
        }
        Duration::ZERO
    }

    /// Upper bounds in seconds with the count below each, as Prometheus wants them.
    #[expect(
        clippy::cast_precision_loss,
        reason = "powers of two are exact in a float"
    )]
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounded = &self.buckets[..N_BUCKETS - 1];
        bounded
            .iter()
            .enumerate()
            .scan(0, |n_below, (bucket, count)| {
                *n_below += count;
                Some(((1_u64 << bucket) as f64 / 1e6, *n_below))
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bound_is_at_most_twice_the_true_quantile(
            mut micros in prop::collection::vec(1_u64..60_000_000, 1..200), share in 0.01..1.0_f64,
        ) {
            let mut histogram = Histogram::default();
            for time in &micros {
                histogram.add(Duration::from_micros(*time));
            }
            micros.sort_unstable();
            let rank = (micros.len() as f64 * share).ceil() as usize;
            let truth = Duration::from_micros(micros[rank - 1]);
            let bound = histogram.below(share);
            prop_assert!(truth <= bound && bound <= 2 * truth, "{truth:?} {bound:?}");
        }
    }
}
