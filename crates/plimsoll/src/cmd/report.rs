//! `plimsoll report`: what an earlier command found, in another form, without measuring again.

mod kept;

use std::path::{Path, PathBuf};

use anyhow::bail;

use self::kept::Kept;
use super::{capacity, load, soak};
use crate::exit::Exit;
use crate::forms::Forms;
use crate::tell::{self, Telling, beside};
use crate::workspace::Workspace;

/// Which report, and in which forms.
#[derive(Debug)]
pub(crate) struct ReportSettings {
    /// Unset means what the last `ab` of the workspace kept.
    pub(crate) file: Option<PathBuf>,
    pub(crate) telling: Telling<Form>,
}

/// The forms of all kinds of report; none has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
    Markdown,
    Html,
    Junit,
    Csv,
    Bmf,
    Gha,
}

pub(crate) fn run(settings: &ReportSettings) -> anyhow::Result<Exit> {
    let file = match &settings.file {
        Some(file) => file.clone(),
        None => beside(&Workspace::here()?.last_ab()),
    };
    let telling = &settings.telling;
    match kept::read(&file)? {
        Kept::Comparison(report) => {
            let telling = Telling {
                forms: forms(telling, &file, "a comparison", Form::of_comparison)?,
                flamegraphs: telling.flamegraphs.clone(),
                history: telling.history.clone(),
            };
            let exit = report.outcome.into();
            telling.read()?.tell(*report)?;
            Ok(exit)
        }
        Kept::Load(record) => {
            let what = "a load run";
            refuse_company(telling, &file, what)?;
            forms(telling, &file, what, Form::of_load)?.tell_load(&record)
        }
        Kept::Capacity(record) => {
            let what = "a capacity search";
            refuse_company(telling, &file, what)?;
            forms(telling, &file, what, Form::of_capacity)?.tell_record(&record)
        }
        Kept::Soak(record) => {
            let what = "a soak";
            refuse_company(telling, &file, what)?;
            forms(telling, &file, what, Form::of_soak)?.tell_soak(&record)
        }
    }
}

/// The forms as those of one kind of report, if it has them all.
fn forms<F>(
    telling: &Telling<Form>,
    file: &Path,
    what: &str,
    of: fn(Form) -> Option<F>,
) -> anyhow::Result<Forms<F>> {
    telling.forms.try_map(|form| {
        let Some(found) = of(form) else {
            let has = Form::ALL.into_iter().filter(|form| of(*form).is_some());
            let has: Vec<&str> = has.map(Form::name).collect();
            bail!(
                "{} holds {what}, which has no form {}; take one of {}",
                file.display(),
                form.name(),
                has.join(", ")
            );
        };
        Ok(found)
    })
}

/// Only the cases of a comparison have flamegraphs and earlier nights.
fn refuse_company(telling: &Telling<Form>, file: &Path, what: &str) -> anyhow::Result<()> {
    let given = [
        ("--flamegraph", !telling.flamegraphs.is_empty()),
        ("--history", telling.history.is_some()),
    ];
    for (option, is_given) in given {
        if is_given {
            bail!(
                "{} holds {what}, which has no place for {option}; leave it out, or name a report of `plimsoll ab` or `compare`",
                file.display()
            );
        }
    }
    Ok(())
}

impl Form {
    const ALL: [Self; 8] = [
        Self::Text,
        Self::Json,
        Self::Markdown,
        Self::Html,
        Self::Junit,
        Self::Csv,
        Self::Bmf,
        Self::Gha,
    ];

    /// As it is typed.
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Csv => "csv",
            Self::Bmf => "bmf",
            Self::Gha => "gha",
        }
    }

    fn of_comparison(self) -> Option<tell::Format> {
        Some(match self {
            Self::Text => tell::Format::Text,
            Self::Json => tell::Format::Json,
            Self::Markdown => tell::Format::Markdown,
            Self::Html => tell::Format::Html,
            Self::Junit => tell::Format::Junit,
            Self::Bmf => tell::Format::Bmf,
            Self::Gha => tell::Format::Gha,
            Self::Csv => return None,
        })
    }

    fn of_load(self) -> Option<load::telling::Format> {
        use load::telling::Format;
        Some(match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
            Self::Html => Format::Html,
            Self::Junit => Format::Junit,
            Self::Csv => Format::Csv,
            Self::Bmf | Self::Gha => return None,
        })
    }

    fn of_capacity(self) -> Option<capacity::Format> {
        Some(match self {
            Self::Text => capacity::Format::Text,
            Self::Json => capacity::Format::Json,
            Self::Html => capacity::Format::Html,
            Self::Markdown | Self::Junit | Self::Csv | Self::Bmf | Self::Gha => return None,
        })
    }
    fn of_soak(self) -> Option<soak::Format> {
        Some(match self {
            Self::Text => soak::Format::Text,
            Self::Json => soak::Format::Json,
            Self::Markdown => soak::Format::Markdown,
            Self::Html => soak::Format::Html,
            Self::Junit => soak::Format::Junit,
            Self::Csv | Self::Bmf | Self::Gha => return None,
        })
    }
}
