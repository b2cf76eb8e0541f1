//! The words of a judgement.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is said about one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Slower by more than noise, and by more than the case's relevance.
    Regressed,
    /// Slower, and by no more than somebody agreed to; see [`crate::accept`].
    Accepted,
    /// Faster by more than noise, and by more than the case's relevance.
    Improved,
    /// Any change is smaller than the case's relevance.
    Unchanged,
    /// The interval holds both "nothing happened" and "something that matters happened", or the whole run moved.
    Inconclusive,
    /// In the baseline, and not measured.
    Missing,
    /// Measured, and not in the baseline.
    New,
    /// Measured where no judgement is possible, such as on another machine.
    NotJudged,
}

impl Verdict {
    /// The word as tables show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regressed => "REGRESSED",
            Self::Accepted => "accepted",
            Self::Improved => "improved",
            Self::Unchanged => "unchanged",
            Self::Inconclusive => "inconclusive",
            Self::Missing => "missing",
            Self::New => "new",
            Self::NotJudged => "not judged",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// What is said about a promise: a figure with a bound, or a ratio of two cases of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The whole interval is on the wrong side of the bound.
    Missed,
    /// The interval holds the bound, or a side of the ratio was not measured.
    Inconclusive,
    /// The whole interval keeps the bound.
    Met,
    /// There is no bound; the value only informs.
    Stated,
}

impl Promise {
    /// The word as tables show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missed => "MISSED",
            Self::Inconclusive => "inconclusive",
            Self::Met => "met",
            Self::Stated => "stated",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
