//! JSON for machines, with a schema version.

use serde::Serialize;

use crate::compare::{FALSE_ALARM_BUDGET, MIN_FAMILY};
use crate::comparison::{Comparison, Outcome};

/// Changes when a reader of the old form could be misled by the new one.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    outcome: Outcome,
    /// How many cases were judged at all; a reader must not take an empty list for a success.
    judged_something: bool,
    false_alarm_budget: f64,
    min_family: usize,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Renders a comparison as one JSON object, pretty, with a line feed at the end.
pub fn render(comparison: &Comparison) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: SCHEMA,
        outcome: comparison.outcome(),
        judged_something: comparison.judged_something(),
        false_alarm_budget: FALSE_ALARM_BUDGET,
        min_family: MIN_FAMILY,
        comparison,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}
