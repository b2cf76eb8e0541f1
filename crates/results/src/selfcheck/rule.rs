//! What Criterion 0.8 would have said of the same samples: its published rule, computed again.
//!
//! Criterion's table says "improved" or "regressed" if both hold (`analysis/compare.rs`, `report.rs` of 0.8.2, default
//! settings):
//!
//! - p < 0.05, where p is twice the smaller tail of Welch's t among the t of resamples: both samples pooled, drawn from
//!   with replacement, and cut in two at the sizes of the samples;
//! - the 95 % interval of mean ÷ mean − 1 lies wholly beyond 1 %, where the interval is that of the percentiles over
//!   all combinations of 317 resamples of either sample, which is the root of its 100,000.
//!
//! A sample there is the mean time per iteration of one batch, as here. Two things differ. Criterion draws its random
//! numbers from the clock and takes 100,000 resamples for p; here they are [`N_RESAMPLES`] with a seed. And Criterion
//! takes its two samples from one process each, minutes apart; which samples are used here, the caller says.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::stats::quantile;
use crate::verdict::Verdict;

/// Resamples for p: enough that a p-value near 0.05 is known to a tenth of itself.
pub const N_RESAMPLES: usize = 2_000;

/// Criterion's default significance level.
const SIGNIFICANCE: f64 = 0.05;

/// Criterion's default noise threshold.
const NOISE: f64 = 0.01;

/// Resamples of either sample for the interval.
const N_NESTED: usize = 317;

/// Improved, regressed, or unchanged, which stands for "no change" and "within the noise threshold".
///
/// `None` for samples that are too small to have a variance.
pub fn verdict(base_ns: &[f64], candidate_ns: &[f64], seed: u64) -> Option<Verdict> {
    if base_ns.len() < 2 || candidate_ns.len() < 2 {
        return None;
    }
    let mut random = StdRng::seed_from_u64(seed);
    let t = welch(candidate_ns, base_ns);
    if !t.is_finite() || p_value(t, base_ns, candidate_ns, &mut random) >= SIGNIFICANCE {
        return Some(Verdict::Unchanged);
    }
    let (low, high) = interval(base_ns, candidate_ns, &mut random)?;
    Some(if low > NOISE {
        Verdict::Regressed
    } else if high < -NOISE {
        Verdict::Improved
    } else {
        Verdict::Unchanged
    })
}

fn p_value(t: f64, base_ns: &[f64], candidate_ns: &[f64], random: &mut StdRng) -> f64 {
    let pooled = [candidate_ns, base_ns].concat();
    let mut drawn = vec![0.0; pooled.len()];
    let (mut n_below, mut n_all) = (0_usize, 0_usize);
    for _ in 0..N_RESAMPLES {
        draw(&pooled, &mut drawn, random);
        let (candidate, base) = drawn.split_at(candidate_ns.len());
        let of_resample = welch(candidate, base);
        if of_resample.is_finite() {
            n_all += 1;
            n_below += usize::from(of_resample < t);
        }
    }
    2.0 * n_below.min(n_all - n_below) as f64 / n_all.max(1) as f64
}

fn interval(base_ns: &[f64], candidate_ns: &[f64], random: &mut StdRng) -> Option<(f64, f64)> {
    let mut means = |sample: &[f64]| -> Vec<f64> {
        let mut drawn = vec![0.0; sample.len()];
        let mut mean_of_one = || {
            draw(sample, &mut drawn, random);
            mean(&drawn)
        };
        (0..N_NESTED).map(|_| mean_of_one()).collect()
    };
    let (of_candidate, of_base) = (means(candidate_ns), means(base_ns));
    let changes: Vec<f64> = of_candidate
        .iter()
        .flat_map(|candidate| of_base.iter().map(move |base| candidate / base - 1.0))
        .collect();
    Some((quantile(&changes, 0.025)?, quantile(&changes, 0.975)?))
}

fn draw(from: &[f64], into: &mut [f64], random: &mut StdRng) {
    for place in into {
        *place = from[random.random_range(0..from.len())];
    }
}

fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / sample.len() as f64
}

fn welch(left: &[f64], right: &[f64]) -> f64 {
    let (of_left, of_right) = (mean(left), mean(right));
    let error = |sample: &[f64], mean: f64| {
        let squares: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
        squares / (sample.len() - 1) as f64 / sample.len() as f64
    };
    (of_left - of_right) / (error(left, of_left) + error(right, of_right)).sqrt()
}
