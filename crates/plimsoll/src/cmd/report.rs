//! `plimsoll report`: what an earlier command found, in another form, without measuring again.

use std::path::PathBuf;

use results::report::json;

use crate::exit::Exit;
use crate::tell::{Telling, beside};
use crate::workspace::Workspace;

/// Which report, and in which forms.
#[derive(Debug)]
pub(crate) struct ReportSettings {
    /// Unset means what the last `ab` of the workspace kept.
    pub(crate) file: Option<PathBuf>,
    pub(crate) telling: Telling,
}

pub(crate) fn run(settings: &ReportSettings) -> anyhow::Result<Exit> {
    let file = match &settings.file {
        Some(file) => file.clone(),
        None => beside(&Workspace::here()?.last_ab()),
    };
    let teller = settings.telling.read()?;
    let report = json::read(&file)?;
    let exit = report.outcome.into();
    teller.tell(report)?;
    Ok(exit)
}
