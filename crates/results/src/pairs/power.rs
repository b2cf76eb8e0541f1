//! The smallest change that pair mode finds on a machine: by its own test, from how equal programs differ there.
//!
//! Rounds of equal programs, as a null control or a check leaves them, are drawn again and again, with replacement and
//! within one run, because rounds of one run share what leans on it. A change of the candidate by a factor moves every
//! log ratio by the same amount, so each draw has one threshold: the smallest change that would have been called a
//! regression from it. It is found exactly, by the test itself: p within the level, the interval beyond the floor, and
//! fresh rounds, drawn from the same run, that agree. Rounds are looked at as a run looks at them: at first, and with
//! five more each time while the case is open. The change that a share of the draws stays below is found with that
//! power.
//!
//! What it leaves out: a case that is called *unchanged* gets no more rounds, so that changes close to the relevance
//! are found a little less often than said here; and slow drifts from run to run of which the given runs know nothing.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::control::clocks;
use super::judge::MOST_ROUNDS;
use super::sample::{Engine, PairCase, Round};
use super::test::{self, Clock, Tail};
use crate::compare::FALSE_ALARM_BUDGET;
use crate::stats::{CONFIDENCE, quantile};

/// The power at which an effect is stated.
pub const POWER: f64 = 0.9;

/// Draws per case: a power of 90 % is then known to within 3 points, and of 99 % to within one.
pub const N_DRAWS: usize = 400;

/// Rounds that an open case gets before it is looked at again, as `pairs::course` gives them.
const MORE: usize = 5;

/// The largest log ratio that is looked for; beyond it a case finds nothing.
const LARGEST: f64 = 1.0;

/// What a run would be measured and judged by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Settings {
    /// Rounds of every case at first.
    pub n_rounds: usize,
    /// Rounds that an open case has at most: [`MOST_ROUNDS`], or what the budget allows.
    pub n_rounds_most: usize,
    /// Tests that share the false-alarm budget.
    pub n_tests: usize,
}

impl Settings {
    /// Of a run with so many rounds at first, in which so many tests share the budget, and time for all that is asked.
    pub fn of(n_rounds: usize, n_tests: usize) -> Self {
        Self {
            n_rounds,
            n_rounds_most: MOST_ROUNDS.max(n_rounds),
            n_tests,
        }
    }
}

/// How equal programs differed in one case: runs, each with the log ratios of its rounds by clock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NullRounds {
    runs: Vec<Vec<[Option<f64>; 2]>>,
}

/// What one case can show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Power {
    /// Runs of equal programs that it is known from.
    pub n_runs: usize,
    /// Rounds of these runs.
    pub n_null_rounds: usize,
    /// Standard deviation of the log ratios of rounds by wall time, within runs.
    pub deviation: f64,
    /// What a change must lie beyond, as a share.
    pub floor: f64,
    /// The smallest change that is found with [`POWER`], as a share; unset if none is that is worth speaking of.
    pub smallest: Option<f64>,
    /// The same if nothing but the test stood in the way, without floor.
    pub smallest_without_floor: Option<f64>,
    /// The thresholds of all draws, rising, as shares.
    #[serde(skip)]
    thresholds: Vec<f64>,
}

impl NullRounds {
    /// Adds a run's rounds in which base and candidate were the same program; too few say nothing.
    pub fn add(&mut self, rounds: &[Round], engine: Engine) {
        let of = |round: &Round, clock: Clock| {
            let is_looked_at = clocks(engine).contains(&clock);
            let ratios = is_looked_at.then(|| test::log_ratios(std::slice::from_ref(round), clock));
            ratios.flatten()?.first().copied()
        };
        let run: Vec<[Option<f64>; 2]> = rounds
            .iter()
            .map(|round| [of(round, Clock::Wall), of(round, Clock::Cpu)])
            .collect();
        if run.len() > MORE {
            self.runs.push(run);
        }
    }

    /// Adds whatever equal programs gave in a case: its null control, and its rounds too if both sides were equal.
    pub fn add_case(&mut self, case: &PairCase, is_same: bool) {
        self.add(&case.null_rounds, case.engine);
        if is_same {
            self.add(&case.rounds, case.engine);
            self.add(&case.confirm_rounds, case.engine);
        }
    }

