//! The smallest change that pair mode finds on a machine: by its own test, from how equal programs differ there.
//!
//! Rounds of equal programs, as a null control or a check leaves them, are drawn again and again, with replacement and
//! within one run, because rounds of one run share what leans on it. A change of the candidate by a factor moves every
//! log ratio by the same amount, so each draw has one threshold: the smallest change that would have been called a
//! regression from it. It is found exactly, by the test itself: p within the level, the interval beyond the floor, and
//! fresh rounds, drawn from the same run, that agree. Rounds are looked at as a run looks at them: at first, and with
//! ten more each time while the case is open. The change that a share of the draws stays below is found with that
//! power.
//!
//! Every run is moved so that it shows no change, for chance would otherwise count twice: in the rounds that accuse and
//! in those that confirm. What leans on whole runs is the business of the null floor, which is in the floor that is
//! given. What it leaves out: a case that is called *unchanged* gets no more rounds, so that changes close to the relevance
//! are found a little less often than said here.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::control::clocks;
use super::judge::{MORE_ROUNDS, MOST_ROUNDS};
use super::sample::{Engine, PairCase, Round};
use super::test::{self, Clock};
use crate::compare::FALSE_ALARM_BUDGET;
use crate::stats::{CONFIDENCE, quantile};

/// The power at which an effect is stated.
pub const POWER: f64 = 0.9;

/// Draws per case: a power of 90 % is then known to within 3 points, and of 99 % to within one.
pub const N_DRAWS: usize = 400;

/// Rounds of a run that say anything of how rounds differ.
const LEAST_ROUNDS: usize = 6;

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
        if run.len() >= LEAST_ROUNDS {
            self.runs.push(centred(&run));
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
        let mut random = StdRng::seed_from_u64(seed);
        let drawn =
            (0..N_DRAWS).map(|_| self.thresholds(settings, [floor.ln_1p(), 0.0], &mut random));
        let (mut thresholds, mut without_floor): (Vec<f64>, Vec<f64>) = drawn
            .map(|[with, without]| (with.exp_m1(), without.exp_m1()))
            .unzip();
        thresholds.sort_by(f64::total_cmp);
        without_floor.sort_by(f64::total_cmp);
        let smallest = |thresholds: &[f64]| {
            let smallest = quantile(thresholds, POWER)?;
            (smallest < LARGEST.exp_m1()).then_some(smallest)
        };
        Some(Power {
            n_runs: self.runs.len(),
            n_null_rounds: self.runs.iter().map(Vec::len).sum(),
            deviation,
            floor,
            smallest: smallest(&thresholds),
            smallest_without_floor: smallest(&without_floor),
            thresholds,
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

    /// The smallest log ratio of a change that one drawn run calls a regression, by either clock; for each floor.
    fn thresholds<const N: usize>(
        &self,
        settings: &Settings,
        floors: [f64; N],
        random: &mut StdRng,
    ) -> [f64; N] {
        let run = &self.runs[random.random_range(0..self.runs.len())];
        let mut draw = || -> Vec<[Option<f64>; 2]> {
            let rounds =
                (0..settings.n_rounds_most).map(|_| run[random.random_range(0..run.len())]);
            rounds.collect()
        };
        let (rounds, fresh) = (draw(), draw());
        let mut thresholds = [LARGEST; N];
        for clock in 0..2 {
            let of_clock = |rounds: &[[Option<f64>; 2]]| -> Option<Vec<f64>> {
                rounds.iter().map(|round| round[clock]).collect()
            };
            let (Some(rounds), Some(fresh)) = (of_clock(&rounds), of_clock(&fresh)) else {
                continue;
            };
            let looks = (settings.n_rounds..=settings.n_rounds_most).step_by(MORE_ROUNDS);
            for look in looks.filter_map(|n| Look::at(&rounds[..n], &fresh[..n], settings)) {
                for (threshold, floor) in thresholds.iter_mut().zip(floors) {
                    *threshold = threshold.min(look.threshold(floor));
                }
            }
        }
        thresholds
    }
}

fn centred(run: &[[Option<f64>; 2]]) -> Vec<[Option<f64>; 2]> {
    let centre = |clock: usize| -> Option<f64> {
        let ratios: Option<Vec<f64>> = run.iter().map(|round| round[clock]).collect();
        test::estimate(&ratios?)
    };
    let centres = [centre(0), centre(1)];
    let moved = |round: &[Option<f64>; 2], clock: usize| Some(round[clock]? - centres[clock]?);
    run.iter()
        .map(|round| [moved(round, 0), moved(round, 1)])
        .collect()
}

/// One look at rounds, and at the fresh ones that would confirm; log ratios.
struct Look {
    /// The change from which both p-values are small enough.
    significant_from: f64,
    /// The lower end of the interval, without a change.
    low: f64,
    /// The estimate of the fresh rounds, without a change.
    fresh_estimate: f64,
}

impl Look {
    /// `None` if so few rounds could never say anything.
    ///
    /// A test rejects a shift exactly if it lies outside of the interval at the test's level, so the change from which
    /// "nothing changed" is rejected is the lower end of that interval, turned round. The case is taken to be the only
    /// one that changed: its p-value is the smallest, and shares the budget with all others.
    fn at(rounds: &[f64], fresh: &[f64], settings: &Settings) -> Option<Self> {
        let level = FALSE_ALARM_BUDGET / settings.n_tests.max(1) as f64;
        let (accused_low, _) = test::interval(rounds, 1.0 - level)?;
        // Fresh rounds are tested towards slower alone.
        let (confirmed_low, _) = test::interval(fresh, 1.0 - 2.0 * FALSE_ALARM_BUDGET)?;
        Some(Self {
            significant_from: (-accused_low).max(-confirmed_low),
            low: test::interval(rounds, CONFIDENCE)?.0,
            fresh_estimate: test::estimate(fresh)?,
        })
    }

    fn threshold(&self, floor: f64) -> f64 {
        self.significant_from
            .max(floor - self.low)
            .max(floor - self.fresh_estimate)
    }
}

impl Power {
    /// How often a change of this share is found.
    pub fn of(&self, change: f64) -> f64 {
        let n_found = self
            .thresholds
            .partition_point(|threshold| *threshold <= change);
        n_found as f64 / self.thresholds.len() as f64
    }
}

#[cfg(test)]
mod tests;
