//! A whole check: the tally with all that it depends on, as it is shown and kept.

use std::path::Path;

use serde::Serialize;

use super::slowdowns::Slowdowns;
use super::tally::Tally;
use crate::error::Error;
use crate::files;
use crate::machine::Machine;

/// What is shown and kept of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The day of the last repetition, as `2026-11-21`.
    pub day: String,
    /// The class of the machine.
    pub machine: String,
    /// The whole machine.
    pub fingerprint: Machine,
    /// The commit of the program.
    pub commit: String,
    /// Patterns of the cases.
    pub cases: Vec<String>,
    /// How long the rounds of one run could take.
    pub budget_seconds: u64,
    /// Rounds of every case at first.
    pub n_rounds: usize,
    /// What one percent of each path came to when instructions were counted, in percent.
    pub counted_percents: Vec<(String, Option<f64>)>,
    /// What came of it.
    pub tally: Tally,
}

impl Check {
    /// By path, what one percent is in instructions.
    pub fn counted(slowdowns: &Slowdowns) -> Vec<(String, Option<f64>)> {
        let paths = slowdowns.paths.iter();
        paths
            .map(|path| (path.name.clone(), path.counted_percent))
            .collect()
    }
}

/// Puts a rendered check in place at once.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    files::write_at_once(path, text)
}
