//! `plimsoll baseline`: the only command that writes `baselines/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use results::accept::today;
use results::baseline;
use results::case_id::nearest;
use results::changes;
use results::criterion;
use results::error::Error;
use results::machine::Machine;
use results::record::{self, Record};

use crate::bench::{self, Run};
use crate::exit::Exit;
use crate::say::say;
use crate::workspace::{self, ALLOCATIONS, INSTRUCTIONS, Workspace};

pub(crate) mod accept;
mod allocations;
mod counts;
mod relink;
mod tools;

/// What to record.
#[derive(Debug)]
pub(crate) struct RecordSettings {
    /// Unset means all suites.
    pub(crate) suites: Option<Vec<String>>,
    /// Fresh processes per suite.
    pub(crate) n_processes: usize,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// Which kind of numbers.
    pub(crate) what: What,
    /// Programs of the same code in another order, for the band of the instruction counts.
    pub(crate) n_relinks: usize,
    /// The folder of all baselines; unset means the workspace's.
    pub(crate) baselines: Option<PathBuf>,
    /// Why, for the line in CHANGES.md; unset means that somebody will write it.
    pub(crate) because: Option<String>,
}

/// A kind of numbers that has baselines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Times,
    Instructions,
    Allocations,
}

/// Runs suites in several fresh processes and stores what they cost.
///
/// All baselines are written after the last measurement, each at once, so an interruption leaves the old ones.
pub(crate) fn record(settings: &RecordSettings) -> anyhow::Result<Exit> {
    let workspace = Workspace::at(settings.workspace.as_deref())?;
    let baselines = settings
        .baselines
        .clone()
        .unwrap_or_else(|| workspace.baselines());
    match settings.what {
        What::Times => record_times(settings, &workspace, &baselines)?,
        What::Instructions => counts::record(settings, &workspace, &baselines)?,
        What::Allocations => allocations::record(settings, &workspace, &baselines)?,
    }
    match &settings.because {
        Some(because) => {
            let name = match settings.what {
                What::Times => Machine::here().class(),
                What::Instructions => baseline::INSTRUCTIONS.to_owned(),
                What::Allocations => baseline::ALLOCATIONS.to_owned(),
            };
            let path = changes::add(&baselines, &format!("{name}/"), because, today())?;
            say(&format!("{}\n", path.display()))?;
        }
        None => {
            eprintln!(
                "say why in baselines/CHANGES.md, in the same commit; the lines that it needs now:"
            );
            for entry in changes::unvouched(&baselines)? {
                eprintln!("- {}, `{}` `{}`: why", today(), entry.name, entry.mark);
            }
        }
    }
    Ok(Exit::Fine)
}

fn record_times(
    settings: &RecordSettings,
    workspace: &Workspace,
    baselines: &Path,
) -> anyhow::Result<()> {
    let n_processes = enough_processes(settings.n_processes, baseline::MIN_PROCESSES)?;
    let suites = chosen_suites(settings.suites.as_deref(), &workspace.suites)?;
    let machine = Machine::here();
    let folder = baselines.join(machine.class());
    // Minutes of measuring are not for nothing: what is stored must be understood before it may be replaced.
    baseline::read_times(&folder)?;

    bench::build(workspace, &suites, &[])?;
    let scratch = Scratch::make(workspace)?;
    let progress = progress(n_processes * suites.len());
    let origin = tools::origin(&machine, &workspace.root);
    let mut processes = Vec::new();
    // Suites inside processes, not the other way: what changes on the machine within minutes shows as spread.
    for process in 1..=n_processes {
        let home = scratch.path.join(format!("process_{process}"));
        for suite in &suites {
            progress.set_message(format!("{suite}, process {process} of {n_processes}"));
            let run = Run {
                workspace,
                target: suite,
                variables: vec![("CRITERION_HOME", home.clone())],
                arguments: Vec::new(),
            };
            run.logged(&scratch.path.join(format!("process_{process}_{suite}.log")))?;
            progress.inc(1);
        }
        let measurements = criterion::read(&home)?;
        let records: Option<Vec<Record>> = measurements
            .values()
            .map(|measurement| Record::of_measurement(measurement, &origin))
            .collect();
        let records = records.context("a measurement holds no sample")?;
        keep(workspace, &format!("process_{process}.jsonl"), &records)?;
        processes.push(records);
    }
    progress.finish_and_clear();

    // A bench target of ours measures the group of its name alone; elsewhere groups are named freely.
    let records = processes.iter().flatten();
    let measured: BTreeSet<&str> = records.map(|record| record.id.suite()).collect();
    let recorded = measured
        .into_iter()
        .map(|suite| baseline::of_times(suite, &processes))
        .collect::<Result<Vec<_>, _>>()?;
    baseline::write_times(&folder, &machine, &recorded)?;
    say_written(&folder, recorded.iter().map(|baseline| &*baseline.suite))
}

