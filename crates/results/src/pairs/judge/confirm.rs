//! Fresh rounds of a case that the first ones call slower or faster.
//!
//! They are independent of what made it so, however often the first ones were looked at. So the cases that moved one way
//! alone share a budget: that of a run for those that are slower, the report's for those that are faster.

use std::collections::BTreeSet;

use super::REPORT_RATE;
use super::case::Clocks;
use crate::compare::FALSE_ALARM_BUDGET;
use crate::pairs::comparison::{Confirmation, ConfirmedOn, Next, PairRow, Way};
use crate::pairs::level::rounds_for;
use crate::pairs::sample::{PairCase, Round};
use crate::pairs::test::{self, Clock, Tail};
use crate::verdict::Verdict;

/// How often fresh rounds are looked at: the first ones, and twice as many if those leave it open; each look gets half of
/// the budget.
const LOOKS: usize = 2;

/// Fresh rounds of an improvement: it fails nothing, and need not be as sure.
const ROUNDS_OF_IMPROVEMENT: usize = 10;

/// How many cases moved, each way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    pub(super) n_slower: usize,
    pub(super) n_faster: usize,
}

impl Moved {
    pub(super) fn of(clocks: &[Clocks]) -> Self {
        let count = |way| {
            clocks
                .iter()
                .filter(|clocks| clocks.way() == Some(way))
                .count()
        };
        Self {
            n_slower: count(Way::Slower),
            n_faster: count(Way::Faster),
        }
    }
}

impl Way {
    /// Where a verdict says that a case went.
    pub(super) fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Regressed => Some(Self::Slower),
            Verdict::Improved => Some(Self::Faster),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
        }
    }

    fn tail(self) -> Tail {
        match self {
            Self::Slower => Tail::Slower,
            Self::Faster => Tail::Faster,
        }
    }

    /// How far a log ratio lies this way.
    fn distance(self, log_ratio: f64) -> f64 {
        match self {
            Self::Slower => log_ratio,
            Self::Faster => -log_ratio,
        }
    }

    /// What all cases that moved this way share, and how many they are.
    fn budget(self, moved: Moved) -> (f64, usize) {
        match self {
            Self::Slower => (FALSE_ALARM_BUDGET, moved.n_slower),
            Self::Faster => (REPORT_RATE, moved.n_faster),
        }
    }

    /// Fresh rounds to begin with.
    fn n_rounds(self, case: &PairCase) -> usize {
        match self {
            Self::Slower => case.rounds.len(),
            Self::Faster => ROUNDS_OF_IMPROVEMENT,
        }
    }
}

/// Holds the fresh rounds of a case against what the first ones say.
pub(super) fn confirm(row: &mut PairRow, case: &PairCase, clocks: &Clocks, moved: Moved) {
    let Some(way) = Way::of(row.verdict) else {
        return;
    };
    let Some((clock, delta)) = clocks.mover(way) else {
        return;
    };
    let (budget, n_moved) = way.budget(moved);
    let level = budget / (LOOKS * n_moved) as f64;
    // Only one direction counts, which halves the smallest p-value.
    let n_enough = rounds_for(n_moved, 2.0 * budget / LOOKS as f64);
    let n_first = n_enough.max(way.n_rounds(case));
    let log_ratios = test::log_ratios(&case.confirm_rounds, clock).unwrap_or_default();
    let n_more = |n_in_all: usize| n_in_all.saturating_sub(log_ratios.len());
    let word = way.word();
    if n_more(n_enough) > 0 {
        row.confirmation = Confirmation::Needed;
        row.next = Next::Confirm {
            way,
            n_more: n_more(n_first),
        };
        row.verdict = Verdict::Inconclusive;
        row.reason = Some(format!(
            "{word} at first; no fresh rounds have confirmed it yet"
        ));
        return;
    }

    let p = test::p_value(&log_ratios, 0.0, way.tail());
    let estimate = test::estimate(&log_ratios);
    let is_beyond = estimate.is_some_and(|ratio| way.distance(ratio) > delta.floor.ln_1p());
    if p <= level && is_beyond {
        let place = place(case, way, clock);
        row.confirmation = Confirmation::Agreed { p, place };
    } else {
        row.confirmation = Confirmation::Disagreed { p };
        row.verdict = Verdict::Inconclusive;
        row.reason = Some(format!("{word} at first; fresh rounds do not confirm it"));
        let n_more = n_more(LOOKS * n_first);
        if is_beyond && n_more > 0 {
            row.next = Next::Confirm { way, n_more };
        }
    }
}

fn place(case: &PairCase, way: Way, clock: Clock) -> ConfirmedOn {
    let confirming = cores(&case.confirm_rounds);
    if cores(&case.rounds).is_disjoint(&confirming) {
        return ConfirmedOn::OtherCores;
    }
    let shows_on = |core: &u32| {
        let rounds = case.confirm_rounds.iter();
        let rounds: Vec<Round> = rounds
            .filter(|round| round.core == *core)
            .cloned()
            .collect();
        let log_ratios = test::log_ratios(&rounds, clock).unwrap_or_default();
        test::estimate(&log_ratios).is_some_and(|ratio| way.distance(ratio) > 0.0)
    };
    if confirming.len() > 1 && confirming.iter().all(shows_on) {
        ConfirmedOn::EachCore
    } else {
        ConfirmedOn::SameCores
    }
}

fn cores(rounds: &[Round]) -> BTreeSet<u32> {
    rounds.iter().map(|round| round.core).collect()
}
