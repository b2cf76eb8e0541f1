//! JSON for machines, and for our own later use: whoever reads it back can render it in any other form.

use super::model::Report;

/// Renders a report as one JSON object, pretty, with a line feed at the end.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
