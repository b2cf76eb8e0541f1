//! Judges a run of pair mode: pure, with samples in and verdicts out.
//!
//! ```text
//!                                     ratio candidate ÷ base, on the log scale
//!        ────────┬─────────────┬────────────┼────────────┬─────────────┬────────▶
//!         1 ÷ (1 + floor)  1 ÷ (1 + relevance)   1   1 + relevance    1 + floor
//!   improved     │             │   unchanged: the 95 %   │             │    regressed
//!  ◀─────────────┤             │   interval lies in here │             ├─────────────▶
//!   the interval lies wholly out here, and p is small enough for all tests of the run together
//! ```
//!
//! and *inconclusive* everywhere else. The floor of a case is its relevance, or what equal programs were seen to
//! differ by if that is more. "Small enough" is Holm's for a regression, which fails a run, and Benjamini and
//! Hochberg's for an improvement, which fails nothing. Cases that do more instructions than before share half of the
//! budget among themselves, and all others the other half.
//!
//! Whether a change of time is one of the code is asked last: what counts of instructions do not explain may be the
//! layout, and is judged again over other orders of the same functions ([`super::cross`], `layout.rs`).
//!
//! Either counts once fresh rounds agree (`confirm.rs`). That also pays for looking often: a case that is open gets more
//! rounds and another look, so its first p-value is smaller than it should be. Beside a busy neighbour, 13 of 100 runs
//! called an equal case improved before improvements had to be confirmed, too.

use std::collections::BTreeMap;

use super::comparison::{Delta, PairComparison, PairRow};
use super::control::{NullControl, NullEstimates, clocks};
use super::cross::Work;
use super::level::{benjamini_hochberg, holm_corrected};
use super::sample::{PairCase, PairRun};
use super::test::Clock;
use crate::accept::AcceptanceCensus;
use crate::case_id::CaseId;
use crate::compare::FALSE_ALARM_BUDGET;
use crate::relevance::PairRelevance;

use case::Clocks;
use confirm::{Moved, confirm};
use delta::{Family, Tested};

mod case;
mod confirm;
mod delta;
mod layout;

/// Of the improvements that a report names, at most this share is named in error, on the average.
pub const REPORT_RATE: f64 = 0.05;

/// Rounds beyond which a case is left open: four times as many halve an interval, and a run must end.
pub const MOST_ROUNDS: usize = 80;

/// Rounds that an open case gets before it is looked at again.
pub const MORE_ROUNDS: usize = 10;

/// The part of the error budget of the cases whose counts say that they do more than before, if there are any.
///
/// Such a case is where a slowdown is to be expected, and it should not have to be as sure as one among a hundred of which
/// nothing is known. What is expected is known from the counts alone, before any time is looked at, so that the two parts
/// together keep the budget.
pub const EXPECTED_SHARE: f64 = 0.5;

/// What a run is judged by, beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// How much of a change matters.
    pub relevance: &'a PairRelevance,
    /// What the null controls of earlier runs on this machine gave; this run's own is added.
    pub null_estimates: &'a NullEstimates,
    /// Rounds beyond which the measuring side takes no more; usually [`MOST_ROUNDS`].
    pub n_rounds_most: usize,
    /// Instructions of the candidate ÷ those of the base; a case that nobody counted is not among them.
    pub count_ratios: &'a BTreeMap<CaseId, f64>,
}

/// A case with what its rounds say by each clock.
struct Measured<'a> {
    case: &'a PairCase,
    /// How its counts changed.
    work: Work,
    relevance: f64,
    wall: Option<Tested>,
    cpu: Option<Tested>,
}

