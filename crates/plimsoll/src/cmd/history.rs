//! `plimsoll history`: adds nights, says what was found in them, and plots one case.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use results::accept::{self, Acceptances};
use results::case_id::{CaseId, nearest};
use results::error::Error;
use results::history::folder::{self, Added, Order};
use results::history::judged::{self, CaseHistory, History, Standing};
use results::history::line::{self, Run};
use results::iai;
use results::pairs::control::NullEstimates;
use results::pairs::judge::{MOST_ROUNDS, Terms, judge};
use results::pairs::sample::{self, PairRun, Side};
use results::relevance::PairRelevance;
use results::report::{self, Colour};

use crate::exit::Exit;
use crate::say::say;
use crate::tell::TableFormat;
use crate::workspace::Workspace;

/// What to show, and how.
#[derive(Debug)]
pub(crate) struct ShowSettings {
    /// Unset means all.
    pub(crate) case: Option<String>,
    /// Unset means in the target directory.
    pub(crate) folder: Option<PathBuf>,
    /// Unset means the workspace's.
    pub(crate) baselines: Option<PathBuf>,
    pub(crate) format: TableFormat,
}

/// Which run to add, and where.
#[derive(Debug)]
pub(crate) struct RecordNightSettings {
    /// Unset means the last run of pair mode.
    pub(crate) from: Option<PathBuf>,
    /// Unset means in the target directory.
    pub(crate) folder: Option<PathBuf>,
    /// Unset means when the file was written.
    pub(crate) time: Option<String>,
    /// Instruction counts of the same commit; unset means none.
    pub(crate) iai: Option<PathBuf>,
}

/// Says what was found in all cases, or plots one.
pub(crate) fn show(settings: &ShowSettings) -> anyhow::Result<Exit> {
    // Asking Cargo takes a while, so it is asked only if something is left to know.
    let (folder, baselines) = match (&settings.folder, &settings.baselines) {
        (Some(folder), Some(baselines)) => (folder.clone(), baselines.clone()),
        (folder, baselines) => {
            let workspace = Workspace::here()?;
            let folder = folder.clone().unwrap_or_else(|| usual_folder(&workspace));
            let baselines = baselines.clone();
            (folder, baselines.unwrap_or_else(|| workspace.baselines()))
        }
    };
    let acceptances = Acceptances::read(&baselines)?;
    let history = judged::read(&folder, &acceptances, accept::today())?;
    let colour = Colour::wanted(std::io::stdout().is_terminal());
    match &settings.case {
        None => {
            say(&all(&history, settings.format, colour)?)?;
            Ok(history.outcome().into())
        }
        Some(name) => {
            let case = find(&history, name)?;
            say(&one(case, settings.format, colour)?)?;
            Ok(exit_of(case.standing))
        }
    }
}

/// Adds the stored result of a run as a night.
pub(crate) fn record(settings: &RecordNightSettings) -> anyhow::Result<Exit> {
    let workspace = Workspace::here()?;
    let from = settings
        .from
        .clone()
        .unwrap_or_else(|| workspace.scratch().join("ab/last.json"));
    let folder = settings
        .folder
        .clone()
        .unwrap_or_else(|| usual_folder(&workspace));
    let (time, order) = match &settings.time {
        Some(text) => (named_time(text)?, Order::Any),
        None => (written(&from)?, Order::Rising),
    };
    let measured = sample::read(&from)?;
    let run = Run {
        time,
        id: measured.fingerprint(),
        reference: known_commit(&measured.base, "base")?,
        commit: known_commit(&measured.candidate, "candidate")?,
    };
    let relevance = PairRelevance::read(&workspace.root.join("benches"))?;
    let count_ratios = BTreeMap::new();
    let terms = Terms {
        relevance: &relevance,
        null_estimates: &NullEstimates::default(),
        n_rounds_most: MOST_ROUNDS,
        count_ratios: &count_ratios,
    };
    let comparison = judge(&measured, &terms);
    let lines = line::lines(&run, &comparison, &counts(settings.iai.as_deref())?);
    tell_of_left_out(&measured, lines.len());
    if comparison.control.is_contaminated() {
        eprintln!("the run is contaminated: it is kept, and nothing is said from it");
    }
    match folder::add(&folder, &lines, order)? {
        Added::To(path) => say(&format!("{}\n", path.display()))?,
        Added::Already(path) => {
            eprintln!("this run is in the history already");
            say(&format!("{}\n", path.display()))?;
        }
    }
    Ok(Exit::Fine)
}

