//! A run in the forms that were asked for.

use loadgen::report::model::{Circumstances, LoadRecord};
use loadgen::report::{self, csv, html, junit, markdown, text};
use loadgen::run::Ran;
use loadgen::scenario::Scenario;

use crate::exit::Exit;
use crate::forms::Forms;

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
    Csv,
}

impl Forms<Format> {
    /// Judges a run and tells of it; returns how the process should end.
    pub(crate) fn tell_run(
        &self,
        scenario: &Scenario,
        ran: &Ran,
        circumstances: Circumstances,
    ) -> anyhow::Result<Exit> {
        self.tell_load(&LoadRecord::new(scenario, ran, circumstances))
    }

    /// Tells of a run that was judged; returns how the process should end.
    pub(crate) fn tell_load(&self, record: &LoadRecord) -> anyhow::Result<Exit> {
        self.tell(|format| Ok(rendered(record, format)))?;
        Ok(record.conclusion.into())
    }
}

fn rendered(record: &LoadRecord, format: Format) -> String {
    match format {
        Format::Text => text::render(record),
        Format::Json => report::json(record),
        Format::Markdown => markdown::render(record),
        Format::Html => html::render(record),
        Format::Junit => junit::render(record),
        Format::Csv => csv::render(record),
    }
}
