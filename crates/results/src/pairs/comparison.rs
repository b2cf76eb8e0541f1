//! A judged run of pair mode: the one thing that its reports show.

use serde::Serialize;

use super::control::NullControl;
use super::counts::PairCounts;
use super::sample::{Engine, SameProgram, Side};
use crate::accept::AcceptanceCensus;
use crate::case_id::CaseId;
use crate::compare::Ratio;
use crate::comparison::Outcome;
use crate::verdict::Verdict;

/// Everything there is to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairComparison {
    /// What the candidate was held against.
    pub base: Side,
    /// What was judged.
    pub candidate: Side,
    /// The class of the machine that measured.
    pub machine: String,
    /// Whether the run came to its end.
    pub is_complete: bool,
    /// What base against base gave. If it is contaminated, every measured row is *not judged*.
    pub control: NullControl,
    /// Tests that shared the false-alarm budget: one per case and clock.
    pub n_tests: usize,
    /// Every case, in the order of their ids.
    pub rows: Vec<PairRow>,
    /// The instructions of both sides; unset if nobody was asked to count.
    pub counts: Option<PairCounts>,
    /// Patterns of the relevance table that decided about no case of this run.
    pub idle_relevances: Vec<String>,
    /// What became of the slowdowns that were agreed to; empty until [`crate::accept::Acceptances::apply_to_pairs`].
    pub acceptances: AcceptanceCensus,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairRow {
    /// The case.
    pub id: CaseId,
    /// How the sides took turns.
    pub engine: Engine,
    /// Rounds of base against candidate.
    pub n_rounds: usize,
    /// The share below which a change does not matter.
    pub relevance: f64,
    /// The change of wall time; unset if nothing could be tested.
    pub wall: Option<Delta>,
    /// The change of CPU time; unset in blocks, and where the thread's clock showed nothing.
    pub cpu: Option<Delta>,
    /// What the kernel did meanwhile; unset without rounds.
    pub disturbance: Option<Disturbance>,
    /// Whether fresh rounds agree that it moved.
    pub confirmation: Confirmation,
    /// Whether it is slower wherever its functions lie.
    pub layout: LayoutCheck,
    /// Set if both sides run the same program, so that nothing was measured.
    pub same_program: Option<SameProgram>,
    /// What is said about it.
    pub verdict: Verdict,
    /// Why it is not a plain verdict.
    pub reason: Option<String>,
    /// What the measuring side can do about it.
    pub next: Next,
}

impl PairRow {
    /// Whether nothing is said about it yet, whether more rounds look like deciding it or not.
    pub fn is_unsettled(&self) -> bool {
        matches!(self.verdict, Verdict::Inconclusive | Verdict::NotJudged)
    }
}

/// A change by one clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Delta {
    /// Candidate ÷ base with its 95 % interval.
    pub ratio: Ratio,
    /// The chance of rounds as lopsided, if nothing had changed; two-sided.
    pub p: f64,
    /// The same once all tests of the run share one budget.
    pub p_corrected: f64,
    /// The share that the interval must lie beyond: the relevance, or what equal programs were seen to differ by.
    pub floor: f64,
    /// What follows from this clock alone.
    pub verdict: ClockVerdict,
}

/// What one clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockVerdict {
    /// Within the shared budget, and the whole interval is beyond the floor.
    Slower,
    /// Named by the report's procedure, and the whole interval is beyond the floor.
    Faster,
    /// The whole interval is within the relevance.
    Same,
    /// None of these.
    Open,
}

/// Which way a case moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It is accused.
    Slower,
    /// It is praised.
    Faster,
}

/// What fresh rounds say about a case that the first ones call slower or faster.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Confirmation {
    /// It did not move.
    NotNeeded,
    /// It moved, and there are no fresh rounds, or too few to agree.
    Needed,
    /// They agree.
    Agreed {
        /// The chance of rounds as lopsided that way.
        p: f64,
        /// Where.
        place: ConfirmedOn,
    },
    /// They do not agree.
    Disagreed {
        /// The chance of rounds as lopsided that way.
        p: f64,
    },
}

/// Where the fresh rounds agree, held against where the first ones ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedOn {
    /// On cores that the first rounds did not use.
    OtherCores,
    /// On each of several cores by itself, which the first rounds used, too.
    EachCore,
    /// On the cores of the first rounds taken together; one of them alone does not show it, or there is only one.
    SameCores,
}

