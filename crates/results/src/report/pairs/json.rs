//! JSON for machines, with a schema version.

use serde::Serialize;

use crate::compare::FALSE_ALARM_BUDGET;
use crate::comparison::Outcome;
use crate::pairs::comparison::PairComparison;
use crate::pairs::judge::REPORT_RATE;
use crate::stats::CONFIDENCE;

/// Changes when a reader of the old form could be misled by the new one.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    outcome: Outcome,
    /// Whether nothing of the run may be believed; the rows then say *not judged*.
    is_contaminated: bool,
    false_alarm_budget: f64,
    report_rate: f64,
    confidence: f64,
    #[serde(flatten)]
    comparison: &'a PairComparison,
}

/// Renders a judged run as one JSON object, pretty, with a line feed at the end.
pub fn render(comparison: &PairComparison) -> Result<String, serde_json::Error> {
    let document = Document {
        schema: SCHEMA,
        outcome: comparison.outcome(),
        is_contaminated: comparison.control.is_contaminated(),
        false_alarm_budget: FALSE_ALARM_BUDGET,
        report_rate: REPORT_RATE,
        confidence: CONFIDENCE,
        comparison,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}