/// Judges all cases of a run together.
pub fn judge(run: &PairRun, terms: &Terms<'_>) -> PairComparison {
    let control = NullControl::of(run, terms.relevance);
    let measured = measured(run, terms);
    let mut rows = rows(&measured, terms);
    if control.is_contaminated() {
        rows.iter_mut().for_each(case::contaminate);
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    PairComparison {
        base: run.base.clone(),
        candidate: run.candidate.clone(),
        machine: run.machine.class(),
        is_complete: run.is_complete,
        control,
        n_tests: measured.iter().flat_map(Measured::tests).count(),
        rows,
        counts: None,
        idle_relevances: terms.relevance.idle(run.cases.iter().map(|case| &case.id)),
        acceptances: AcceptanceCensus::default(),
    }
}

fn measured<'a>(run: &'a PairRun, terms: &Terms<'_>) -> Vec<Measured<'a>> {
    let mut null_estimates = terms.null_estimates.clone();
    null_estimates.add_run(run);
    let measured = run.cases.iter().map(|case| {
        let relevance = terms.relevance.of(&case.id, case.engine);
        let tested = |clock| {
            let is_tested = case.failure.is_none() && clocks(case.engine).contains(&clock);
            let floor = null_estimates.floor(&case.id, clock).unwrap_or(0.0);
            let tested = is_tested.then(|| Tested::of(&case.rounds, clock, relevance, floor));
            tested.flatten()
        };
        Measured {
            case,
            work: Work::of(terms.count_ratios.get(&case.id).copied()),
            relevance,
            wall: tested(Clock::Wall),
            cpu: tested(Clock::Cpu),
        }
    });
    measured.collect()
}

impl Measured<'_> {
    fn tests(&self) -> impl Iterator<Item = &Tested> {
        self.wall.iter().chain(&self.cpu)
    }
}

fn rows(measured: &[Measured<'_>], terms: &Terms<'_>) -> Vec<PairRow> {
    let mut families = families(measured).into_iter();

    // In the order of the p-values: wall before CPU, case by case.
    let mut delta = |test: &Option<Tested>| -> Option<Delta> {
        let tested = test.as_ref()?;
        Some(tested.judged(&families.next()?))
    };
    let clocks: Vec<Clocks> = measured
        .iter()
        .map(|case| Clocks {
            wall: delta(&case.wall),
            cpu: delta(&case.cpu),
        })
        .collect();
    let moved = Moved::of(&clocks);
    let judged = measured.iter().zip(&clocks);
    judged
        .map(|(measured, clocks)| {
            let mut row = case::row(measured.case, measured.relevance, clocks);
            confirm(&mut row, measured.case, clocks, moved);
            layout::check(
                &mut row,
                measured.case,
                clocks,
                measured.work,
                moved.n_slower,
            );
            case::plan(&mut row, measured.case, terms.n_rounds_most);
            row
        })
        .collect()
}

/// What all tests together say about each, in the order of the cases, wall before CPU.
fn families(measured: &[Measured<'_>]) -> Vec<Family> {
    let tests = measured
        .iter()
        .flat_map(|case| case.tests().map(|test| (test.p, case.work == Work::More)));
    let (p_values, is_expected): (Vec<f64>, Vec<bool>) = tests.unzip();
    let is_named = benjamini_hochberg(&p_values, REPORT_RATE);
    let mut p_corrected = vec![1.0; p_values.len()];
    for expected in [true, false] {
        let members: Vec<usize> = (0..p_values.len())
            .filter(|test| is_expected[*test] == expected)
            .collect();
        let share = match members.len() {
            n_members if n_members == p_values.len() => 1.0,
            _ if expected => EXPECTED_SHARE,
            _ => 1.0 - EXPECTED_SHARE,
        };
        let of_members: Vec<f64> = members.iter().map(|test| p_values[*test]).collect();
        for (test, p) in members.into_iter().zip(holm_corrected(&of_members)) {
            p_corrected[test] = (p / share).min(1.0);
        }
    }
    let both = is_named.into_iter().zip(p_corrected);
    both.map(|(is_named, p_corrected)| Family {
        falls: p_corrected <= FALSE_ALARM_BUDGET,
        is_named,
        p_corrected,
    })
    .collect()
}

#[cfg(test)]
mod tests;
