//! The slope of a series after Theil and Sen, and what chance would make of one without slope.

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::drift::windows::Window;

/// A straight line through a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trend {
    /// The median of the slopes of all pairs, per second.
    pub(super) slope: f64,
    /// Lower end of its 95 % interval.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
    /// The line's value at the first window.
    pub(super) start: f64,
    /// The chance of a slope as large without a trend.
    pub(super) chance: f64,
    /// The slope of the second half.
    pub(super) last: f64,
    /// The chance of a second half as much flatter than the first, if the trend is straight.
    pub(super) chance_of_bend: f64,
}

impl Trend {
    /// The trend of windows, at least 2; the interval and the chance from blocks of what the line leaves over.
    ///
    /// Whole blocks are redrawn, because what is left over of one window resembles that of its neighbours: single
    /// windows would make chance look smaller than it is.
    pub(super) fn of(windows: &[Window], repeats: usize, rng: &mut StdRng) -> Self {
        let slope = theil_sen(windows);
        let origin = windows[0].at;
        let mut levels: Vec<f64> = windows
            .iter()
            .map(|window| window.value - slope * (window.at - origin))
            .collect();
        let residuals = levels.clone();
        levels.sort_by(f64::total_cmp);
        let start = levels[levels.len() / 2];
        let residuals: Vec<f64> = residuals.iter().map(|level| level - start).collect();
        let block = block_length(&residuals);
        let bend = bend(windows);
        let mut as_bent = 0;
        let mut chances: Vec<f64> = Vec::with_capacity(repeats);
        for _ in 0..repeats {
            let redrawn = redrawn(windows, &residuals, block, rng);
            chances.push(theil_sen(&redrawn));
            as_bent += usize::from(self::bend(&redrawn) <= bend);
        }
        chances.sort_by(f64::total_cmp);
        let as_large = chances.iter().filter(|chance| **chance >= slope).count();
        let at = |share: f64| chances[(share * (repeats - 1) as f64) as usize];
        Self {
            slope,
            low: slope - at(0.975),
            high: slope - at(0.025),
            start,
            chance: (1 + as_large) as f64 / (1 + repeats) as f64,
            last: theil_sen(&windows[windows.len() / 2..]),
            chance_of_bend: (1 + as_bent) as f64 / (1 + repeats) as f64,
        }
    }
}

/// How much steeper the second half is than the first.
fn bend(windows: &[Window]) -> f64 {
    let (first, last) = windows.split_at(windows.len() / 2);
    theil_sen(last) - theil_sen(first)
}

/// The median of the slopes of all pairs; 0 with fewer than two windows.
pub(super) fn theil_sen(windows: &[Window]) -> f64 {
    let mut slopes = Vec::with_capacity(windows.len() * windows.len() / 2);
    for (index, left) in windows.iter().enumerate() {
        for right in &windows[index + 1..] {
            slopes.push((right.value - left.value) / (right.at - left.at));
        }
    }
    if slopes.is_empty() {
        return 0.0;
    }
    let middle = slopes.len() / 2;
    *slopes.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// A series without trend from blocks of residuals.
fn redrawn(windows: &[Window], residuals: &[f64], block: usize, rng: &mut StdRng) -> Vec<Window> {
    let mut values = Vec::with_capacity(windows.len() + block);
    while values.len() < windows.len() {
        let begin = rng.random_range(0..=residuals.len() - block);
        values.extend_from_slice(&residuals[begin..begin + block]);
    }
    windows
        .iter()
        .zip(values)
        .map(|(window, value)| Window { value, ..*window })
        .collect()
}

/// Blocks as long as neighbours resemble each other, at least the cube root of the length and at most a third of it.
fn block_length(residuals: &[f64]) -> usize {
    let n = residuals.len();
    let mean = residuals.iter().sum::<f64>() / n as f64;
    let covariance = |lag: usize| -> f64 {
        let pairs = residuals.iter().zip(&residuals[lag..]);
        pairs
            .map(|(left, right)| (left - mean) * (right - mean))
            .sum()
    };
    let variance = covariance(0);
    let least = (n as f64).cbrt().ceil() as usize;
    let most = (n / 3).max(1);
    if variance <= 0.0 {
        return least.min(most);
    }
    // Beyond twice the standard error of a correlation of nothing, neighbours are said to resemble each other.
    let chance = 2.0 / (n as f64).sqrt();
    let alike = (1..most)
        .take_while(|lag| covariance(*lag) / variance > chance)
        .count();
    (2 * alike + 1).clamp(least.min(most), most)
}
