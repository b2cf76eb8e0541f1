//! `plimsoll power`.

use std::path::PathBuf;

use clap::Args;

use super::format::TypedTableFormat;
use crate::cmd::power::PowerSettings;

#[derive(Args)]
pub(super) struct TypedPower {
    /// Patterns of cases, with commas between them and a star for anything; all that are known unless given.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    cases: Vec<String>,
    /// Fresh process pairs per case at first.
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=200))]
    rounds: u16,
    /// Tests that share the budget, two per case of a run; those of the largest run that is known unless given.
    #[arg(long, value_name = "N")]
    tests: Option<usize>,
    /// The share in percent below which no change matters, instead of what the relevance table says.
    #[arg(long, value_name = "PERCENT")]
    relevance: Option<f64>,
    /// Any Cargo workspace; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedTableFormat,
}

impl TypedPower {
    pub(super) fn into_settings(self) -> PowerSettings {
        PowerSettings {
            cases: self.cases,
            n_rounds: usize::from(self.rounds),
            n_tests: self.tests,
            relevance: self.relevance.map(|percent| percent / 100.0),
            workspace: self.workspace,
            format: self.format.format(),
        }
    }
}
