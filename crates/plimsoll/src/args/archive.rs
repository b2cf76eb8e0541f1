//! `plimsoll archive`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Command;
use super::duration::age;
use super::format::TypedTableFormat;
use crate::cmd::archive::{ArchiveSettings, RestoreSettings, RowsSettings};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct TypedArchive {
    #[command(subcommand)]
    command: Option<TypedArchiveCommand>,
    #[command(flatten)]
    runs: TypedRuns,
}

#[derive(Subcommand)]
enum TypedArchiveCommand {
    /// List what is archived, oldest first.
    List {
        /// The folder of the archives.
        #[arg(long, value_name = "FOLDER", default_value = "archives")]
        folder: PathBuf,
        /// How to say it.
        #[arg(long, value_enum, default_value = "text")]
        format: TypedTableFormat,
    },
    /// Put a run back into its store, exactly as it was when it was archived.
    Restore {
        /// Name of the run; its newest archive is taken.
        run: String,
        #[command(flatten)]
        places: TypedPlaces,
    },
}

#[derive(Args)]
struct TypedPlaces {
    /// The runs: an SQLite file, the folder of a store of files, or the URL of a PostgreSQL database.
    #[arg(long, value_name = "STORE", default_value = "runs.sqlite")]
    store: String,
    /// The folder of the archives, made if it is not there.
    #[arg(long, value_name = "FOLDER", default_value = "archives")]
    folder: PathBuf,
}

#[derive(Args)]
struct TypedRuns {
    #[command(flatten)]
    places: TypedPlaces,
    /// How long ago a run must have ended, such as 30d or 12h.
    #[arg(long, value_name = "AGE", value_parser = age, default_value = "30d")]
    older_than: Duration,
    /// First take the payloads out of notes that say nothing any more: streams of tokens and lines for debugging.
    #[arg(long)]
    compact: bool,
    /// Remove each run from its store once its archive was read back.
    #[arg(long)]
    purge: bool,
    /// How many runs are listed at once.
    #[arg(long, value_name = "N", default_value = "25")]
    batch: NonZeroUsize,
    /// How many runs at most; all unless given.
    #[arg(long, value_name = "N")]
    at_most: Option<usize>,
    /// Say which runs it would be, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedTableFormat,
}

impl TypedArchive {
    pub(super) fn into_command(self) -> Command {
        match self.command {
            Some(TypedArchiveCommand::List { folder, format }) => {
                let format = format.format();
                Command::ArchiveList(RowsSettings { folder, format })
            }
            Some(TypedArchiveCommand::Restore { run, places }) => {
                Command::ArchiveRestore(RestoreSettings {
                    run,
                    store: places.store,
                    folder: places.folder,
                })
            }
            None => Command::Archive(ArchiveSettings {
                store: self.runs.places.store,
                folder: self.runs.places.folder,
                older_than: self.runs.older_than,
                compact: self.runs.compact,
                purge: self.runs.purge,
                batch: self.runs.batch.get(),
                at_most: self.runs.at_most,
                dry_run: self.runs.dry_run,
                format: self.runs.format.format(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::args::{Command, tests::command};

    #[test]
    fn runs_are_archived_listed_and_restored() {
        let Command::Archive(settings) = command("archive --older-than 30d --compact") else {
            panic!("another command");
        };
        assert_eq!(settings.older_than, Duration::from_secs(30 * 86_400));
        assert!(settings.compact && !settings.purge && !settings.dry_run);
        assert_eq!((settings.batch, settings.at_most), (25, None));
        let Command::ArchiveList(settings) = command("archive list --folder old") else {
            panic!("another command");
        };
        assert_eq!(settings.folder.to_str(), Some("old"));
        let Command::ArchiveRestore(settings) = command("archive restore r --store a.sqlite")
        else {
            panic!("another command");
        };
        assert_eq!((&*settings.run, &*settings.store), ("r", "a.sqlite"));
    }
}
