//! `plimsoll compare`: the last measurements against the stored baselines, with an exit code.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;
use results::comparison::{Comparison, Kinds, Scope};
use results::report::{self, Colour};

use crate::exit::Exit;
use crate::say::say;
use crate::workspace;

/// What to compare, and how to say it.
#[derive(Debug)]
pub(crate) struct CompareSettings {
    pub(crate) format: Format,
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

/// How to say it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
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
    let comparison = Comparison::of(&locations, &scope)?;
    let text = match settings.format {
        Format::Text => {
            report::text::render(&comparison, Colour::wanted(std::io::stdout().is_terminal()))
        }
        Format::Json => report::json::render(&comparison).context("failed to write JSON")?,
        Format::Markdown => report::markdown::render(&comparison),
    };
    say(&text)?;
    Ok(comparison.outcome().into())
}
