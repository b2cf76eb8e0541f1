//! A record in the forms that were asked for: one to stdout, any others to files.

use std::path::PathBuf;

use loadgen::report::model::LoadReport;
use loadgen::report::{self, csv, junit, markdown, text};

use crate::say::say;

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
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
    /// Says it, then writes the files: a full disk must not cost what was measured.
    pub(crate) fn tell(&self, report: &LoadReport) -> anyhow::Result<()> {
        say(&rendered(report, self.format))?;
        for (format, path) in &self.files {
            report::write(path, &rendered(report, *format))?;
            eprintln!("the report is in {}", path.display());
        }
        Ok(())
    }
}

fn rendered(report: &LoadReport, format: Format) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Json => report::json(report),
        Format::Markdown => markdown::render(report),
        Format::Junit => junit::render(report),
        Format::Csv => csv::render(report),
    }
}
