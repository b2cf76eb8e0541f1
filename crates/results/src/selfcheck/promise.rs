//! What is promised of the tool's own error rates, and how a promise stands.

use serde::Serialize;

use super::repetition::{Means, Neighbour};
use super::tally::{Question, Rate};

/// Cases beyond which a run is of a whole suite.
const WHOLE_SUITE: usize = 40;

/// What is promised of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Promised {
    /// Strictly less than this.
    Below {
        /// The rate.
        rate: f64,
        /// Trials that say something about it.
        n_trials: u64,
    },
    /// At least this.
    AtLeast {
        /// The rate.
        rate: f64,
        /// Trials that say something about it.
        n_trials: u64,
    },
    /// Never, in so many trials.
    Never {
        /// Trials that say something about it.
        n_trials: u64,
    },
}

/// How a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The observed rate keeps it, in trials enough.
    Kept,
    /// The observed rate breaks it.
    Broken,
    /// The observed rate keeps it so far, in too few trials.
    TooFewTrials,
}

impl Promised {
    /// How it stands.
    pub fn standing(self, rate: &Rate) -> Standing {
        let (is_kept, n_enough) = match self {
            Self::Below {
                rate: most,
                n_trials,
            } => (rate.estimate() < most, n_trials),
            Self::AtLeast {
                rate: least,
                n_trials,
            } => (rate.estimate() >= least, n_trials),
            Self::Never { n_trials } => (rate.n_events == 0, n_trials),
        };
        match (is_kept, rate.n_trials >= n_enough) {
            (false, _) => Standing::Broken,
            (true, true) => Standing::Kept,
            (true, false) => Standing::TooFewTrials,
        }
    }
}

/// What the project promises, where it promises something: the figures of the work that asked for this check.
pub(super) fn promised(
    means: Means,
    neighbour: Neighbour,
    question: &Question,
    n_cases: usize,
) -> Option<Promised> {
    // A whole suite takes minutes a run, a few cases of it seconds.
    let n_runs = if n_cases >= WHOLE_SUITE { 20 } else { 100 };
    let at_least = |rate, n_trials| Some(Promised::AtLeast { rate, n_trials });
    match (means, neighbour, question) {
        (Means::Counts, _, Question::FalseAlarm) => Some(Promised::Never { n_trials: 20 }),
        (
            Means::Counts,
            _,
            Question::Found {
                per_mille: 5,
                path: None,
            },
        ) => at_least(0.99, 100),
        (Means::Pairs, _, Question::FalseAlarm) => Some(Promised::Below {
            rate: 0.01,
            n_trials: n_runs,
        }),
        (Means::Pairs, _, Question::LayoutAlarm) => Some(Promised::Never { n_trials: 40 }),
        (
            Means::Pairs,
            Neighbour::Busy,
            Question::Found {
                per_mille: 20,
                path: None,
            },
        ) => at_least(0.9, 20),
        (
            Means::Pairs,
            Neighbour::None,
            Question::Found {
                per_mille,
                path: None,
            },
        ) => match per_mille {
            10 => at_least(0.8, 20),
            20 => at_least(0.95, 40),
            50 => at_least(0.99, 100),
            100 => at_least(1.0, 20),
            _ => None,
        },
        _ => None,
    }
}
