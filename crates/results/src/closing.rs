//! The table that ends `cargo bench`: what this invocation ran, and nothing else.

use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

use crate::comparison::{Comparison, Outcome, Scope};
use crate::error::Error;
use crate::report;

pub use crate::comparison::Locations;

/// What one invocation of `cargo bench` did, where the harness knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Suites that ran.
    pub suites: Vec<String>,
    /// Whole ids of the cases that were measured; other results on disk are older and get no row.
    pub ids: BTreeSet<String>,
    /// A filter was given, so that recorded cases without a result are not missing, only not run.
    pub filtered: bool,
    /// Suites that began and did not come to their end; named above the summary, so that no failure is hidden.
    pub unfinished: Vec<String>,
    /// When it began: instruction counts that are older are of another run. Unset takes all there are.
    pub began: Option<SystemTime>,
}

/// The table; its `Display` is plain text for 100 columns, without colour.
#[derive(Debug, Clone, PartialEq)]
pub struct ClosingTable {
    comparison: Comparison,
}

impl ClosingTable {
    /// What the table says as a whole.
    pub fn outcome(&self) -> Outcome {
        self.comparison.outcome()
    }

    /// What the table shows.
    pub fn comparison(&self) -> &Comparison {
        &self.comparison
    }

    fn report(&self) -> report::model::Report {
        report::model::Report::of_comparison(&self.comparison, None)
    }

    /// The table with colours where a terminal wants them: pass whether the output is one; `NO_COLOR` is respected.
    pub fn render(&self, is_terminal: bool) -> String {
        report::text::render(&self.report(), report::Colour::wanted(is_terminal))
    }
}

impl fmt::Display for ClosingTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&report::text::render(&self.report(), report::Colour::Never))
    }
}

/// The table of the named suites, or of all that were measured: every result on disk counts as of this run.
pub fn closing_table(
    locations: &Locations,
    suites: Option<&[String]>,
) -> Result<ClosingTable, Error> {
    let scope = Scope {
        suites: suites.map(<[String]>::to_vec),
        ..Scope::default()
    };
    let comparison = Comparison::of(locations, &scope)?;
    Ok(ClosingTable { comparison })
}

/// The table of just what an invocation measured, also if that is nothing.
pub fn closing_table_of(
    locations: &Locations,
    invocation: &Invocation,
) -> Result<ClosingTable, Error> {
    let scope = Scope {
        suites: Some(invocation.suites.clone()),
        ran: Some(invocation.ids.clone()),
        filtered: invocation.filtered,
        unfinished: invocation.unfinished.clone(),
        counts_since: invocation.began,
        ..Scope::default()
    };
    let comparison = Comparison::of(locations, &scope)?;
    Ok(ClosingTable { comparison })
}

#[cfg(test)]
mod tests;
