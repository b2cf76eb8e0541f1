//! `plimsoll explain`: what a scenario comes down to, before anything runs.

use loadgen::explain::explain;

use crate::exit::Exit;
use crate::say::say;
use crate::scenario::ScenarioSource;

/// What to explain.
#[derive(Debug)]
pub(crate) struct ExplainSettings {
    /// Which scenario.
    pub(crate) scenario: ScenarioSource,
}

pub(crate) fn run(settings: &ExplainSettings) -> anyhow::Result<Exit> {
    let source = &settings.scenario;
    say(&explain(&source.name, &source.read()?))?;
    Ok(Exit::Fine)
}
