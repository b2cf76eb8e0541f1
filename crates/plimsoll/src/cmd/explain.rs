//! `plimsoll explain`: what a scenario comes down to, before anything runs.

use std::path::PathBuf;

use loadgen::explain::explain;

use crate::exit::Exit;
use crate::say::say;
use crate::workspace;

/// What to explain.
#[derive(Debug)]
pub(crate) struct ExplainSettings {
    /// The name of a shipped scenario, or the path of a file.
    pub(crate) scenario: String,
    /// Where shipped scenarios are looked for; unset means those of the workspace.
    pub(crate) folder: Option<PathBuf>,
}

pub(crate) fn run(settings: &ExplainSettings) -> anyhow::Result<Exit> {
    let name = &settings.scenario;
    let scenario = workspace::scenario(name, settings.folder.as_deref())?;
    say(&explain(name, &scenario))?;
    Ok(Exit::Fine)
}
