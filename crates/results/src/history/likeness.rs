//! How much a night resembles the night before: noise that lingers must not pass for a change.

use crate::stats::quantile;

/// No estimate goes beyond: nights that resemble each other more cannot be told from a level that moves.
const MOST: f64 = 0.9;

/// Nights further from the level than so many times the usual distance are cut: they are outliers, not noise.
const CUT: f64 = 4.0;

/// Levels that a change fits: one before it and one after.
const FITTED_LEVELS: f64 = 2.0;

/// How many standard errors the estimate is moved to the safe side.
///
/// An estimate that is too low makes false alarms, one that is too high makes alarms a few nights later.
const CAUTION: f64 = 0.75;

/// By how much fewer independent nights a series is worth than it has: one if nights do not resemble each other.
///
/// `residuals` are what is left of the nights once every change of the level is taken off. For noise of which each night
/// keeps a share φ of the night before, the mean of many nights has the variance of (1 − φ) ÷ (1 + φ) as many independent
/// ones (Bayley and Hammersley, "The effective number of independent observations in an autocorrelated time series",
/// 1946). φ is the correlation of a night with the next one, whose standard error is about 1 ÷ √n, and which is estimated
/// too low by about (1 + 3φ) ÷ n for every level that was fitted (Kendall, "Note on bias in the estimation of
/// autocorrelation", 1954).
pub fn inflation(residuals: &[f64]) -> f64 {
    let Some(level) = quantile(residuals, 0.5) else {
        return 1.0;
    };
    let sizes: Vec<f64> = residuals
        .iter()
        .map(|night| (night - level).abs())
        .collect();
    let usual = quantile(&sizes, 0.5).unwrap_or(0.0);
    if usual == 0.0 {
        return 1.0;
    }
    let nights: Vec<f64> = residuals
        .iter()
        .map(|night| (night - level).clamp(-CUT * usual, CUT * usual))
        .collect();
    let squares: f64 = nights.iter().map(|night| night * night).sum();
    let products: f64 = nights.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let correlation = products / squares;
    let n_nights = nights.len() as f64;
    let bias = FITTED_LEVELS * (1.0 + 3.0 * correlation.max(0.0)) / n_nights;
    let error = 1.0 / n_nights.sqrt();
    let share = (correlation + bias + CAUTION * error).clamp(0.0, MOST);
    (1.0 + share) / (1.0 - share)
}

#[cfg(test)]
mod tests {
    use super::inflation;
    use crate::pairs::simulation::noise::Chance;

    fn lingering(seed: u64, share: f64, step: f64) -> Vec<f64> {
        let mut rng = Chance::seeded(seed);
        let mut state = rng.normal();
        (0..300)
            .map(|night| {
                state = share * state + (1.0 - share * share).sqrt() * rng.normal();
                state + if night < 150 { 0.0 } else { step }
            })
            .collect()
    }

    /// The mean over many series.
    fn usual(share: f64, step: f64) -> f64 {
        let inflations = (0..50).map(|seed| inflation(&lingering(seed, share, step)));
        inflations.sum::<f64>() / 50.0
    }

    #[test]
    fn what_lingers_counts_for_less_and_never_for_too_little() {
        for (share, truth) in [(0.0, 1.0), (0.3, 1.86), (0.6, 4.0)] {
            let usual = usual(share, 0.0);
            assert!((truth..1.8 * truth).contains(&usual), "{share}: {usual}");
        }
    }

    #[test]
    fn a_level_that_still_moves_counts_for_less_which_is_the_safe_side() {
        assert!(usual(0.0, 3.0) > 1.5 * usual(0.0, 0.0));
    }

    #[test]
    fn nights_that_are_all_equal_count_in_full() {
        assert_eq!(inflation(&[1.0; 40]), 1.0);
        assert_eq!(inflation(&[1.0]), 1.0);
    }
}
