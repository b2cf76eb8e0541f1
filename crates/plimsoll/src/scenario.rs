//! Which scenario was asked for, and where its files lie.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use loadgen::scenario::Scenario;

use crate::workspace::Workspace;

/// Where a scenario is read from.
#[derive(Debug)]
pub(crate) struct ScenarioSource {
    /// The name of a shipped scenario, or the path of a file.
    pub(crate) name: String,
    /// Where shipped scenarios are looked for; unset means those of the workspace.
    pub(crate) folder: Option<PathBuf>,
}

/// A scenario, and how much shorter than it says.
#[derive(Debug)]
pub(crate) struct ScaledSource {
    /// The whole scenario.
    pub(crate) source: ScenarioSource,
    /// Every duration is multiplied by it.
    pub(crate) time_scale: f64,
}

impl ScenarioSource {
    /// The whole scenario.
    pub(crate) fn read(&self) -> anyhow::Result<Scenario> {
        Ok(Scenario::find(&self.shelf()?, &self.name)?)
    }

    /// The text of its file.
    pub(crate) fn text(&self) -> anyhow::Result<String> {
        let path = self.path()?;
        fs::read_to_string(&path)
            .with_context(|| format!("failed to read scenario {}", path.display()))
    }

    /// The name and the text of its trace, if it has one.
    pub(crate) fn trace_text(
        &self,
        scenario: &Scenario,
    ) -> anyhow::Result<Option<(String, String)>> {
        let Some(trace) = &scenario.trace else {
            return Ok(None);
        };
        let path = trace.beside(&self.path()?);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read trace {}", path.display()))?;
        match trace.file.to_str() {
            Some(file) if !file.contains('/') => Ok(Some((file.to_owned(), text))),
            _ => bail!(
                "a Job finds its trace beside the scenario; move {} there, and name it without a folder",
                path.display()
            ),
        }
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        Ok(Scenario::path(&self.shelf()?, &self.name))
    }

    /// The folder in which it is looked for; a path needs none.
    fn shelf(&self) -> anyhow::Result<PathBuf> {
        match &self.folder {
            Some(folder) => Ok(folder.clone()),
            None if self.name.ends_with(".toml") => Ok(PathBuf::new()),
            None => Ok(Workspace::here()?.scenarios()),
        }
    }
}

impl ScaledSource {
    /// The scenario with its durations scaled.
    pub(crate) fn read(&self) -> anyhow::Result<Scenario> {
        Ok(self.source.read()?.scaled(self.time_scale))
    }
}
