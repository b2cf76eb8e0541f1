//! `plimsoll report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::format::TypedTelling;
use crate::cmd::report::{Form, ReportSettings};

#[derive(Args)]
pub(super) struct TypedReport {
    /// What `ab`, `compare`, `load`, `capacity` or `soak` wrote with `--format json` or `--report json=FILE`; what the
    /// last `ab` of this workspace kept unless given.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    telling: TypedTelling<TypedForm>,
}

/// The forms of all kinds of report.
#[derive(Clone, Copy, ValueEnum)]
enum TypedForm {
    /// A table for a terminal.
    Text,
    /// All there is; `fixtures/schemas/` has its schemas.
    Json,
    /// For a comment on a pull request: a comparison, a load run, a soak.
    Markdown,
    /// One page that needs nothing beside it.
    Html,
    /// A test per case, promise or thing watched: a comparison, a load run, a soak.
    Junit,
    /// Locust's columns: a load run.
    Csv,
    /// Bencher's metric format: a comparison.
    Bmf,
    /// What github-action-benchmark reads as `customSmallerIsBetter`: a comparison.
    Gha,
}

impl TypedReport {
    pub(super) fn into_settings(self) -> ReportSettings {
        ReportSettings {
            file: self.file,
            telling: self.telling.into_telling(),
        }
    }
}

impl From<TypedForm> for Form {
    fn from(typed: TypedForm) -> Self {
        match typed {
            TypedForm::Text => Self::Text,
            TypedForm::Json => Self::Json,
            TypedForm::Markdown => Self::Markdown,
            TypedForm::Html => Self::Html,
            TypedForm::Junit => Self::Junit,
            TypedForm::Csv => Self::Csv,
            TypedForm::Bmf => Self::Bmf,
            TypedForm::Gha => Self::Gha,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::args::{Command, tests::command};
    use crate::cmd::report::Form;

    #[test]
    fn several_forms_may_be_asked_for_at_once() {
        let line = "report run.json --format markdown --report html=a=b.html --report csv=load.csv";
        let Command::Report(settings) = command(line) else {
            panic!("another command");
        };
        assert_eq!(settings.file.expect("given"), Path::new("run.json"));
        let forms = settings.telling.forms;
        assert_eq!(forms.format, Form::Markdown);
        assert_eq!(forms.files[0], (Form::Html, "a=b.html".into()));
        assert_eq!(forms.files[1], (Form::Csv, "load.csv".into()));
    }
}
