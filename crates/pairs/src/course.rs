//! The course of a run: first rounds of every case, more for those that are open, fresh ones for those accused.
//!
//! What is open or accused is the judge's business (`results::pairs::judge`); how long it may take is ours.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use results::compare::FALSE_ALARM_BUDGET;
use results::pairs::comparison::PairComparison;
use results::pairs::control::NullEstimates;
use results::pairs::judge::{MOST_ROUNDS, Terms, judge};
use results::pairs::level::rounds_for;
use results::relevance::PairRelevance;

use crate::error::Error;
use crate::schedule::Stage;
use crate::session::{Progress, Session};

/// Rounds that an open case gets before it is looked at again.
const MORE: usize = 5;

/// The part of the budget that is kept for confirming, and may be overdrawn by as much if nothing is left: an accusation
/// without fresh rounds decides nothing.
const KEPT_FOR_CONFIRMING: f64 = 0.2;

/// How a run is to go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rounds of every case at first; more if so many could not fail any of the tests.
    pub n_rounds: usize,
    /// How long all rounds together may take; builds do not count.
    pub budget: Duration,
    /// How much of a change matters.
    pub relevance: PairRelevance,
    /// What the null controls of earlier runs on this machine gave.
    pub null_estimates: NullEstimates,
}

/// Measures and judges until nothing is open, or the budget is over.
pub fn follow(session: &mut Session<'_>, plan: &Plan) -> Result<PairComparison, Error> {
    let end = Instant::now() + plan.budget;
    let n_rounds = first_rounds(plan.n_rounds, session.run().cases.len());
    if session.measure_all(n_rounds, end)? == Progress::OutOfBudget {
        return Ok(verdict(session, plan));
    }
    session.complete();
    settle(session, plan, end)
}

/// After the first rounds: more of them for what is open, and fresh ones for what is accused.
pub(crate) fn settle(
    session: &mut Session<'_>,
    plan: &Plan,
    end: Instant,
) -> Result<PairComparison, Error> {
    let kept = plan.budget.mul_f64(KEPT_FOR_CONFIRMING);
    let reserve = end.checked_sub(kept).unwrap_or(end);
    loop {
        let open: Vec<_> = verdict(session, plan).open().cloned().collect();
        let wanted: BTreeMap<_, _> = open
            .into_iter()
            .map(|case| (case, (Stage::Judge, MORE)))
            .collect();
        if wanted.is_empty() || session.measure_some(&wanted, reserve)? == Progress::OutOfBudget {
            break;
        }
    }
    let accused = verdict(session, plan);
    let wanted: BTreeMap<_, _> = accused
        .unconfirmed()
        .map(|(case, n_rounds)| (case.clone(), (Stage::Confirm, n_rounds)))
        .collect();
    session.measure_some(&wanted, end.max(Instant::now() + kept))?;
    Ok(verdict(session, plan))
}

/// What the rounds so far say.
pub fn verdict(session: &Session<'_>, plan: &Plan) -> PairComparison {
    let terms = Terms {
        relevance: &plan.relevance,
        null_estimates: &plan.null_estimates,
        n_rounds_most: MOST_ROUNDS,
    };
    judge(session.run(), &terms)
}

/// Fewer rounds than this could never fail a case, and would look like a pass.
pub(crate) fn first_rounds(n_rounds: usize, n_cases: usize) -> usize {
    // Wall and CPU time of each.
    let n_tests = 2 * n_cases;
    n_rounds.max(rounds_for(n_tests, FALSE_ALARM_BUDGET))
}

#[cfg(test)]
mod tests {
    use super::first_rounds;

    #[test]
    fn many_cases_take_more_rounds_than_were_asked_for() {
        for (n_cases, expected) in [(1, 15), (70, 15), (100, 16), (1_000, 19)] {
            assert_eq!(first_rounds(15, n_cases), expected, "{n_cases} cases");
        }
        assert_eq!(first_rounds(3, 1), 9);
    }
}
