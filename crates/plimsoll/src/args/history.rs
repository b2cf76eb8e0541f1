//! `plimsoll history`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Command;
use super::format::TypedTableFormat;
use crate::cmd::history::{RecordNightSettings, ShowSettings};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TypedHistory {
    #[command(subcommand)]
    command: Option<TypedHistoryCommand>,
    #[command(flatten)]
    show: TypedShow,
}

#[derive(Subcommand)]
enum TypedHistoryCommand {
    /// Add the stored result of `plimsoll ab` as a night; its base is the reference.
    Record(TypedRecordNight),
}

#[derive(Args)]
struct TypedShow {
    /// The whole id of one case to plot; what was found in all cases unless given.
    case: Option<String>,
    /// The folder of the history; in the target directory unless given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The folder of all baselines, for the slowdowns that were agreed to.
    #[arg(long, value_name = "FOLDER")]
    baseline: Option<PathBuf>,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedTableFormat,
}

#[derive(Args)]
struct TypedRecordNight {
    /// The samples that `plimsoll ab` stored; those of its last run unless given.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// The folder of the history; in the target directory unless given.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// When the run ended, such as 2026-11-21T02:00:00Z; when the file was written unless given.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// Instruction counts of the same commit, kept beside the times.
    #[arg(long, value_name = "FOLDER")]
    iai: Option<PathBuf>,
}

impl TypedHistory {
    pub(super) fn into_command(self) -> Command {
        match self.command {
            Some(TypedHistoryCommand::Record(typed)) => {
                Command::HistoryRecord(RecordNightSettings {
                    from: typed.from,
                    folder: typed.folder,
                    time: typed.time,
                    iai: typed.iai,
                })
            }
            None => Command::History(ShowSettings {
                case: self.show.case,
                folder: self.show.folder,
                baselines: self.show.baseline,
                format: self.show.format.format(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::args::{Command, tests::command};

    #[test]
    fn a_history_is_shown_whole_or_by_case_and_added_to_by_record() {
        let Command::History(settings) = command("history") else {
            panic!("another command");
        };
        assert_eq!(settings.case, None);
        let Command::History(settings) = command("history codec/encode/10kb --folder nights")
        else {
            panic!("another command");
        };
        assert_eq!(settings.case.as_deref(), Some("codec/encode/10kb"));
        let Command::HistoryRecord(settings) = command("history record --folder nights") else {
            panic!("another command");
        };
        assert_eq!((settings.from, settings.time), (None, None));
    }
}
