//! Which operation comes next: a weighted mix, drawn from a seed.

use query_api::go_duration::GoDuration;
use rand::Rng;
use rand::rngs::StdRng;
use serde::Deserialize;

/// One kind of operation in a mix.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Its name, as SLOs and reports use it.
    pub name: String,
    /// How often it comes, relative to the others.
    pub weight: f64,
    /// The shortest and the longest time that it is expected to take; unset means the LLM's.
    #[serde(default)]
    pub latency: Option<[GoDuration; 2]>,
}

/// Draws operations in proportion to their weights.
#[derive(Debug, Clone)]
pub struct Mix {
    /// Running sums of the weights, the last one being the total.
    sums: Vec<f64>,
}

impl Mix {
    /// A mix of these weights; the draw is an index into them.
    pub fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut total = 0.0;
        let add = |weight| {
            total += weight;
            total
        };
        Self {
            sums: weights.into_iter().map(add).collect(),
        }
    }

    /// The index of the next operation; 0 if no weight is above zero.
    pub fn draw(&self, rng: &mut StdRng) -> usize {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let point = unit(rng) * total;
        let index = self.sums.partition_point(|sum| *sum <= point);
        index.min(self.sums.len().saturating_sub(1))
    }

    /// The share of each operation, in the order of the weights.
    pub fn shares(&self) -> Vec<f64> {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let before = std::iter::once(&0.0).chain(&self.sums);
        self.sums
            .iter()
            .zip(before)
            .map(|(sum, before)| (sum - before) / total)
            .collect()
    }
}

/// A number in `[0, 1)` with 53 random bits.
fn unit(rng: &mut StdRng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn operations_come_in_proportion_to_their_weights() {
        let mix = Mix::new([60.0, 30.0, 0.0, 10.0]);
        let mut rng = StdRng::seed_from_u64(3);
        let mut counts = [0_u32; 4];
        for _ in 0..100_000 {
            counts[mix.draw(&mut rng)] += 1;
        }
        assert_eq!(counts[2], 0);
        for (count, share) in counts.iter().zip(mix.shares()) {
            assert!((f64::from(*count) / 100_000.0 - share).abs() < 0.01);
        }
    }
}
