//! `plimsoll soak`: does anything grow while a scenario runs for long?

use loadgen::drift::record::SoakRecord;
use loadgen::report::{html, junit, markdown, text};

use super::load::driving::Driving;
use super::load::progress::Progress;
use crate::exit::Exit;
use crate::forms::Forms;
use crate::scenario::ScaledSource;

/// What to run for long.
#[derive(Debug)]
pub(crate) struct SoakSettings {
    /// Which scenario.
    pub(crate) scenario: ScaledSource,
    /// Bytes that must not be reached.
    pub(crate) most_memory: Option<u64>,
    /// What is driven.
    pub(crate) driving: Driving,
    /// How to say it.
    pub(crate) forms: Forms<Format>,
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
}

pub(crate) fn run(settings: &SoakSettings) -> anyhow::Result<Exit> {
    let scenario = settings.scenario.read()?;
    let progress = Progress::new();
    let shown = progress.clone();
    let ran = settings.driving.run(&scenario, move |now| shown.show(now));
    progress.end();
    let driving = &settings.driving;
    let circumstances = driving.circumstances(&settings.scenario);
    let record = SoakRecord::new(&scenario, &ran?, settings.most_memory, circumstances);
    settings.forms.tell_soak(&record)
}

impl Forms<Format> {
    /// Tells of a soak; returns how the process should end.
    pub(crate) fn tell_soak(&self, record: &SoakRecord) -> anyhow::Result<Exit> {
        self.tell(|format| {
            Ok(match format {
                Format::Text => text::render_soak(record),
                Format::Json => record.json(),
                Format::Markdown => markdown::render_soak(record),
                Format::Html => html::render_soak(record),
                Format::Junit => junit::render_soak(record),
            })
        })?;
        Ok(record.conclusion().into())
    }
}
