//! What a run says, in every form: the [`model`] is what is kept, the others are views of it.

pub mod csv;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod text;

mod words;

use std::path::Path;

use serde::Serialize;

/// A record of any kind as JSON; `fixtures/schemas/` describes each.
pub fn json<R: Serialize>(record: &R) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("a record is JSON");
    text.push('\n');
    text
}

/// Writes text to a file, whole or not at all.
///
/// # Errors
/// If the folder is not there, is not ours, or the disk is full; what was there before stays.
pub fn write(path: &Path, text: &str) -> Result<(), results::error::Error> {
    results::report::write(path, text)
}
