//! JSON for machines, and for our own later use: it is read back, and rendered in any other form.

use std::path::Path;

use serde::Deserialize;

use super::model::{Report, SCHEMA};
use crate::error::Error;
use crate::files;

const MEND: &str =
    "name a report that `--format json` printed or `plimsoll ab` kept, of this version";

/// Renders a report as one JSON object, pretty, with a line feed at the end.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// Reads what [`render`] wrote, strictly: an unknown field is an error.
pub fn read(path: &Path) -> Result<Report, Error> {
    let text = files::read(path)?;
    let reason = match files::parse_json::<Versioned>(path, &text, MEND)?.schema {
        Some(SCHEMA) => return files::parse_json(path, &text, MEND),
        Some(schema) => format!("schema is {schema}, this build reads {SCHEMA}"),
        None => "it is no report".to_owned(),
    };
    Err(Error::malformed(path, reason, MEND))
}

/// Before the rest is parsed: a newer file's unknown field would otherwise hide the reason.
#[derive(Deserialize)]
struct Versioned {
    schema: Option<u32>,
}
