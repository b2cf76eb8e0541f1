//! The statistics of a comparison: pure functions, proven by simulation in `stats/tests.rs` and `compare/simulation.rs`.
//!
//! Times are compared on the log scale, where a ratio is a difference and slow runs do not weigh more than fast ones.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

/// The quantile of a process's per-iteration times that stands for the process: the minimum.
///
/// Noise only ever adds time, so the fastest sample is the least disturbed one. Over four fresh processes of 53 cases,
/// on two cores with a load of eleven, the median spread between processes was 3 % for the minimum, 8 % for the low
/// twentieth, 24 % for the median and 27 % for the mean. In simulation it repeats best when most batches are preempted,
/// and under no noise (slow phases, rare fast samples, latencies) much worse than the best quantile for that noise:
/// `the_minimum_repeats_best_when_most_batches_are_preempted` and its neighbour.
/// It sinks a little as the sample grows, so a run with fewer samples than its baseline looks slower, never faster.
pub const LOCATION_QUANTILE: f64 = 0.0;

/// The confidence of every interval that is shown.
pub const CONFIDENCE: f64 = 0.95;

/// The two-sided factor of a normal interval at [`CONFIDENCE`].
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// A quantile of a sample with its interval by rank, which assumes nothing about the shape of the noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// The quantile, interpolated between neighbours.
    pub estimate: f64,
    /// Lower end of the interval; the smallest value where the sample is too small for a rank below.
    pub low: f64,
    /// Upper end of the interval; the largest value where the sample is too small for a rank above.
    pub high: f64,
}

impl Quantile {
    /// The `q` quantile of a sample; `None` if the sample is empty or holds something that is not a number.
    pub fn of(sample: &[f64], q: f64) -> Option<Self> {
        let sorted = sorted(sample)?;
        let estimate = interpolated(&sorted, q);

        // The number of values below the true quantile is binomial; its central range gives the ranks.
        let (low, high) = match Binomial::new(q, sorted.len() as u64) {
            Ok(values_below) => {
                let tail = (1.0 - CONFIDENCE) / 2.0;
                let first = values_below.inverse_cdf(tail) as usize;
                let last = values_below.inverse_cdf(1.0 - tail) as usize;
                (first.saturating_sub(1), last.min(sorted.len() - 1))
            }
            Err(_) => (0, sorted.len() - 1),
        };
        Some(Self {
            estimate,
            low: sorted[low].min(estimate),
            high: sorted[high].max(estimate),
        })
    }

    /// What stands for one process: the [`LOCATION_QUANTILE`] of its per-iteration times.
    ///
    /// Its standard error is the gap between the two fastest samples: where a tail falls off exponentially, that gap has
    /// the minimum's own standard error for its mean. Ranks further up would be wrong: Criterion's later samples are
    /// longer, and on a loaded machine hardly one of them is left alone.
    pub fn location(sample: &[f64]) -> Option<Self> {
        let sorted = sorted(sample)?;
        let estimate = interpolated(&sorted, LOCATION_QUANTILE);
        let next = sorted[1.min(sorted.len() - 1)];
        Some(Self {
            estimate,
            low: estimate,
            high: estimate * (next / estimate).powf(NORMAL_QUANTILE),
        })
    }

    /// Standard error on the log scale, as if the longer side of the interval were that of a normal estimate.
    pub fn log_error(&self) -> f64 {
        let longer = (self.high / self.estimate).max(self.estimate / self.low);
        longer.ln() / NORMAL_QUANTILE
    }
}

/// The `q` quantile of a sample without its interval, which costs far more.
pub fn quantile(sample: &[f64], q: f64) -> Option<f64> {
    Some(interpolated(&sorted(sample)?, q))
}

/// `None` if the sample is empty or holds something that is not a number.
fn sorted(sample: &[f64]) -> Option<Vec<f64>> {
    if sample.is_empty() || sample.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(sorted)
}

fn interpolated(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

/// Mean and standard deviation of logarithms, with the count they come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogMoments {
    /// Mean of the logarithms.
    pub mean: f64,
    /// Standard deviation of the logarithms; zero for a single value.
    pub deviation: f64,
    /// How many values.
    pub count: usize,
}

impl LogMoments {
    /// Of positive values; `None` if there are none or one is not positive.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty()
            || values
                .iter()
                .any(|value| !value.is_finite() || *value <= 0.0)
        {
            return None;
        }
        let count = values.len();
        let mean = values.iter().map(|value| value.ln()).sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value.ln() - mean).powi(2)).sum();
        let deviation = if count > 1 {
            (squares / (count - 1) as f64).sqrt()
        } else {
            0.0
        };
        Some(Self {
            mean,
            deviation,
            count,
        })
    }
}

/// The factor on a standard error for an interval of the given confidence, with few degrees of freedom.
pub fn t_quantile(confidence: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| {
        t.inverse_cdf(f64::midpoint(1.0, confidence))
    })
}

/// The chance that Student's t exceeds `t`, one-sided.
pub fn t_tail(t: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |distribution| distribution.sf(t))
}

/// Which of the hypotheses fall under Holm's step-down procedure, in the order given.
///
/// The chance of one or more false falls is at most `budget`, however the tests depend on each other.
/// `family` is the number of tests that share the budget, at least the number of `p_values`: a filtered run
/// passes the size of the whole, so that leaving cases out does not make the others easier to accuse.
pub fn holm(p_values: &[f64], budget: f64, family: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
    let family = family.max(p_values.len());
    let mut falls = vec![false; p_values.len()];
    for (step, index) in order.into_iter().enumerate() {
        if p_values[index] > budget / (family - step) as f64 {
            break;
        }
        falls[index] = true;
    }
    falls
}

/// The smallest error rate that `events` in `trials` do not refute, at the given confidence: exact and one-sided.
///
/// Used by the simulations: a rate is refuted only if its bound lies above the promise.
pub fn rate_lower_bound(events: u64, trials: u64, confidence: f64) -> f64 {
    if events == 0 {
        return 0.0;
    }
    bisect(|rate| {
        // P(at least `events`) grows with the rate.
        let fewer = Binomial::new(rate, trials).map_or(0.0, |b| b.cdf(events - 1));
        1.0 - fewer >= 1.0 - confidence
    })
}

/// The largest error rate that `events` in `trials` do not refute, at the given confidence: exact and one-sided.
pub fn rate_upper_bound(events: u64, trials: u64, confidence: f64) -> f64 {
    if events >= trials {
        return 1.0;
    }
    bisect(|rate| Binomial::new(rate, trials).map_or(1.0, |b| b.cdf(events)) <= 1.0 - confidence)
}

/// The smallest rate for which a monotone condition holds.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests;
