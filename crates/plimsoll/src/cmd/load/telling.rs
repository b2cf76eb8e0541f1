//! A record in the forms that were asked for: one to stdout, any others to files.

use std::path::PathBuf;

use loadgen::advice::Measurements;
use loadgen::report::html::{Page, bars};
use loadgen::report::model::{Circumstances, LoadReport};
use loadgen::report::{self, csv, html, junit, markdown, text};
use loadgen::run::Ran;
use loadgen::scenario::Scenario;

use crate::exit::Exit;
use crate::say::say;

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

/// Every form that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    /// What goes to stdout.
    pub(crate) format: Format,
    /// What goes to files beside it.
    pub(crate) files: Vec<(Format, PathBuf)>,
}

impl Telling {
    /// Judges a run and tells of it; returns how the process should end.
    pub(crate) fn tell_run(
        &self,
        scenario: &Scenario,
        ran: &Ran,
        circumstances: Circumstances,
    ) -> anyhow::Result<Exit> {
        let report = LoadReport::new(scenario, ran, circumstances);
        self.tell(&Page {
            report: &report,
            bars: bars(ran),
            measurements: Measurements::of(scenario, ran),
            capacity: None,
        })?;
        Ok(report.conclusion.into())
    }

    /// Says it, then writes the files: a full disk must not cost what was measured.
    pub(crate) fn tell(&self, page: &Page<'_>) -> anyhow::Result<()> {
        say(&rendered(page, self.format))?;
        for (format, path) in &self.files {
            report::write(path, &rendered(page, *format))?;
            eprintln!("the report is in {}", path.display());
        }
        Ok(())
    }
}

fn rendered(page: &Page<'_>, format: Format) -> String {
    let report = page.report;
    match format {
        Format::Text => text::render(report),
        Format::Json => report::json(report),
        Format::Markdown => markdown::render(report),
        Format::Html => html::render(page),
        Format::Junit => junit::render(report),
        Format::Csv => csv::render(report),
    }
}
