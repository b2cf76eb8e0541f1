//! The null control: base against base, by the same way as base against candidate.
//!
//! Two uses. In a run it is the alarm of the alarm: where equal programs differ more often than chance allows, the
//! machine breaks what the test relies on, and nothing of the run is judged. A control that fires gets as many rounds
//! again first, and is judged by all of them. Over runs it is the floor of a case: a change that equal programs were
//! seen to make is not called a regression.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{Binomial, DiscreteCDF};

use super::level::{rounds_for, smallest_p};
use super::sample::{Engine, PairCase, PairRun, Round};
use super::test::{self, Clock, Tail};
use crate::case_id::CaseId;
use crate::relevance::PairRelevance;
use crate::stats::{CONFIDENCE, quantile};

/// A case of the null control fires if chance alone gives its rounds less often than this.
///
/// Half of [`CONTAMINATION_LEVEL`], so that a control of one case can speak, and a control of five needs two.
pub const NULL_LEVEL: f64 = 0.005;

/// A run is contaminated if chance alone fires as many cases of its null control less often than this.
pub const CONTAMINATION_LEVEL: f64 = 0.01;

/// The part of a case's relevance that a difference of equal programs must exceed to fire.
///
/// Two copies of one program differ in the length of their paths, which moves the stack by a little and for good. On a
/// quiet case the test sees that, and it harms no verdict.
pub const NULL_TOLERANCE: f64 = 0.25;

/// The quantile of the sizes of a case's null estimates that is its floor.
pub const FLOOR_QUANTILE: f64 = 0.99;

/// The clocks by which a case is tested. In blocks the measuring thread mostly waits for others: its CPU time is not
/// the case's.
pub(super) fn clocks(engine: Engine) -> &'static [Clock] {
    match engine {
        Engine::Turns => &[Clock::Wall, Clock::Cpu],
        Engine::Blocks => &[Clock::Wall],
    }
}

/// How far base against base surely was apart, by case: log ratios, one of each run that drew the case.
///
/// Only the part of an estimate that its own 95 % interval leaves counts. The rest is the scatter of few rounds, which
/// the interval of a judged change has in it already; counted again, it would hide every slowdown of a few standard
/// errors, however many rounds that got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NullEstimates {
    wall: BTreeMap<CaseId, Vec<f64>>,
    cpu: BTreeMap<CaseId, Vec<f64>>,
}

impl NullEstimates {
    /// Adds what the null control of a run gave, unless the run is contaminated by the default relevances.
    ///
    /// One bad day would otherwise blind a case for as long as its estimates are kept.
    pub fn add_run(&mut self, run: &PairRun) {
        if NullControl::of(run, &PairRelevance::default()).is_contaminated() {
            return;
        }
        for case in &run.cases {
            for clock in clocks(case.engine) {
                let log_ratios = test::log_ratios(&case.null_rounds, *clock);
                let sure = log_ratios.and_then(|ratios| surely_apart(&ratios));
                if let Some(sure) = sure {
                    let by_case = match clock {
                        Clock::Wall => &mut self.wall,
                        Clock::Cpu => &mut self.cpu,
                    };
                    by_case.entry(case.id.clone()).or_default().push(sure);
                }
            }
        }
    }

    /// The log ratio that all but one in a hundred of the case's null controls were surely apart by at most, either way.
    ///
    /// `None` for a case that no control has drawn yet. Of a few estimates it is nearly the largest.
    pub fn floor(&self, id: &CaseId, clock: Clock) -> Option<f64> {
        let by_case = match clock {
            Clock::Wall => &self.wall,
            Clock::Cpu => &self.cpu,
        };
        quantile(by_case.get(id)?, FLOOR_QUANTILE)
    }
}

/// The distance of the interval from no difference; zero if that lies within.
fn surely_apart(log_ratios: &[f64]) -> Option<f64> {
    let (low, high) = test::interval(log_ratios, CONFIDENCE)?;
    Some(low.max(-high).max(0.0))
}

/// What the null control of one run says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NullControl {
    /// Cases that were drawn and had rounds enough to fire.
    pub n_cases: usize,
    /// Those of them that fired.
    pub fired: Vec<CaseId>,
    /// The chance of as many or more, if each fires with [`NULL_LEVEL`]; one if no case was drawn.
    pub chance: f64,
}

impl NullControl {
    /// Of all cases of a run that the control drew.
    pub fn of(run: &PairRun, relevance: &PairRelevance) -> Self {
        let mut n_cases = 0;
        let mut fired = Vec::new();
        for case in &run.cases {
            let share = relevance.of(&case.id, case.engine);
            if let Some(has_fired) = has_fired(case, share) {
                n_cases += 1;
                if has_fired {
                    fired.push(case.id.clone());
                }
            }
        }
        Self {
            n_cases,
            chance: chance_of(fired.len(), n_cases),
            fired,
        }
    }

    /// Whether the machine breaks what the test relies on, so that nothing of the run may be judged.
    pub fn is_contaminated(&self) -> bool {
        self.chance <= CONTAMINATION_LEVEL
    }
}

/// The fewest rounds with which a case of the null control can fire.
pub fn rounds_to_fire() -> usize {
    rounds_for(clocks(Engine::Turns).len(), NULL_LEVEL)
}

/// The chance that `n_fired` or more of `n_cases` fire.
fn chance_of(n_fired: usize, n_cases: usize) -> f64 {
    let Some(fewer) = n_fired.checked_sub(1) else {
        return 1.0;
    };
    Binomial::new(NULL_LEVEL, n_cases as u64).map_or(1.0, |fired| fired.sf(fewer as u64))
}

/// `None` if the case was not drawn, or has too few rounds to fire.
fn has_fired(case: &PairCase, share: f64) -> Option<bool> {
    // The clocks see the same rounds, so they share the level.
    let clocks = clocks(case.engine);
    let level = NULL_LEVEL / clocks.len() as f64;
    if smallest_p(case.null_rounds.len()) > level {
        return None;
    }
    let tolerance = (share * NULL_TOLERANCE).ln_1p();
    let by_clock: Vec<bool> = clocks
        .iter()
        .filter_map(|clock| differs(&case.null_rounds, *clock, level, tolerance))
        .collect();
    (!by_clock.is_empty()).then(|| by_clock.contains(&true))
}

fn differs(rounds: &[Round], clock: Clock, level: f64, tolerance: f64) -> Option<bool> {
    let log_ratios = test::log_ratios(rounds, clock)?;
    let estimate = test::estimate(&log_ratios)?;
    let p = test::p_value(&log_ratios, 0.0, Tail::Both);
    Some(p <= level && estimate.abs() > tolerance)
}

#[cfg(test)]
mod tests;