/// Lists what is stored, one line per file: folder, suite, number of cases.
pub(crate) fn list(baselines: Option<PathBuf>) -> anyhow::Result<Exit> {
    let baselines = workspace::baselines(baselines)?;
    let here = Machine::here().class();
    let mut text = String::new();
    for class in baseline::classes(&baselines)? {
        let mark = if class == here {
            "  (this machine)"
        } else {
            ""
        };
        let Some(shelf) = baseline::read_times(&baselines.join(&class))? else {
            continue;
        };
        for (suite, baseline) in &shelf.suites {
            let n_cases = baseline.cases.len();
            text.push_str(&format!("{class}  {suite:<20} {n_cases:>4} cases{mark}\n"));
        }
    }
    let folder = baselines.join(baseline::INSTRUCTIONS);
    if let Some(shelf) = baseline::read_counts(&folder)? {
        for (suite, baseline) in &shelf.suites {
            let n_cases = baseline.cases.len();
            text.push_str(&format!("{INSTRUCTIONS}  {suite:<20} {n_cases:>4} cases\n"));
        }
    }
    let folder = baselines.join(baseline::ALLOCATIONS);
    if let Some(shelf) = baseline::read_allocations(&folder)? {
        for (suite, baseline) in &shelf.suites {
            let n_cases = baseline.cases.len();
            text.push_str(&format!("{ALLOCATIONS}  {suite:<20} {n_cases:>4} cases\n"));
        }
    }
    if text.is_empty() {
        eprintln!("no baselines in {}", baselines.display());
    }
    say(&text)?;
    Ok(Exit::Fine)
}

/// The results of the processes while they run, removed at the end.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn make(workspace: &Workspace) -> anyhow::Result<Self> {
        let name = format!("record_{}", std::process::id());
        let path = workspace.scratch().join(name);
        fs::create_dir_all(&path).with_context(|| format!("failed to make {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // In the target directory, so whatever cannot be removed now is removed with it.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Records stay in the target directory, so that a later test needs no new measurement.
fn keep(workspace: &Workspace, name: &str, records: &[Record]) -> anyhow::Result<()> {
    let path = workspace.scratch().join("records").join(name);
    Ok(record::write(&path, records)?)
}

fn enough_processes(n_processes: usize, needed: usize) -> anyhow::Result<usize> {
    if n_processes < needed {
        bail!("--processes {n_processes} shows no spread between runs; take {needed} or more");
    }
    Ok(n_processes)
}

fn chosen_suites<'a>(
    chosen: Option<&'a [String]>,
    known: &'a [String],
) -> anyhow::Result<Vec<&'a str>> {
    let Some(chosen) = chosen else {
        if known.is_empty() {
            bail!("found no bench target with a suite in the workspace");
        }
        return Ok(known.iter().map(String::as_str).collect());
    };
    for suite in chosen {
        if !known.contains(suite) {
            let error = Error::Unknown {
                what: "suite",
                name: suite.clone(),
                place: "the command line".to_owned(),
                nearest: nearest(suite, known.iter().map(String::as_str)),
            };
            return Err(error.into());
        }
    }
    Ok(chosen.iter().map(String::as_str).collect())
}

/// On a terminal only; the library draws nothing elsewhere.
fn progress(n_steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(n_steps as u64);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn say_written<'a>(folder: &Path, suites: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let lines = suites.map(|suite| format!("{}\n", folder.join(format!("{suite}.json")).display()));
    say(&lines.collect::<String>())
}
