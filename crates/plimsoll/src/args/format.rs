//! `--format`, `--report`, `--flamegraph` and `--history`, the same for every command that reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::tell::{Format, TableFormat, Telling};

#[derive(Args)]
pub(super) struct TypedTelling {
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: TypedFormat,
    /// Also write it to a file; may be given several times, such as `--report html=report.html`.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = format_and_file)]
    report: Vec<(TypedFormat, PathBuf)>,
    /// A flamegraph for the HTML page; may be given several times.
    #[arg(long, value_name = "TITLE=FILE", value_parser = title_and_file)]
    flamegraph: Vec<(String, PathBuf)>,
    /// A folder of `plimsoll history record`: how the cases went on earlier nights, for the HTML page and JSON.
    #[arg(long, value_name = "FOLDER")]
    history: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedFormat {
    /// A table for a terminal.
    Text,
    /// All there is; `fixtures/schemas/report.json` is its schema.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One page that needs nothing beside it.
    Html,
    /// A test per case, for GitLab, Jenkins and readers of GitHub.
    Junit,
    /// Bencher's metric format.
    Bmf,
    /// What github-action-benchmark reads as `customSmallerIsBetter`.
    Gha,
}

/// `--format` of a command that says a table and judges nothing.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum TypedTableFormat {
    /// For a terminal.
    Text,
    /// All there is.
    Json,
    /// For a page.
    Markdown,
}

impl TypedTableFormat {
    pub(super) fn format(self) -> TableFormat {
        match self {
            Self::Text => TableFormat::Text,
            Self::Json => TableFormat::Json,
            Self::Markdown => TableFormat::Markdown,
        }
    }
}

impl TypedTelling {
    pub(super) fn into_telling(self) -> Telling {
        let files = self.report.into_iter();
        Telling {
            format: self.format.format(),
            files: files
                .map(|(format, file)| (format.format(), file))
                .collect(),
            flamegraphs: self.flamegraph,
            history: self.history,
        }
    }
}

impl TypedFormat {
    fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
            Self::Html => Format::Html,
            Self::Junit => Format::Junit,
            Self::Bmf => Format::Bmf,
            Self::Gha => Format::Gha,
        }
    }
}

fn format_and_file(text: &str) -> Result<(TypedFormat, PathBuf), String> {
    let (format, file) = parts(text, "html=report.html")?;
    Ok((TypedFormat::from_str(format, false)?, file))
}

fn title_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (title, file) = parts(text, "codec/encode=flamegraph.svg")?;
    Ok((title.to_owned(), file))
}

/// What stands before and after the sign of equality, both of them there.
pub(super) fn parts<'t>(text: &'t str, example: &str) -> Result<(&'t str, PathBuf), String> {
    match text.split_once('=') {
        Some((before, file)) if !before.is_empty() && !file.is_empty() => {
            Ok((before, PathBuf::from(file)))
        }
        _ => Err(format!("write it as {example}")),
    }
}
