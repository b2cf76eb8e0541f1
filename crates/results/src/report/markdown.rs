//! Markdown for a review comment: what needs a look stands open, the rest is folded away.

use std::fmt::Write as _;

use super::words;
use crate::comparison::{Comparison, Outcome, Row};
use crate::verdict::Verdict;

/// Renders a comparison.
pub fn render(comparison: &Comparison) -> String {
    let mut text = String::new();
    let head = match comparison.outcome() {
        Outcome::Fine => "fine",
        Outcome::Regressed => "worse",
        Outcome::CouldNotTell => "could not tell all",
    };
    let cases_summary = words::cases_summary(comparison);
    let _ = writeln!(text, "## Plimsoll: {head}\n\nCases: {cases_summary}.");
    if let Some(promises_summary) = words::promises_summary(comparison) {
        let _ = writeln!(text, "Promises: {promises_summary}.");
    }
    let _ = writeln!(text);
    for note in &comparison.notes {
        let _ = writeln!(text, "> {}\n", words::note(note, &comparison.machine));
    }
    for acceptance in comparison.acceptances.in_words() {
        let _ = writeln!(text, "> {}\n", escaped(&acceptance));
    }
    for suite in &comparison.unfinished {
        let _ = writeln!(text, "> FAILED: suite `{suite}` did not come to its end.\n");
    }

    let needs_a_look = |row: &&Row| !matches!(row.verdict, Verdict::Unchanged | Verdict::NotJudged);
    let (open, folded): (Vec<&Row>, Vec<&Row>) =
        comparison.rows.iter().partition(|row| needs_a_look(row));
    if !open.is_empty() {
        cases(&mut text, &open);
    }
    promises(&mut text, comparison);
    if !folded.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>{} other cases</summary>\n",
            folded.len()
        );
        cases(&mut text, &folded);
        let _ = writeln!(text, "</details>");
    }
    text
}

fn cases(text: &mut String, rows: &[&Row]) {
    let _ = writeln!(text, "| case | now | baseline | change [95 %] | verdict |");
    let _ = writeln!(text, "|---|---:|---:|---:|---|");
    for row in rows {
        let shown =
            |value: Option<f64>| value.map_or("-".to_owned(), |v| words::quantity(v, row.unit));
        let delta = row.ratio.map_or("-".to_owned(), words::delta);
        let reason = row
            .reason
            .as_ref()
            .map_or(String::new(), |reason| format!(": {}", escaped(reason)));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {delta} | {}{reason} |",
            row.id,
            shown(row.now),
            shown(row.baseline),
            row.verdict
        );
    }
    let _ = writeln!(text);
}

fn promises(text: &mut String, comparison: &Comparison) {
    if comparison.promises.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "| figure or ratio | value | promise | verdict | what it says |"
    );
    let _ = writeln!(text, "|---|---:|---|---|---|");
    for row in &comparison.promises {
        let _ = writeln!(
            text,
            "| `{}/{}` | {} | {} | {} | {} |",
            row.suite,
            row.name,
            words::promised_value(row),
            words::bound(row.bound),
            row.promise,
            escaped(&row.text)
        );
    }
    let _ = writeln!(text);
}

/// What stands in a cell of a table: one line, without the cell's own border.
pub(super) fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
