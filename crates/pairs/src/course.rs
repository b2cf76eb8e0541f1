//! The course of a run: all that they need for the cases that do more instructions than before, first rounds of every
//! other, more for those that are open, fresh ones for those that moved, and other orders of their functions for those that
//! these confirm to be slower.
//!
//! What is open or accused is the judge's business (`results::pairs::judge`); how long it may take is ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use results::case_id::CaseId;
use results::compare::FALSE_ALARM_BUDGET;
use results::pairs::comparison::{PairComparison, Way};
use results::pairs::control::{NullEstimates, rounds_to_fire};
use results::pairs::cross::Work;
use results::pairs::judge::{EXPECTED_SHARE, MORE_ROUNDS, MOST_ROUNDS, Terms, judge};
use results::pairs::level::rounds_for;
use results::relevance::PairRelevance;

use crate::error::Error;
use crate::schedule::Stage;
use crate::session::{FirstRounds, Progress, Session};

/// Rounds of every case before it is looked at for the first time.
///
/// Eight give an interval (six are the least), and settle a case whose rounds agree to within its relevance. They can
/// fail nothing among many tests: whatever is not settled gets its full number before that.
const FIRST_LOOK: usize = 8;

/// The part of the budget that is kept for confirming, and may be overdrawn by as much if nothing is left: an accusation
/// without fresh rounds decides nothing.
const KEPT_FOR_CONFIRMING: f64 = 0.2;

/// The part of the budget that may go into learning how long the rounds of each case are.
const FOR_PROBING: f64 = 0.2;

/// The part of the budget that cases which do more instructions than before may take before all others have their turn.
const FOR_EXPECTED: f64 = 0.5;

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rounds of every case that a first look does not settle; more if so many could not fail any of the tests.
    pub n_rounds: usize,
    /// How long all rounds together may take; builds do not count.
    pub budget: Duration,
    /// How much of a change matters.
    pub relevance: PairRelevance,
    /// What the null controls of earlier runs on this machine gave.
    pub null_estimates: NullEstimates,
    /// Instructions of the candidate ÷ those of the base, of the cases that somebody counted.
    pub count_ratios: BTreeMap<CaseId, f64>,
}

impl Plan {
    /// Whether counts let a slowdown of the case be expected.
    fn is_expected(&self, case: &CaseId) -> bool {
        Work::of(self.count_ratios.get(case).copied()) == Work::More
    }

    /// What of the budget is kept for confirming.
    fn kept(&self) -> Duration {
        self.budget.mul_f64(KEPT_FOR_CONFIRMING)
    }

    /// When that begins, in a run that ends then.
    fn reserve(&self, end: Instant) -> Instant {
        end.checked_sub(self.kept()).unwrap_or(end)
    }
}

/// Measures and judges until nothing is open, or the budget is over.
pub fn follow(session: &mut Session<'_>, plan: &Plan) -> Result<PairComparison, Error> {
    let begin = Instant::now();
    let end = begin + plan.budget;
    let n_rounds = first_rounds(plan.n_rounds, session.n_to_measure());
    let for_probing = begin + plan.budget.mul_f64(FOR_PROBING);
    let is_expected = |case: &CaseId| plan.is_expected(case);
    session.probe_all(is_expected, n_rounds, plan.budget, for_probing)?;
    let for_expected = begin + plan.budget.mul_f64(FOR_EXPECTED);
    decide_expected(session, plan, n_rounds, for_expected)?;
    look_at_all(session, plan, n_rounds, plan.reserve(end))?;
    if verdict(session, plan).control.is_contaminated() {
        // By chance alone one run in a hundred comes here. What leans on the machine shows in as many rounds again.
        session.measure_null(rounds_to_fire(), plan.reserve(end))?;
    }
    settle(session, plan, end)
}

/// Rounds of the cases that do more instructions than before, until they are decided: where a slowdown is to be expected,
/// time should not run out over cases that nothing speaks against.
fn decide_expected(
    session: &mut Session<'_>,
    plan: &Plan,
    n_rounds: usize,
    deadline: Instant,
) -> Result<(), Error> {
    let rounds = FirstRounds {
        now: n_rounds,
        in_all: n_rounds,
    };
    if !session.begin(|case| plan.is_expected(case), rounds, deadline)? {
        return Ok(());
    }
    until_decided(session, plan, deadline, |case| plan.is_expected(case))
}

