//! A run in the forms that were asked for.

use loadgen::report::model::{Circumstances, LoadReport};
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
        self.tell_report(&LoadReport::new(scenario, ran, circumstances))
    }

    /// Tells of a run that was judged; returns how the process should end.
    pub(crate) fn tell_report(&self, report: &LoadReport) -> anyhow::Result<Exit> {
        self.tell(|format| Ok(rendered(report, format)))?;
        Ok(report.conclusion.into())
    }
}

fn rendered(report: &LoadReport, format: Format) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Json => report::json(report),
        Format::Markdown => markdown::render(report),
        Format::Html => html::render(report),
        Format::Junit => junit::render(report),
        Format::Csv => csv::render(report),
    }
}
