//! `plimsoll baseline`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Command;
use crate::cmd::baseline::RecordSettings;

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
    /// Any Cargo workspace whose suites use Criterion 0.8; the current folder's unless given.
    #[arg(long, value_name = "FOLDER")]
    workspace: Option<PathBuf>,
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
        let usual = if self.instructions { 2 } else { 5 };
        RecordSettings {
            suites: (!self.suites.is_empty()).then_some(self.suites),
            n_processes: usize::from(self.processes.unwrap_or(usual)),
            instructions: self.instructions,
            workspace: self.workspace,
            baselines: self.baseline,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};

    #[test]
    fn counts_take_fewer_processes_than_times_unless_told() {
        for (line, expected) in [
            ("baseline record", 5),
            ("baseline record --instructions", 2),
            ("baseline record --instructions --processes 3", 3),
        ] {
            let Command::BaselineRecord(settings) = command(line) else {
                panic!("another command");
            };
            assert_eq!(settings.n_processes, expected, "{line}");
        }
    }
}
