//! `plimsoll archive`: runs that ended long ago into zip files, the list of these, and the way back.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use run_state::StoreError;
use run_state::archive::{self, ArchiveRow, NOISY_KINDS, Policy, Shelf};
use run_state::run::UnixMillis;
use run_state::store::files::Files;
use run_state::store::postgres::{Config, Postgres};
use run_state::store::sqlite::{Durability, Sqlite};
use run_state::store::{RunSummary, Store};

use crate::exit::Exit;
use crate::say::say;
use crate::tell::TableFormat;

mod table;

/// Which runs are archived, and what becomes of them.
#[derive(Debug)]
pub(crate) struct ArchiveSettings {
    pub(crate) store: String,
    pub(crate) folder: PathBuf,
    /// How long ago they must have ended.
    pub(crate) older_than: Duration,
    pub(crate) compact: bool,
    pub(crate) purge: bool,
    /// Runs that are listed at once.
    pub(crate) batch: usize,
    /// Unset means all.
    pub(crate) at_most: Option<usize>,
    pub(crate) dry_run: bool,
    pub(crate) format: TableFormat,
}

/// Which archives are listed, and how.
#[derive(Debug)]
pub(crate) struct RowsSettings {
    pub(crate) folder: PathBuf,
    pub(crate) format: TableFormat,
}

/// Which run is put back.
#[derive(Debug)]
pub(crate) struct RestoreSettings {
    pub(crate) run: String,
    pub(crate) store: String,
    pub(crate) folder: PathBuf,
}

/// Archives what the settings select, and lists what it did; a run that cannot be archived stops no other.
pub(crate) fn run(settings: &ArchiveSettings) -> anyhow::Result<Exit> {
    on_a_runtime(async {
        let store = open(&settings.store).await?;
        let now = now()?;
        let policy = Policy {
            ended_before: UnixMillis(now.0.saturating_sub(settings.older_than.as_millis() as u64)),
            compact: match settings.compact {
                true => NOISY_KINDS.map(str::to_owned).to_vec(),
                false => Vec::new(),
            },
            purge: settings.purge,
            at_most: settings.at_most,
        };
        let pass = Pass {
            shelf: Shelf::read(&settings.folder)?,
            store: &*store,
            settings,
            policy,
            now,
            rows: Vec::new(),
            n_purged: 0,
            n_failed: 0,
        };
        if settings.dry_run {
            return pass.dry_run().await;
        }
        pass.run().await
    })
}

/// Lists the rows of a folder.
pub(crate) fn list(settings: &RowsSettings) -> anyhow::Result<Exit> {
    let rows = archive::rows(&settings.folder)?;
    say(&table::rows(&rows, settings.format)?)?;
    Ok(Exit::Fine)
}

/// Puts a run back.
pub(crate) fn restore(settings: &RestoreSettings) -> anyhow::Result<Exit> {
    on_a_runtime(async {
        let shelf = Shelf::read(&settings.folder)?;
        let Some(row) = shelf.newest(&settings.run) else {
            bail!(
                "no archive of run `{}` in {}; `plimsoll archive list` names those that are there",
                settings.run,
                settings.folder.display()
            );
        };
        let store = open(&settings.store).await?;
        archive::restore(&*store, &settings.folder, row).await?;
        eprintln!("run `{}` is back, with {} events", row.run, row.n_events);
        Ok(Exit::Fine)
    })
}

/// One pass over the runs that a policy selects.
struct Pass<'a> {
    store: &'a dyn Store,
    settings: &'a ArchiveSettings,
    policy: Policy,
    shelf: Shelf,
    now: UnixMillis,
    rows: Vec<ArchiveRow>,
    n_purged: usize,
    n_failed: usize,
}

impl Pass<'_> {
    async fn dry_run(&self) -> anyhow::Result<Exit> {
        let selected = archive::select(self.store, &self.policy).await?;
        let (due, known): (Vec<_>, Vec<_>) = selected
            .into_iter()
            .partition(|summary| self.shelf.unchanged(summary).is_none());
        say(&table::summaries(&due, self.settings.format)?)?;
        eprintln!(
            "{} to archive, {} archived already; nothing was changed",
            due.len(),
            known.len()
        );
        Ok(Exit::Fine)
    }

    async fn run(mut self) -> anyhow::Result<Exit> {
        let n_selected = archive::select(self.store, &self.policy).await?.len();
        let bar = bar(n_selected);
        let mut after: Option<String> = None;
        let mut n_left = n_selected;
        while n_left > 0 {
            let n_runs = self.settings.batch.min(n_left);
            let batch = archive::batch(self.store, &self.policy, after.as_deref(), n_runs).await?;
            let Some(last) = batch.last() else {
                break;
            };
            after = Some(last.run.clone());
            n_left = n_left.saturating_sub(batch.len());
            for summary in &batch {
                bar.set_message(summary.run.clone());
                if let Err(error) = self.archive(summary).await {
                    self.n_failed += 1;
                    bar.suspend(|| eprintln!("error: {:#}", anyhow::Error::new(error)));
                }
                bar.inc(1);
            }
            if !std::io::stderr().is_terminal() {
                eprintln!("{} of {n_selected}", bar.position());
            }
        }
        bar.finish_and_clear();
        say(&table::rows(&self.rows, self.settings.format)?)?;
        eprintln!(
            "{} archived, {} removed from the store, {} failed",
            self.rows.len(),
            self.n_purged,
            self.n_failed
        );
        Ok(match self.n_failed {
            0 => Exit::Fine,
            _ => Exit::BadInput,
        })
    }

    async fn archive(&mut self, summary: &RunSummary) -> Result<(), StoreError> {
        let folder = &self.settings.folder;
        if let Some(row) = self.shelf.unchanged(summary) {
            if self.policy.purge {
                archive::purge(self.store, folder, row).await?;
                self.n_purged += 1;
            }
            return Ok(());
        }
        let row =
            archive::archive(self.store, &summary.run, &self.policy, folder, self.now).await?;
        self.n_purged += usize::from(self.policy.purge);
        self.rows.push(row);
        Ok(())
    }
}

fn bar(n_runs: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs, {eta} left  {wide_msg}");
    let bar = ProgressBar::new(n_runs as u64);
    // A template that does not parse leaves the usual bar.
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn now() -> anyhow::Result<UnixMillis> {
    let now = Timestamp::now().as_millisecond();
    let now = u64::try_from(now).context("the clock is before 1970; set it")?;
    Ok(UnixMillis(now))
}

/// Opens a store that is there; a mistyped name makes none.
async fn open(store: &str) -> anyhow::Result<Box<dyn Store>> {
    if store.starts_with("postgres://") || store.starts_with("postgresql://") {
        return Ok(Box::new(Postgres::connect(Config::new(store)).await?));
    }
    let path = Path::new(store);
    if path.is_dir() {
        return Ok(Box::new(Files::open(path)?));
    }
    if path.is_file() {
        return Ok(Box::new(Sqlite::open(path, Durability::Durable)?));
    }
    bail!("no store at {store}; name the SQLite file or the folder of the runs with --store")
}

/// A thread will do: the stores on a disk block it, and a database answers one question after the other.
fn on_a_runtime(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start a runtime")?;
    runtime.block_on(work)
}
