//! A report in the forms that were asked for: one to stdout, any others to files, from one measurement.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use results::accept::{Acceptances, today};
use results::history::judged::{self, History};
use results::report::html::{self, Flamegraph};
use results::report::model::Report;
use results::report::{Colour, export, json, junit, markdown, text};

use crate::forms::Forms;
use crate::say::say;

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
    Bmf,
    Gha,
}

/// How to say a table that is no judged comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableFormat {
    Text,
    Json,
    Markdown,
}

/// Every form that was asked for, and what they show beside the report.
#[derive(Debug)]
pub(crate) struct Telling<F = Format> {
    /// Every form.
    pub(crate) forms: Forms<F>,
    /// Flamegraphs for the HTML page, each with its title.
    pub(crate) flamegraphs: Vec<(String, PathBuf)>,
    /// The folder of the nights whose series go into the report; unset means none.
    pub(crate) history: Option<PathBuf>,
}

impl Telling {
    /// Reads what the forms need beside the report: before anything is measured, so that a mistyped name costs nothing.
    pub(crate) fn read(&self) -> anyhow::Result<Teller<'_>> {
        let flamegraphs = self.flamegraphs.iter().map(|(title, path)| {
            let svg = fs::read_to_string(path)
                .with_context(|| format!("failed to read the flamegraph {}", path.display()))?;
            Ok(Flamegraph {
                title: title.clone(),
                svg,
            })
        });
        let history = match &self.history {
            // What was agreed to changes how a series stands, not how it went.
            Some(folder) => Some(judged::read(folder, &Acceptances::default(), today())?),
            None => None,
        };
        Ok(Teller {
            telling: self,
            flamegraphs: flamegraphs.collect::<anyhow::Result<_>>()?,
            history,
        })
    }
}

/// A telling with all that it needs.
pub(crate) struct Teller<'t> {
    telling: &'t Telling,
    flamegraphs: Vec<Flamegraph>,
    history: Option<History>,
}

impl Teller<'_> {
    /// Writes the files, then stdout: whoever reads that finds the files there.
    pub(crate) fn tell(&self, report: Report) -> anyhow::Result<()> {
        let report = match &self.history {
            Some(history) => report.with_history(history),
            None => report,
        };
        let forms = &self.telling.forms;
        forms.write(|format| self.rendered(&report, format, Colour::Never))?;
        let colour = Colour::wanted(std::io::stdout().is_terminal());
        say(&self.rendered(&report, forms.format, colour)?)
    }

    fn rendered(&self, report: &Report, format: Format, colour: Colour) -> anyhow::Result<String> {
        match format {
            Format::Text => Ok(text::render(report, colour)),
            Format::Json => json::render(report).context("failed to write JSON"),
            Format::Markdown => Ok(markdown::render(report)),
            Format::Html => Ok(html::render(report, &self.flamegraphs)),
            Format::Junit => Ok(junit::render(report)),
            Format::Bmf => export::bmf(report).context("failed to write JSON"),
            Format::Gha => export::gha(report).context("failed to write JSON"),
        }
    }
}

/// Where the report of a run lies whose samples are in this file.
pub(crate) fn beside(samples: &Path) -> PathBuf {
    samples.with_extension("report.json")
}
