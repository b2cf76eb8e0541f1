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
use results::iai;
use results::machine::{CountMachine, Machine};
use results::record::{self, Record};

use crate::bench::{self, Run};
use crate::exit::Exit;
use crate::say::say;
use crate::workspace::{self, INSTRUCTIONS, Workspace};

pub(crate) mod accept;
mod tools;

/// What to record.
#[derive(Debug)]
pub(crate) struct RecordSettings {
    /// Unset means all suites.
    pub(crate) suites: Option<Vec<String>>,
    /// Fresh processes per suite.
    pub(crate) n_processes: usize,
    /// Instruction counts instead of wall times.
    pub(crate) instructions: bool,
    /// The folder of all baselines; unset means the workspace's.
    pub(crate) baselines: Option<PathBuf>,
    /// Why, for the line in CHANGES.md; unset means that somebody will write it.
    pub(crate) because: Option<String>,
}

/// Runs suites in several fresh processes and stores what they cost.
///
/// All baselines are written after the last measurement, each at once, so an interruption leaves the old ones.
pub(crate) fn record(settings: &RecordSettings) -> anyhow::Result<Exit> {
    let workspace = Workspace::here()?;
    let baselines = settings
        .baselines
        .clone()
        .unwrap_or_else(|| workspace.baselines());
    if settings.instructions {
        record_counts(settings, &workspace, &baselines)?;
    } else {
        record_times(settings, &workspace, &baselines)?;
    }
    match &settings.because {
        Some(because) => {
            let name = if settings.instructions {
                baseline::INSTRUCTIONS.to_owned()
            } else {
                Machine::here().class()
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

    bench::build(workspace, &suites)?;
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

    let recorded = suites
        .iter()
        .map(|suite| baseline::of_times(suite, &processes))
        .collect::<Result<Vec<_>, _>>()?;
    baseline::write_times(&folder, &machine, &recorded)?;
    say_written(&folder, recorded.iter().map(|baseline| &*baseline.suite))
}

fn record_counts(
    settings: &RecordSettings,
    workspace: &Workspace,
    baselines: &Path,
) -> anyhow::Result<()> {
    let n_processes = enough_processes(settings.n_processes, baseline::MIN_COUNT_RUNS)?;
    tools::need_counting_tools()?;
    let folder = baselines.join(baseline::INSTRUCTIONS);
    baseline::read_counts(&folder)?;

    bench::build(workspace, &[INSTRUCTIONS])?;
    let scratch = Scratch::make(workspace)?;
    let progress = progress(n_processes);
    let origin = tools::origin(&Machine::here(), &workspace.root);
    let mut processes = Vec::new();
    for process in 1..=n_processes {
        progress.set_message(format!(
            "instruction counts, run {process} of {n_processes}"
        ));
        let home = scratch.path.join(format!("process_{process}"));
        let run = Run {
            workspace,
            target: INSTRUCTIONS,
            variables: vec![("IAI_CALLGRIND_HOME", home.clone())],
            arguments: Vec::new(),
        };
        run.logged(&scratch.path.join(format!("process_{process}.log")))?;
        progress.inc(1);
        let counts = iai::read(&home)?;
        let records: Vec<Record> = counts
            .values()
            .map(|count| Record::of_count(count, &origin))
            .collect();
        keep(workspace, &format!("counts_{process}.jsonl"), &records)?;
        processes.push(records);
    }
    progress.finish_and_clear();

    let counted: BTreeSet<&str> = processes
        .iter()
        .flatten()
        .map(|record| record.id.suite())
        .collect();
    let known: Vec<String> = counted.into_iter().map(str::to_owned).collect();
    let suites = chosen_suites(settings.suites.as_deref(), &known)?;
    let recorded = suites
        .iter()
        .map(|suite| baseline::of_counts(suite, &processes))
        .collect::<Result<Vec<_>, _>>()?;
    baseline::write_counts(&folder, &CountMachine::here(), &recorded)?;
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
            bail!("found no suites in the package benches");
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
