//! `plimsoll soak`: does anything grow while a scenario runs for long?

use std::path::PathBuf;

use loadgen::drift::record::{SoakRecord, series};
use loadgen::drift::{Class, findings};
use loadgen::health::Verdict;

use super::load::driving::Driving;
use super::load::progress::Progress;
use crate::exit::Exit;
use crate::say::say;
use crate::workspace;

/// What to run for long.
#[derive(Debug)]
pub(crate) struct SoakSettings {
    /// The name of a shipped scenario, or the path of a file.
    pub(crate) scenario: String,
    /// Where shipped scenarios are looked for; unset means those of the workspace.
    pub(crate) folder: Option<PathBuf>,
    /// Every duration is multiplied by it.
    pub(crate) time_scale: f64,
    /// Bytes that must not be reached.
    pub(crate) most_memory: Option<u64>,
    /// What is driven.
    pub(crate) driving: Driving,
    /// How to say it.
    pub(crate) format: Format,
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) fn run(settings: &SoakSettings) -> anyhow::Result<Exit> {
    let name = &settings.scenario;
    let scenario = workspace::scenario(name, settings.folder.as_deref())?;
    let scenario = scenario.scaled(settings.time_scale);
    let progress = Progress::new();
    let shown = progress.clone();
    let ran = settings.driving.run(&scenario, move |now| shown.show(now));
    progress.end();
    let ran = ran?;
    let findings = findings(&series(&ran, settings.most_memory), scenario.seed);
    let record = SoakRecord::new(name.clone(), &ran, &findings);
    say(&match settings.format {
        Format::Text => record.text(),
        Format::Json => record.json(),
    })?;
    let is = |class| findings.iter().any(|finding| finding.class == class);
    Ok(if ran.health.verdict == Verdict::Invalid {
        Exit::GeneratorSpoiled
    } else if is(Class::Leak) {
        Exit::Regressed
    } else if ran.interrupted || is(Class::TooShort) {
        Exit::CouldNotTell
    } else {
        Exit::Fine
    })
}
