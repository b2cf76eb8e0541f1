//! `plimsoll baseline accept`: an agreed slowdown and its line in CHANGES.md, in one change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use results::accept::{self, Acceptance, Acceptances, Metric};
use results::baseline;
use results::case_id::{CaseId, nearest};
use results::changes;
use results::error::Error;
use results::pairs::sample;

use crate::exit::Exit;
use crate::say::say;
use crate::workspace::Workspace;

/// What is agreed to.
#[derive(Debug)]
pub(crate) struct AcceptSettings {
    /// The whole id of the case.
    pub(crate) case: String,
    pub(crate) metric: Metric,
    /// By which share it may be slower.
    pub(crate) share: f64,
    pub(crate) because: String,
    /// The last day on which it counts.
    pub(crate) until: Date,
    /// The folder of all baselines; unset means the workspace's.
    pub(crate) baselines: Option<PathBuf>,
}

pub(crate) fn run(settings: &AcceptSettings) -> anyhow::Result<Exit> {
    let (baselines, last_run) = match &settings.baselines {
        Some(baselines) => (baselines.clone(), None),
        None => {
            let workspace = Workspace::here()?;
            let last_run = workspace.scratch().join("ab/last.json");
            (workspace.baselines(), Some(last_run))
        }
    };
    let acceptance = Acceptance {
        case: known_case(&settings.case, &baselines, last_run.as_deref())?,
        metric: settings.metric,
        share: settings.share,
        because: settings.because.trim().to_owned(),
        on: accept::today(),
        until: settings.until,
    };
    acceptance.check()?;
    let mut acceptances = Acceptances::read(&baselines)?;
    if let Some(replaced) = acceptances.add(acceptance.clone()) {
        eprintln!("in place of {}", replaced.in_words());
    }
    let table = acceptances.write(&baselines)?;
    let words = format!(
        "{} may be slower: {}",
        acceptance.case,
        acceptance.in_words()
    );
    let line = changes::add(&baselines, accept::FILE, &words, acceptance.on)?;
    say(&format!("{}\n{}\n", table.display(), line.display()))?;
    Ok(Exit::Fine)
}

/// A case that has a baseline, or that the last run of pair mode measured.
fn known_case(name: &str, baselines: &Path, last_run: Option<&Path>) -> Result<CaseId, Error> {
    let mut known: BTreeSet<CaseId> = BTreeSet::new();
    for class in baseline::classes(baselines)? {
        let shelf = baseline::read_times(&baselines.join(class))?;
        known.extend(
            shelf
                .iter()
                .flat_map(|shelf| shelf.cases())
                .map(|(id, _)| id.clone()),
        );
    }
    let counts = baseline::read_counts(&baselines.join(baseline::INSTRUCTIONS))?;
    known.extend(
        counts
            .iter()
            .flat_map(|shelf| shelf.cases())
            .map(|(id, _)| id.clone()),
    );
    if let Some(run) = last_run.filter(|path| path.is_file()) {
        known.extend(sample::read(run)?.cases.into_iter().map(|case| case.id));
    }
    let found = CaseId::new(name).filter(|case| known.contains(case));
    found.ok_or_else(|| Error::Unknown {
        what: "case",
        name: name.to_owned(),
        place: "the command line".to_owned(),
        nearest: nearest(name, known.iter().map(CaseId::as_str)),
    })
}