/// Whether a slowdown stays when the linker puts all functions in another order.
///
/// The order decides which of them share a page, a cache set or an entry of the branch predictor, and any edit changes
/// it. That moves times by some per cent, and is no property of the code.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum LayoutCheck {
    /// It is no layout suspect: it was not accused, or it does more instructions than before.
    NotNeeded,
    /// It is a suspect, and nobody has relinked it, or not often enough.
    Needed,
    /// It is a suspect, and could not be relinked.
    Impossible {
        /// Why not.
        reason: String,
    },
    /// It is slower over all orders together.
    Held(OverLayouts),
    /// It is not slower over all orders together, or by less than matters, and not by as much as was seen.
    Gone(OverLayouts),
    /// The orders differ by more than would tell.
    Open(OverLayouts),
}

/// What the rounds of all orders together say; one order is one observation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OverLayouts {
    /// How many orders.
    pub n_layouts: usize,
    /// Candidate ÷ base with its 95 % interval.
    pub ratio: Ratio,
    /// The chance of orders as lopsided towards slower, if the code were equally fast.
    pub p: f64,
}

/// What the measuring side can do about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Next {
    /// Nothing: it is decided, or more of the same would not decide it.
    Nothing,
    /// Take more rounds: it is open and could still be decided.
    MoreRounds,
    /// Take fresh rounds, on another core where the first ones left one.
    Confirm {
        /// What they are to confirm.
        way: Way,
        /// How many more than there are.
        n_more: usize,
    },
    /// Link both sides again with their functions in another order, and take a round of each such pair.
    Relink {
        /// How many orders there should be in all.
        n_layouts: usize,
    },
}

/// What the kernel did during the turns of a case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Disturbance {
    /// Share of the base's turns from which the core was taken away.
    pub preempted_base: f64,
    /// The same of the candidate's.
    pub preempted_candidate: f64,
    /// Page faults of the base, per thousand iterations.
    pub page_faults_base: f64,
    /// The same of the candidate.
    pub page_faults_candidate: f64,
}

impl PairComparison {
    /// How many rows have the verdict.
    pub fn count_of(&self, verdict: Verdict) -> usize {
        let rows = self.rows.iter();
        rows.filter(|row| row.verdict == verdict).count()
    }

    /// The cases that need more rounds.
    pub fn open(&self) -> impl Iterator<Item = &CaseId> {
        let rows = self.rows.iter();
        rows.filter(|row| row.next == Next::MoreRounds)
            .map(|row| &row.id)
    }

    /// The cases that moved this way and need fresh rounds, with how many more.
    pub fn unconfirmed(&self, wanted: Way) -> impl Iterator<Item = (&CaseId, usize)> {
        self.rows.iter().filter_map(move |row| match row.next {
            Next::Confirm { way, n_more } if way == wanted => Some((&row.id, n_more)),
            Next::Nothing | Next::MoreRounds | Next::Confirm { .. } | Next::Relink { .. } => None,
        })
    }

    /// The cases that need programs in other orders, with how many there should be in all.
    pub fn layout_suspects(&self) -> impl Iterator<Item = (&CaseId, usize)> {
        self.rows.iter().filter_map(|row| match row.next {
            Next::Relink { n_layouts } => Some((&row.id, n_layouts)),
            Next::Nothing | Next::MoreRounds | Next::Confirm { .. } => None,
        })
    }

    /// What the run says as a whole: a contaminated, empty or interrupted one is never fine.
    pub fn outcome(&self) -> Outcome {
        if self.control.is_contaminated() {
            return Outcome::CouldNotTell;
        }
        if self.count_of(Verdict::Regressed) > 0 {
            return Outcome::Regressed;
        }
        let open = [Verdict::Inconclusive, Verdict::Missing, Verdict::NotJudged];
        let is_open = open.iter().any(|verdict| self.count_of(*verdict) > 0);
        let judged = [Verdict::Unchanged, Verdict::Improved, Verdict::Accepted];
        let judged: usize = judged.iter().map(|verdict| self.count_of(*verdict)).sum();
        if is_open || judged == 0 || !self.is_complete {
            Outcome::CouldNotTell
        } else {
            Outcome::Fine
        }
    }
}
