//! The search for a drift: a little more every night, and no night to blame.
//!
//! Mann and Kendall's test asks whether later nights tend to lie above earlier ones (Mann, 1945; Kendall, 1938), Theil
//! and Sen's line says by how much (Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968). Both
//! look back two weeks, four, eight and so on up to a year: a fast drift must be found soon, a slow one at all.

use std::sync::OnceLock;

use super::ranks::TrendScores;
use crate::stats::quantile;

/// How many nights are looked back, each with how many of them are taken together as their median.
///
/// Nights taken together resemble their neighbours less, and keep the number of points at one that is counted exactly.
const REACHES: [(usize, usize); 6] = [(14, 1), (28, 1), (56, 2), (112, 4), (224, 8), (364, 13)];

/// The fewest nights in which a drift can be found.
pub const MIN_NIGHTS: usize = REACHES[0].0;

/// The surest trend among all reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// Nights that were looked at, the last of the series.
    pub window: usize,
    /// Nights that make one point.
    pub block: usize,
    /// How rare its order is; see [`super::ranks`].
    pub score: f64,
    /// Reaches among which it is the surest.
    n_reaches: usize,
}

/// A straight line through the last nights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// What it has at its first night.
    pub first: f64,
    /// What it has at its last.
    pub last: f64,
}

impl Drift {
    /// The surest trend of the last nights; `None` for fewer than [`MIN_NIGHTS`].
    pub fn surest(values: &[f64]) -> Option<Self> {
        let filled = REACHES.iter().filter(|(window, _)| *window <= values.len());
        let n_reaches = filled.clone().count();
        let drifts = filled.map(|(window, block)| {
            let points = points(&values[values.len() - window..], *block);
            Self {
                window: *window,
                block: *block,
                score: trend_scores(points.len()).score(&points),
                n_reaches,
            }
        });
        drifts.max_by(|left, right| left.score.total_cmp(&right.score))
    }

    /// The chance of a trend as sure at any of the reaches if nothing changed. `inflation` is by how much nights that
    /// resemble their neighbours carry less than they count.
    pub fn p_value(&self, inflation: f64) -> f64 {
        (self.n_reaches as f64 * (-self.score / inflation).exp()).min(1.0)
    }

    /// The line of the median slope through the nights that were looked at.
    pub fn line(&self, values: &[f64]) -> Option<Line> {
        let points = points(&values[values.len() - self.window..], self.block);
        let pairs = points.iter().enumerate().flat_map(|(later, upper)| {
            let earlier = points[..later].iter().enumerate();
            earlier.map(move |(earlier, lower)| (upper - lower) / (later - earlier) as f64)
        });
        let slope = quantile(&pairs.collect::<Vec<_>>(), 0.5)?;
        let middle = quantile(&points, 0.5)?;
        let rise = slope / self.block as f64 * (self.window - 1) as f64;
        Some(Line {
            first: middle - rise / 2.0,
            last: middle + rise / 2.0,
        })
    }
}

/// The medians of blocks of nights.
fn points(values: &[f64], block: usize) -> Vec<f64> {
    let blocks = values.chunks_exact(block);
    blocks.filter_map(|block| quantile(block, 0.5)).collect()
}

fn trend_scores(n_points: usize) -> &'static TrendScores {
    static FEW: OnceLock<TrendScores> = OnceLock::new();
    static MANY: OnceLock<TrendScores> = OnceLock::new();
    let few = REACHES[0].0;
    if n_points == few {
        FEW.get_or_init(|| TrendScores::of(few))
    } else {
        MANY.get_or_init(|| TrendScores::of(2 * few))
    }
}

#[cfg(test)]
mod tests;