    /// What can be shown of the case under these settings; `None` without a run.
    ///
    /// `floor` is a share, the larger of relevance and null floor. The same seed gives the same answer.
    pub fn power(&self, settings: &Settings, floor: f64, seed: u64) -> Option<Power> {
        let deviation = self.deviation()?;
        let thresholds = |floor: f64| -> Vec<f64> {
            let mut random = StdRng::seed_from_u64(seed);
            let mut thresholds: Vec<f64> = (0..N_DRAWS)
                .map(|_| self.threshold(settings, floor.ln_1p(), &mut random).exp_m1())
                .collect();
            thresholds.sort_by(f64::total_cmp);
            thresholds
        };
        let smallest = |thresholds: &[f64]| {
            let smallest = quantile(thresholds, POWER)?;
            (smallest < LARGEST.exp_m1()).then_some(smallest)
        };
        let with_floor = thresholds(floor);
        Some(Power {
            n_runs: self.runs.len(),
            n_null_rounds: self.runs.iter().map(Vec::len).sum(),
            deviation,
            floor,
            smallest: smallest(&with_floor),
            smallest_without_floor: smallest(&thresholds(0.0)),
            thresholds: with_floor,
        })
    }

    /// Of the rounds around the mean of their run.
    fn deviation(&self) -> Option<f64> {
        let (mut squares, mut freedom) = (0.0, 0_usize);
        for run in &self.runs {
            let wall: Vec<f64> = run.iter().filter_map(|round| round[0]).collect();
            let mean = wall.iter().sum::<f64>() / wall.len() as f64;
            squares += wall.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>();
            freedom += wall.len().saturating_sub(1);
        }
        (freedom > 0).then(|| (squares / freedom as f64).sqrt())
    }

    /// The smallest log ratio of a change that one drawn run calls a regression, by either clock.
    fn threshold(&self, settings: &Settings, floor: f64, random: &mut StdRng) -> f64 {
        let run = &self.runs[random.random_range(0..self.runs.len())];
        let mut draw = |n_rounds: usize| -> Vec<[Option<f64>; 2]> {
            let rounds = (0..n_rounds).map(|_| run[random.random_range(0..run.len())]);
            rounds.collect()
        };
        let rounds = draw(settings.n_rounds_most);
        let fresh = draw(settings.n_rounds_most);
        let of_clock = |clock: usize| -> f64 {
            let ratios = |rounds: &[[Option<f64>; 2]]| -> Option<Vec<f64>> {
                rounds.iter().map(|round| round[clock]).collect()
            };
            let (Some(rounds), Some(fresh)) = (ratios(&rounds), ratios(&fresh)) else {
                return LARGEST;
            };
            let looks = (settings.n_rounds..=settings.n_rounds_most).step_by(MORE);
            let of_look = |n_rounds: usize| {
                accused_from(&rounds[..n_rounds], settings, floor)
                    .max(confirmed_from(&fresh[..n_rounds], floor))
            };
            looks.map(of_look).fold(LARGEST, f64::min)
        };
        of_clock(0).min(of_clock(1))
    }
}

/// The smallest change from which these rounds accuse, if theirs is the smallest p-value of all.
fn accused_from(ratios: &[f64], settings: &Settings, floor: f64) -> f64 {
    let level = FALSE_ALARM_BUDGET / settings.n_tests.max(1) as f64;
    let Some((low, _)) = test::interval(ratios, CONFIDENCE) else {
        return LARGEST;
    };
    let is_significant = |change: f64| test::p_value(ratios, -change, Tail::Both) <= level;
    (floor - low).max(first_that(is_significant))
}

/// The smallest change that fresh rounds confirm, if the case is the only one that is accused.
fn confirmed_from(ratios: &[f64], floor: f64) -> f64 {
    let Some(estimate) = test::estimate(ratios) else {
        return LARGEST;
    };
    let is_significant =
        |change: f64| test::p_value(ratios, -change, Tail::Slower) <= FALSE_ALARM_BUDGET;
    (floor - estimate).max(first_that(is_significant))
}

/// The smallest change from zero on for which a condition holds that holds for all larger ones.
fn first_that(holds: impl Fn(f64) -> bool) -> f64 {
    if !holds(LARGEST) {
        return LARGEST;
    }
    let (mut low, mut high) = (0.0, LARGEST);
    // To a hundred thousandth, which no report shows.
    while high - low > 1e-5 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

impl Power {
    /// How often a change of this share is found.
    pub fn of(&self, change: f64) -> f64 {
        let n_found = self.thresholds.partition_point(|threshold| *threshold <= change);
        n_found as f64 / self.thresholds.len() as f64
    }
}

#[cfg(test)]
mod tests;
