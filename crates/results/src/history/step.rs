//! The search for a step: from one night on, another level.
//!
//! Every split of the window is scored by its rank sum, and the most lopsided one counts. That it was searched for is
//! part of its p-value: `SEARCHED` says how often the most lopsided split of nights in random order scores as much.

use super::ranks::{MIN_SIDE, SplitScores, WINDOWS, doubled_ranks};
use crate::stats::quantile;

/// The p-values at which the search is calibrated.
const CALIBRATED_P: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/// The score that the most lopsided split of a window exceeds with each of these chances, if the nights might as well
/// have come in any other order: from ten million random orders per window, which is exact to a fiftieth at 1e-4 and to
/// a third at 1e-6. `searched_scores_are_those_of_random_orders` draws some of them again.
const SEARCHED: [[f64; CALIBRATED_P.len()]; WINDOWS.len()] = [
    // Twenty nights have no order rarer than one in 92 378: the last score is out of reach.
    [6.47, 8.85, 10.57, 11.44, 13.74],
    [6.62, 9.12, 11.31, 13.10, 14.04],
    [6.84, 9.34, 11.60, 13.70, 15.36],
    [7.05, 9.55, 11.84, 14.12, 16.29],
    [7.17, 9.69, 12.07, 14.53, 16.86],
    [7.33, 9.87, 12.27, 14.60, 17.28],
    [7.49, 10.02, 12.46, 14.86, 17.58],
];

/// Nights further from the middle than so many times the usual distance are cut before a step is dated: one wild night
/// is not where it begins.
const CUT: f64 = 6.0;

/// The most lopsided split of the last nights: it tells that the level moved, and only roughly when.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Nights that were looked at, the last of the series.
    pub window: usize,
    /// How rare its order is; see [`super::ranks`].
    pub score: f64,
}

impl Step {
    /// The most lopsided split of the longest window that these values fill; `None` for too few nights.
    pub fn most_lopsided(values: &[f64]) -> Option<Self> {
        let scores = SplitScores::for_nights(values.len())?;
        let window = scores.window();
        let ranks = doubled_ranks(&values[values.len() - window..]);
        Some(Self {
            window,
            score: scores.most_lopsided(&ranks),
        })
    }

    /// The chance of a split as lopsided anywhere in the window if nothing changed. `inflation` is by how much nights
    /// that resemble their neighbours carry less than they count.
    pub fn p_value(&self, inflation: f64) -> f64 {
        let place = WINDOWS.iter().position(|window| *window == self.window);
        place.map_or(1.0, |place| {
            searched(&SEARCHED[place], self.score / inflation)
        })
    }
}

/// The night of the step: how many values come before the split that leaves the smallest squares around the means of
/// both sides. A split nearer to the middle is rarer than it fits well, so the most lopsided one would lean there.
pub fn split(values: &[f64]) -> usize {
    let middle = quantile(values, 0.5).unwrap_or(0.0);
    let sizes: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let cut = CUT * quantile(&sizes, 0.5).unwrap_or(0.0);
    let values: Vec<f64> = values
        .iter()
        .map(|value| (value - middle).clamp(-cut, cut))
        .collect();
    let total: f64 = values.iter().sum();
    let mut before = 0.0;
    // What lies between the sides is what is not left around their means.
    let between = values.iter().enumerate().map(|(index, value)| {
        before += value;
        let n_before = (index + 1) as f64;
        let n_after = values.len() as f64 - n_before;
        (
            index + 1,
            before * before / n_before + (total - before).powi(2) / n_after,
        )
    });
    let splits = between
        .skip(MIN_SIDE - 1)
        .take(values.len() + 1 - 2 * MIN_SIDE);
    let best = splits.max_by(|left, right| left.1.total_cmp(&right.1));
    best.map_or(MIN_SIDE, |(split, _)| split)
}

/// How much the values rise from before the split to after it, and the levels of both sides.
///
/// The shift is the median of all differences between a night after and a night before (Hodges and Lehmann, 1963).
pub fn shift(values: &[f64], split: usize) -> Option<f64> {
    let (before, after) = values.split_at_checked(split)?;
    let differences: Vec<f64> = after
        .iter()
        .flat_map(|after| before.iter().map(move |before| after - before))
        .collect();
    quantile(&differences, 0.5)
}

/// Between two calibrated scores the logarithm of the chance is a straight line, and so it goes on beyond the last.
fn searched(scores: &[f64; CALIBRATED_P.len()], score: f64) -> f64 {
    if score <= scores[0] {
        return 1.0;
    }
    let upper = scores.iter().position(|calibrated| score <= *calibrated);
    let upper = upper.unwrap_or(scores.len() - 1);
    let (low, high) = (scores[upper - 1], scores[upper]);
    let (p_low, p_high) = (CALIBRATED_P[upper - 1].ln(), CALIBRATED_P[upper].ln());
    (p_low + (score - low) / (high - low) * (p_high - p_low)).exp()
}

#[cfg(test)]
mod tests;