/// A first look at every other case, and all their rounds for those that it does not settle.
///
/// On a noisy machine the first look settles nothing. So no more cases are begun than there is time for with all their
/// rounds: otherwise it would be over before any could fail, and nothing found would look like nothing there. What the
/// first look saves is for cases that were left out at first.
fn look_at_all(
    session: &mut Session<'_>,
    plan: &Plan,
    n_rounds: usize,
    deadline: Instant,
) -> Result<(), Error> {
    let n_look = n_rounds.min(FIRST_LOOK);
    let rounds = FirstRounds {
        now: n_look,
        in_all: n_rounds,
    };
    while session.begin(|_| true, rounds, deadline)? {
        let judged = verdict(session, plan);
        let unsettled = judged
            .rows
            .iter()
            .filter(|row| row.is_unsettled() && row.n_rounds == n_look)
            .map(|row| (row.id.clone(), (Stage::Judge, n_rounds - n_look)))
            .collect();
        session.measure_some(&unsettled, deadline)?;
    }
    Ok(())
}

/// More rounds of these cases, as long as they are open and there is time for all of them.
fn until_decided(
    session: &mut Session<'_>,
    plan: &Plan,
    deadline: Instant,
    is_among: impl Fn(&CaseId) -> bool,
) -> Result<(), Error> {
    loop {
        let wanted: BTreeMap<_, _> = verdict(session, plan)
            .open()
            .filter(|case| is_among(case))
            .map(|case| (case.clone(), (Stage::Judge, MORE_ROUNDS)))
            .collect();
        if wanted.is_empty() || session.measure_some(&wanted, deadline)? == Progress::OutOfBudget {
            return Ok(());
        }
    }
}

/// After the first rounds: more of them for what is open, fresh ones for what moved, and other orders of functions
/// for what these confirm to be slower.
pub(crate) fn settle(
    session: &mut Session<'_>,
    plan: &Plan,
    end: Instant,
) -> Result<PairComparison, Error> {
    until_decided(session, plan, plan.reserve(end), |_| true)?;
    let mut judged = verdict(session, plan);
    // Only first looks may overdraw the budget: without them nothing that moved is decided.
    let overdrawn = end.max(Instant::now() + plan.kept());
    for way in [Way::Slower, Way::Faster] {
        for deadline in [overdrawn, end] {
            let wanted: BTreeMap<_, _> = judged
                .unconfirmed(way)
                .map(|(case, n_more)| (case.clone(), (Stage::Confirm, n_more)))
                .collect();
            if wanted.is_empty() {
                break;
            }
            session.measure_some(&wanted, deadline)?;
            judged = verdict(session, plan);
        }
    }
    while session.relink(&judged.layout_suspects().collect())? {
        judged = verdict(session, plan);
    }
    session.complete();
    Ok(verdict(session, plan))
}

/// What the rounds so far say.
pub fn verdict(session: &Session<'_>, plan: &Plan) -> PairComparison {
    let terms = Terms {
        relevance: &plan.relevance,
        null_estimates: &plan.null_estimates,
        n_rounds_most: MOST_ROUNDS,
        count_ratios: &plan.count_ratios,
    };
    judge(session.run(), &terms)
}

/// Fewer rounds than this could never fail a case, and would look like a pass.
pub(crate) fn first_rounds(n_rounds: usize, n_cases: usize) -> usize {
    // Wall and CPU time of each.
    let n_tests = 2 * n_cases;
    // Where counts say what to expect, the others have the rest of the budget.
    let budget = FALSE_ALARM_BUDGET * (1.0 - EXPECTED_SHARE);
    n_rounds.max(rounds_for(n_tests, budget))
}

#[cfg(test)]
mod tests {
    use super::first_rounds;

    #[test]
    fn many_cases_take_more_rounds_than_were_asked_for() {
        for (n_cases, expected) in [(1, 15), (40, 15), (100, 17), (1_000, 20)] {
            assert_eq!(first_rounds(15, n_cases), expected, "{n_cases} cases");
        }
        assert_eq!(first_rounds(3, 1), 10);
    }
}
