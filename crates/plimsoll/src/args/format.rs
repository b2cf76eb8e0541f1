//! `--format`, `--report`, `--flamegraph` and `--history`, the same for every command that reports.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::forms::Forms;
use crate::tell::{Format, TableFormat, Telling};

/// `--format` and `--report`, with the forms of one kind of record.
#[derive(Args)]
pub(super) struct TypedForms<F: ValueEnum + Send + Sync + 'static> {
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    format: F,
    /// Also write it to a file; may be given several times, such as `--report html=page.html`.
    #[arg(long, value_name = "FORMAT=FILE", value_parser = format_and_file::<F>)]
    report: Vec<(F, PathBuf)>,
}

#[derive(Args)]
pub(super) struct TypedTelling<F: ValueEnum + Send + Sync + 'static = TypedFormat> {
    #[command(flatten)]
    forms: TypedForms<F>,
    /// A flamegraph for the HTML page of a comparison; may be given several times.
    #[arg(long, value_name = "TITLE=FILE", value_parser = title_and_file)]
    flamegraph: Vec<(String, PathBuf)>,
    /// A folder of `plimsoll history record`: how the cases went on earlier nights, for the HTML page and JSON.
    #[arg(long, value_name = "FOLDER")]
    history: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum TypedFormat {
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

impl<F: ValueEnum + Send + Sync + 'static> TypedForms<F> {
    pub(super) fn into_forms<G: From<F>>(self) -> Forms<G> {
        let files = self.report.into_iter();
        Forms {
            format: self.format.into(),
            files: files.map(|(format, file)| (format.into(), file)).collect(),
        }
    }
}

impl<F: ValueEnum + Send + Sync + 'static> TypedTelling<F> {
    pub(super) fn into_telling<G: From<F>>(self) -> Telling<G> {
        Telling {
            forms: self.forms.into_forms(),
            flamegraphs: self.flamegraph,
            history: self.history,
        }
    }
}

impl From<TypedFormat> for Format {
    fn from(typed: TypedFormat) -> Self {
        match typed {
            TypedFormat::Text => Self::Text,
            TypedFormat::Json => Self::Json,
            TypedFormat::Markdown => Self::Markdown,
            TypedFormat::Html => Self::Html,
            TypedFormat::Junit => Self::Junit,
            TypedFormat::Bmf => Self::Bmf,
            TypedFormat::Gha => Self::Gha,
        }
    }
}

fn format_and_file<F: ValueEnum>(text: &str) -> Result<(F, PathBuf), String> {
    let (format, file) = parts(text, "html=page.html")?;
    let known = || {
        let names = F::value_variants().iter().filter_map(F::to_possible_value);
        let names: Vec<String> = names.map(|value| value.get_name().to_owned()).collect();
        names.join(", ")
    };
    F::from_str(format, false)
        .map(|format| (format, file))
        .map_err(|_| format!("{format:?} is no form of this; there are: {}", known()))
}

fn title_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (title, file) = parts(text, "codec/encode=flamegraph.svg")?;
    Ok((title.to_owned(), file))
}

/// What stands before and after the sign of equality, both of them there.
fn parts<'t>(text: &'t str, example: &str) -> Result<(&'t str, PathBuf), String> {
    match text.split_once('=') {
        Some((before, file)) if !before.is_empty() && !file.is_empty() => {
            Ok((before, PathBuf::from(file)))
        }
        _ => Err(format!("write it as {example}")),
    }
}