fn usual_folder(workspace: &Workspace) -> PathBuf {
    workspace.scratch().join("history")
}

fn all(history: &History, format: TableFormat, colour: Colour) -> anyhow::Result<String> {
    match format {
        TableFormat::Text => Ok(report::history::text::render(history, colour)),
        TableFormat::Json => report::history::json::render(history).context("failed to write JSON"),
        TableFormat::Markdown => Ok(report::history::markdown::render(history)),
    }
}

fn one(case: &CaseHistory, format: TableFormat, colour: Colour) -> anyhow::Result<String> {
    match format {
        TableFormat::Text => Ok(report::history::text::render_case(case, colour)),
        TableFormat::Json => {
            report::history::json::render_case(case).context("failed to write JSON")
        }
        TableFormat::Markdown => Ok(report::history::markdown::render_case(case)),
    }
}

fn find<'h>(history: &'h History, name: &str) -> Result<&'h CaseHistory, Error> {
    let mut cases = history.cases.iter();
    let found = cases.find(|case| case.series.case.as_str() == name);
    found.ok_or_else(|| {
        let known = history.cases.iter().map(|case| case.series.case.as_str());
        Error::Unknown {
            what: "case",
            name: name.to_owned(),
            place: "the command line".to_owned(),
            nearest: nearest(name, known),
        }
    })
}

fn exit_of(standing: Standing) -> Exit {
    match standing {
        Standing::Slower { .. } => Exit::Regressed,
        Standing::TooFewNights { .. } => Exit::CouldNotTell,
        Standing::Accepted { .. } | Standing::Faster { .. } | Standing::Steady => Exit::Fine,
    }
}

fn named_time(text: &str) -> anyhow::Result<Timestamp> {
    let time = text.parse();
    time.with_context(|| {
        format!("failed to understand --time {text:?}; write it as 2026-11-21T02:00:00Z")
    })
}

/// When a file was written: a run is over when its samples are stored.
fn written(path: &Path) -> anyhow::Result<Timestamp> {
    let written = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let written = written.with_context(|| {
        let path = path.display();
        format!(
            "failed to read {path}; measure with `plimsoll ab` first, or name the file with --from"
        )
    })?;
    let time = Timestamp::try_from(written).context("failed to read the time of the file")?;
    // Kept to the second, as the name of the night's file.
    Ok(Timestamp::from_second(time.as_second())?)
}

/// A night must be measurable again, so both of its sides must be commits.
fn known_commit(side: &Side, which: &str) -> anyhow::Result<String> {
    match &side.commit {
        Some(commit) if !side.is_dirty => Ok(commit.clone()),
        _ => bail!(
            "the {which} of the run ({}) is no commit, so the night could never be measured again; commit first, or \
             name a commit with `plimsoll ab --candidate`",
            side.label
        ),
    }
}

fn counts(iai: Option<&Path>) -> anyhow::Result<BTreeMap<CaseId, BTreeMap<String, u64>>> {
    let Some(folder) = iai else {
        return Ok(BTreeMap::new());
    };
    let counts = iai::read(folder)?.into_values();
    Ok(counts
        .map(|count| {
            let instructions = ("instructions".to_owned(), count.instructions);
            (count.id, BTreeMap::from([instructions]))
        })
        .collect())
}

/// No case disappears without a word.
fn tell_of_left_out(run: &PairRun, n_lines: usize) {
    let n_left_out = run.cases.len() - n_lines;
    if n_left_out > 0 {
        eprintln!("cases of the run without an effect on wall time: {n_left_out}");
    }
}
