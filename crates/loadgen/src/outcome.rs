//! What became of one operation, in one word each.

use serde::{Deserialize, Serialize};

/// The end of an operation as its user sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended with the right answer.
    Done,
    /// It says that it is done, and its answer is not the one that it had to be.
    WrongAnswer,
    /// The system under test says that it failed, or refused it for another reason than a quota.
    Failed,
    /// Refused because too many came in a time.
    DeniedByRate,
    /// Refused because too many were there at once.
    DeniedByCap,
    /// It was at work when its time was up; when it would have ended is not known.
    TimedOut,
    /// It was given up on request.
    Cancelled,
    /// It was acknowledged, and vanished without an end.
    Lost,
    /// It was acknowledged, and nothing moved until its time was up.
    Stuck,
    /// It ended rightly, but was executed more than once.
    Duplicated,
}

impl Outcome {
    /// All, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::WrongAnswer,
        Self::Failed,
        Self::DeniedByRate,
        Self::DeniedByCap,
        Self::TimedOut,
        Self::Cancelled,
        Self::Lost,
        Self::Stuck,
        Self::Duplicated,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::WrongAnswer => "wrong answer",
            Self::Failed => "failed",
            Self::DeniedByRate => "denied by rate",
            Self::DeniedByCap => "denied by cap",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Stuck => "stuck",
            Self::Duplicated => "duplicated",
        }
    }

    /// The end was never seen: all that is known of the latency is that it is longer than what was waited for.
    ///
    /// Such a sample counts as above any bound, and enters no mean and no histogram.
    pub const fn is_censored(self) -> bool {
        matches!(self, Self::TimedOut | Self::Lost | Self::Stuck)
    }

    /// The system under test worked to an end, so that the time it took is a latency.
    ///
    /// A refusal is quick, and a failure may be: neither may make latencies look better.
    pub const fn has_latency(self) -> bool {
        matches!(self, Self::Done | Self::WrongAnswer | Self::Duplicated)
    }

    /// Where it stands in [`Outcome::ALL`].
    const fn index(self) -> usize {
        self as usize
    }
}

/// How many operations had which outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes([u64; Outcome::ALL.len()]);

impl Outcomes {
    /// Counts one.
    pub fn add(&mut self, outcome: Outcome) {
        self.0[outcome.index()] += 1;
    }

    /// Counts one that was counted as `from` as `to` instead.
    pub fn change(&mut self, from: Outcome, to: Outcome) {
        let before = &mut self.0[from.index()];
        *before = before.saturating_sub(1);
        self.add(to);
    }

    /// How many had this one.
    pub fn get(&self, outcome: Outcome) -> u64 {
        self.0[outcome.index()]
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many were never seen to end.
    pub fn censored(&self) -> u64 {
        let censored = self.iter().filter(|(outcome, _)| outcome.is_censored());
        censored.map(|(_, count)| count).sum()
    }

    /// Adds those of another part of the run.
    pub fn merge(&mut self, other: &Self) {
        for (count, others) in self.0.iter_mut().zip(other.0) {
            *count += others;
        }
    }

    /// Every outcome with its count, in the order of reports.
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, self.get(outcome)))
    }
}

impl FromIterator<(Outcome, u64)> for Outcomes {
    /// Counts of one outcome add up.
    fn from_iter<I: IntoIterator<Item = (Outcome, u64)>>(counts: I) -> Self {
        let mut outcomes = Self::default();
        for (outcome, count) in counts {
            let sum = &mut outcomes.0[outcome.index()];
            *sum = sum.saturating_add(count);
        }
        outcomes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_count_of_its_own() {
        for outcome in Outcome::ALL {
            let mut outcomes = Outcomes::default();
            outcomes.add(outcome);
            assert_eq!(outcomes.get(outcome), 1);
            assert_eq!(outcomes.total(), 1);
            assert_eq!(outcomes.censored(), u64::from(outcome.is_censored()));
        }
    }

    #[test]
    fn no_outcome_is_both_a_latency_and_censored() {
        for outcome in Outcome::ALL {
            assert!(!(outcome.has_latency() && outcome.is_censored()));
        }
    }

    #[test]
    fn a_changed_outcome_leaves_the_total() {
        let mut outcomes = Outcomes::default();
        outcomes.add(Outcome::Done);
        outcomes.change(Outcome::Done, Outcome::Duplicated);
        assert_eq!(outcomes.total(), 1);
        assert_eq!(outcomes.get(Outcome::Duplicated), 1);
    }
}
