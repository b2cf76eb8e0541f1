//! What a run says, in every form: the [`model`] is what is kept, the others are views of it.

pub mod csv;
pub mod html;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod text;

mod markup;
mod words;

use serde::Serialize;

/// A record of any kind as JSON; `fixtures/schemas/` describes each.
pub fn json<R: Serialize>(record: &R) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("a record is JSON");
    text.push('\n');
    text
}
