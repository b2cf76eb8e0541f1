//! The test of pair mode: an exact sign-flip over rounds, and what it says about size.
//!
//! A round is one fresh process of each side, and its median log ratio is all that it contributes: samples of one
//! process share its memory layout and its neighbours, so counting them one by one would count one thing thirty times.
//! If the sides are equal, then base and candidate might as well have changed places in any round, so every round's
//! sign is a fair coin. The p-value is the share of all assignments of signs that are at least as lopsided as the
//! one that was measured. Nothing is assumed about the shape of the noise.
//!
//! The statistic over rounds is the sum of the signed ranks (Wilcoxon, "Individual comparisons by ranking methods",
//! 1945), and what goes with it: the estimate is the median of the averages of all pairs of rounds, the interval a
//! range of those averages (Hodges and Lehmann, "Estimates of location based on rank tests", 1963). Why not
//! something nearer at hand; each is shown in `simulation.rs`:
//!
//! - The median over rounds ignores the signs of the rounds near zero: ten rounds that all agree give p = 0.03, so
//!   that ten rounds can never fail anything at 1 %.
//! - The median of all pairs of all rounds has the same flaw on a calm machine: once the pairs of a round agree with
//!   each other better than rounds do, 2 % slower code is found in 2 % of the runs where ranks find it always.
//! - The mean over rounds finds as much as ranks where all rounds are good, and much less with one bad round in
//!   twenty.
//!
//! Ranks have known sums, so the p-value is counted exactly for any number of rounds. Nothing is drawn at random.

use super::sample::{Pair, Round, Sample};
use crate::stats::quantile;

/// Log ratios closer than this are equal: far below what a clock can tell, far above what rounding does.
const RESOLUTION: f64 = 1e-12;

/// Which time of a sample is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Time on the wall, with all waiting.
    Wall,
    /// CPU time of the measuring thread, without the time that others took the core away.
    Cpu,
}

/// Which departures from "no change" count against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Slower or faster.
    Both,
    /// Slower alone.
    Slower,
    /// Faster alone.
    Faster,
}

/// The log ratio candidate ÷ base of each round, in the order of the rounds.
///
/// `None` if there is a round that has no usable time by this clock: dropping it might favour a side.
pub fn log_ratios(rounds: &[Round], clock: Clock) -> Option<Vec<f64>> {
    rounds.iter().map(|round| log_ratio(round, clock)).collect()
}

/// The median over the pairs of a round, so that preempted turns do not count by how long they took.
fn log_ratio(round: &Round, clock: Clock) -> Option<f64> {
    let log_time = |sample: &Sample| {
        let time_ns = match clock {
            Clock::Wall => sample.wall_ns,
            Clock::Cpu => sample.cpu_ns,
        };
        (time_ns / sample.n_iterations as f64).ln()
    };
    let of_pair = |pair: &Pair| log_time(&pair.candidate) - log_time(&pair.base);
    let of_pairs: Vec<f64> = round.pairs.iter().map(of_pair).collect();
    quantile(&of_pairs, 0.5).filter(|ratio| ratio.is_finite())
}

/// The chance of rounds as lopsided as these around `shift`, or more, if the true log ratio is `shift`.
///
/// One for no rounds, and for rounds that all lie on the shift: they say nothing.
pub fn p_value(log_ratios: &[f64], shift: f64, tail: Tail) -> f64 {
    let scores = Scores::around(log_ratios, shift);
    // The distribution is symmetric: a sum above as large as this is as likely as one below as small.
    let chance_of_at_most = |sum: usize| -> f64 { scores.chances(sum).iter().sum() };
    match tail {
        Tail::Slower => chance_of_at_most(scores.below),
        Tail::Faster => chance_of_at_most(scores.above),
        Tail::Both => (2.0 * chance_of_at_most(scores.above.min(scores.below))).min(1.0),
    }
}

/// The log ratio that the rounds favour: the shift around which they are least lopsided. `None` for no rounds.
pub fn estimate(log_ratios: &[f64]) -> Option<f64> {
    quantile(&averages(log_ratios), 0.5)
}

/// All shifts that the two-sided test does not reject at the confidence; `None` if the rounds are too few to reject any.
pub fn interval(log_ratios: &[f64], confidence: f64) -> Option<(f64, f64)> {
    // As the shift moves up across the average of two rounds, the sum of the ranks above it falls by one. So the
    // least lopsided sum that is still rejected is the number of averages to leave out at each end.
    let ranks = Scores::distinct(log_ratios.len());
    let ranks = ranks.chances(ranks.below / 2);
    let mut tail = 0.0;
    let rejected = ranks.iter().step_by(2).take_while(|chance| {
        tail += **chance;
        2.0 * tail <= 1.0 - confidence
    });
    let n_left_out = rejected.count().checked_sub(1)?;
    let mut averages = averages(log_ratios);
    averages.sort_by(f64::total_cmp);
    let low = averages.get(n_left_out)?;
    let high = averages.get(averages.len() - 1 - n_left_out)?;
    Some((*low, *high))
}

/// The average of every two rounds, and every round itself.
fn averages(log_ratios: &[f64]) -> Vec<f64> {
    let firsts = log_ratios.iter().enumerate();
    firsts
        .flat_map(|(index, first)| {
            let seconds = &log_ratios[index..];
            seconds
                .iter()
                .map(move |second| f64::midpoint(*first, *second))
        })
        .collect()
}

/// Twice the ranks of the distances from a shift: rounds at equal distances share a rank, which may be a half.
struct Scores {
    all: Vec<usize>,
    /// Sum over the rounds above the shift.
    above: usize,
    /// Sum over the rounds below the shift.
    below: usize,
}

impl Scores {
    fn around(log_ratios: &[f64], shift: f64) -> Self {
        let steps = |ratio: &f64| ((ratio - shift) / RESOLUTION).round();
        // A round on the shift has no sign to flip.
        let mut distances: Vec<f64> = log_ratios
            .iter()
            .map(steps)
            .filter(|steps| *steps != 0.0)
            .collect();
        distances.sort_by(|left, right| left.abs().total_cmp(&right.abs()));

        let mut scores = Self {
            all: Vec::with_capacity(distances.len()),
            above: 0,
            below: 0,
        };
        for group in distances.chunk_by(|left, right| left.abs() == right.abs()) {
            let n_before = scores.all.len();
            let score = 2 * n_before + group.len() + 1;
            for distance in group {
                scores.all.push(score);
                if *distance > 0.0 {
                    scores.above += score;
                } else {
                    scores.below += score;
                }
            }
        }
        scores
    }

    /// Of rounds at distinct distances, all below.
    fn distinct(n_rounds: usize) -> Self {
        Self {
            all: (1..=n_rounds).map(|rank| 2 * rank).collect(),
            above: 0,
            below: n_rounds * (n_rounds + 1),
        }
    }

    /// The chance of each sum on one side of the shift, from none to `most`, if every sign is a fair coin.
    fn chances(&self, most: usize) -> Vec<f64> {
        let mut chances = vec![0.0; most + 1];
        chances[0] = 1.0;
        let mut largest = 0;
        for score in &self.all {
            largest = most.min(largest + score);
            for sum in (0..=largest).rev() {
                let without = chances[sum];
                let with = sum.checked_sub(*score).map_or(0.0, |rest| chances[rest]);
                chances[sum] = f64::midpoint(without, with);
            }
        }
        chances
    }
}

#[cfg(test)]
mod tests;
