//! How unlikely a rank sum or a number of inversions is, counted exactly: the two tables that the tests of a history
//! look into.
//!
//! A *score* is the negative natural logarithm of a two-sided p-value. It is used instead of the usual standardised
//! distance because it does not saturate: eight nights that are the eight highest of sixty are one order in 2.6 billion,
//! while their standardised rank sum stays below that of many a harmless split in the middle.

use std::sync::OnceLock;

/// Nights that a split leaves on either side at least: fewer are a bad night or two, not a level.
pub const MIN_SIDE: usize = 5;

/// How many nights the search for a step looks back; the longest that the segment fills is taken.
///
/// Not every length, because each has a table of its own. The shortest is the first whose most lopsided order is rare
/// enough to be believed; beyond the longest the ground moves for reasons of its own, and the drift test takes over.
pub const WINDOWS: [usize; 7] = [20, 24, 28, 34, 40, 48, 60];

/// Scores of every rank sum of every split of a window.
#[derive(Debug)]
pub struct SplitScores {
    window: usize,
    /// By split, then by the sum of the ranks before the split less the smallest possible one.
    by_split: Vec<Vec<f64>>,
}

impl SplitScores {
    /// The table of the longest window that so many nights fill; `None` if they fill none.
    pub fn for_nights(n_nights: usize) -> Option<&'static Self> {
        static TABLES: [OnceLock<SplitScores>; WINDOWS.len()] =
            [const { OnceLock::new() }; WINDOWS.len()];
        let place = WINDOWS.iter().rposition(|window| *window <= n_nights)?;
        Some(TABLES[place].get_or_init(|| Self::count(WINDOWS[place])))
    }

    /// Nights of the window.
    pub fn window(&self) -> usize {
        self.window
    }

    /// The score of the most lopsided split. `doubled_ranks` are twice the ranks of the window's
    /// nights, so that nights that share a rank share a whole number.
    pub fn most_lopsided(&self, doubled_ranks: &[u32]) -> f64 {
        let mut best: f64 = 0.0;
        let mut sum = 0;
        for (index, rank) in doubled_ranks.iter().enumerate() {
            sum += *rank as usize;
            let split = index + 1;
            let scores = split
                .checked_sub(MIN_SIDE)
                .and_then(|place| self.by_split.get(place));
            let Some(scores) = scores else { continue };
            // Half a rank is rounded towards the middle, which never makes an order look rarer.
            let middle = split * (self.window + 1) / 2;
            let whole = if sum / 2 < middle {
                sum.div_ceil(2)
            } else {
                sum / 2
            };
            best = best.max(scores[whole - split * (split + 1) / 2]);
        }
        best
    }

    /// Counts the subsets of the ranks by size and sum.
    fn count(window: usize) -> Self {
        let n_sums = window * (window + 1) / 2 + 1;
        let mut n_subsets = vec![vec![0.0_f64; n_sums]; window + 1];
        n_subsets[0][0] = 1.0;
        let mut largest = 0;
        for rank in 1..=window {
            largest += rank;
            for size in (1..=rank).rev() {
                let (smaller, larger) = n_subsets.split_at_mut(size);
                for sum in rank..=largest {
                    larger[0][sum] += smaller[size - 1][sum - rank];
                }
            }
        }
        let splits = MIN_SIDE..=window - MIN_SIDE;
        let by_split = splits
            .map(|split| {
                let first = split * (split + 1) / 2;
                let last = first + split * (window - split);
                two_sided_scores(&n_subsets[split][first..=last])
            })
            .collect();
        Self { window, by_split }
    }
}

/// Scores of Kendall's sum: rises less falls among all pairs of the nights, for the numbers of nights that are used.
#[derive(Debug)]
pub struct TrendScores {
    n_points: usize,
    /// By the number of falling pairs.
    by_falls: Vec<f64>,
}

impl TrendScores {
    /// Counts the orders of so many points by their falls (Mann, "Nonparametric tests against trend", 1945).
    pub fn of(n_points: usize) -> Self {
        let mut n_orders = vec![1.0_f64];
        for point in 2..=n_points {
            // A further point falls below none to all of those before it.
            let mut next = vec![0.0; n_orders.len() + point - 1];
            for (falls, n) in n_orders.iter().enumerate() {
                for more in 0..point {
                    next[falls + more] += n;
                }
            }
            n_orders = next;
        }
        Self {
            n_points,
            by_falls: two_sided_scores(&n_orders),
        }
    }

    /// The score of points in the order of their nights. Equal points are half a fall, rounded towards the middle.
    pub fn score(&self, points: &[f64]) -> f64 {
        debug_assert_eq!(points.len(), self.n_points);
        let mut doubled_falls = 0;
        for (index, later) in points.iter().enumerate() {
            for earlier in &points[..index] {
                doubled_falls += usize::from(earlier > later) + usize::from(earlier >= later);
            }
        }
        let n_pairs = self.by_falls.len() - 1;
        let falls = if doubled_falls < n_pairs {
            doubled_falls.div_ceil(2)
        } else {
            doubled_falls / 2
        };
        self.by_falls[falls]
    }
}

/// The scores of a symmetric distribution, from its counts.
fn two_sided_scores(counts: &[f64]) -> Vec<f64> {
    let all: f64 = counts.iter().sum();
    let mut scores = vec![0.0; counts.len()];
    let mut tail = 0.0;
    for place in 0..counts.len().div_ceil(2) {
        tail += counts[place];
        let score = -(2.0 * tail / all).min(1.0).ln();
        scores[place] = score;
        scores[counts.len() - 1 - place] = score;
    }
    scores
}

/// Twice the ranks of the values: equal values share the mean of their ranks.
pub fn doubled_ranks(values: &[f64]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|left, right| values[*left].total_cmp(&values[*right]));
    let mut ranks = vec![0; values.len()];
    let mut n_before = 0;
    for equals in order.chunk_by(|left, right| values[*left] == values[*right]) {
        for index in equals {
            ranks[*index] = (2 * n_before + equals.len() + 1) as u32;
        }
        n_before += equals.len();
    }
    ranks
}

#[cfg(test)]
mod tests;
