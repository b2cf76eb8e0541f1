//! `plimsoll baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Command;
use crate::cmd::baseline::{RecordSettings, What};

#[derive(Subcommand)]
pub(super) enum TypedBaseline {
    /// Run suites in several fresh processes and store what they cost.
    Record(TypedRecord),
    /// List the stored baselines.
    List {
        /// The folder of all baselines.
        #[arg(long, value_name = "FOLDER")]
        baseline: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(super) struct TypedRecord {
    /// Only these suites, with commas between them.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    suites: Vec<String>,
    /// Fresh processes per suite: 5 for wall times, 2 for counts unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    processes: Option<u16>,
    /// Record instruction counts instead of wall times.
    #[arg(long)]
    instructions: bool,
    /// Record what paths allocate instead of wall times.
    #[arg(long, conflicts_with = "instructions")]
    allocations: bool,
    /// Links of the same code in another order, from which the band of the instruction counts is learned.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "instructions",
          value_parser = clap::value_parser!(u8).range(1..=20))]
    relinks: u8,
    /// The folder of all baselines.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
}

impl TypedBaseline {
    pub(super) fn into_command(self) -> Command {
        match self {
            Self::Record(typed) => Command::BaselineRecord(typed.into_settings()),
            Self::List { baseline } => Command::BaselineList {
                baselines: baseline,
            },
        }
    }
}

impl TypedRecord {
    fn into_settings(self) -> RecordSettings {
        let (what, usual) = match (self.instructions, self.allocations) {
            (true, _) => (What::Instructions, 2),
            (_, true) => (What::Allocations, 2),
            _ => (What::Times, 5),
        };
        RecordSettings {
            suites: (!self.suites.is_empty()).then_some(self.suites),
            n_processes: usize::from(self.processes.unwrap_or(usual)),
            what,
            n_relinks: usize::from(self.relinks),
            baselines: self.baseline,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};
    use crate::cmd::baseline::What;

    #[test]
    fn counts_take_fewer_processes_than_times_unless_told() {
        for (line, what, expected) in [
            ("baseline record", What::Times, 5),
            ("baseline record --instructions", What::Instructions, 2),
            (
                "baseline record --instructions --processes 3",
                What::Instructions,
                3,
            ),
            ("baseline record --allocations", What::Allocations, 2),
        ] {
            let Command::BaselineRecord(settings) = command(line) else {
                panic!("another command");
            };
            assert_eq!(
                (settings.what, settings.n_processes),
                (what, expected),
                "{line}"
            );
        }
    }
}
