//! JSON for machines, with a schema version.

use serde::Serialize;

use crate::comparison::Outcome;
use crate::history::judged::{CaseHistory, History, Level};
use crate::history::search::LOOK_LEVEL;

/// Changes when a reader of the old form could be misled by the new one.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    outcome: Outcome,
    /// What one look at one series may spend.
    look_level: f64,
    #[serde(flatten)]
    history: &'a History,
}

#[derive(Serialize)]
struct CaseDocument<'a> {
    schema: u32,
    levels: Vec<Level>,
    #[serde(flatten)]
    case: &'a CaseHistory,
}

/// Renders all cases as one JSON object, pretty, with a line feed at the end.
pub fn render(history: &History) -> Result<String, serde_json::Error> {
    pretty(&Document {
        schema: SCHEMA,
        outcome: history.outcome(),
        look_level: LOOK_LEVEL,
        history,
    })
}

/// Renders one case as one JSON object, pretty, with a line feed at the end.
pub fn render_case(case: &CaseHistory) -> Result<String, serde_json::Error> {
    pretty(&CaseDocument {
        schema: SCHEMA,
        levels: case.levels(),
        case,
    })
}

fn pretty(document: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}
