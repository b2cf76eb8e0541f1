//! `plimsoll compare`: the last measurements against the stored baselines, with an exit code.

use std::path::PathBuf;

use results::comparison::{Comparison, Kinds, Scope};
use results::machine::Machine;
use results::report::model::Report;

use crate::exit::Exit;
use crate::tell::Telling;
use crate::workspace;

/// What to compare, and how to say it.
#[derive(Debug)]
pub(crate) struct CompareSettings {
    pub(crate) telling: Telling,
    /// Unset means the current folder's.
    pub(crate) workspace: Option<PathBuf>,
    /// The folder of all baselines; unset means the workspace's.
    pub(crate) baselines: Option<PathBuf>,
    /// Criterion homes; empty means where `cargo bench` writes.
    pub(crate) criterion: Vec<PathBuf>,
    /// The folder of the instruction counts; unset means where `cargo bench` writes.
    pub(crate) iai: Option<PathBuf>,
    /// Instruction counts instead of wall times.
    pub(crate) instructions: bool,
    /// Unset means all suites.
    pub(crate) suites: Option<Vec<String>>,
}

pub(crate) fn run(settings: &CompareSettings) -> anyhow::Result<Exit> {
    let mut criterion = settings.criterion.iter().cloned();
    let locations = workspace::locations(
        settings.workspace.as_deref(),
        settings.baselines.clone(),
        criterion.next(),
        settings.iai.clone(),
    )?;
    let scope = Scope {
        suites: settings.suites.clone(),
        more_processes: criterion.collect(),
        // Counts on disk may be of an older build than the times, so only one of the two is looked at.
        kinds: if settings.instructions {
            Kinds::Instructions
        } else {
            Kinds::Times
        },
        ..Scope::default()
    };
    let teller = settings.telling.read()?;
    let comparison = Comparison::of(&locations, &scope)?;
    let report = Report::of_comparison(&comparison, Some(Machine::here()));
    let exit = report.outcome.into();
    teller.tell(report)?;
    Ok(exit)
}
