//! Markdown for a review comment: what needs a look stands open, the rest is folded away.

use std::fmt::Write as _;

use super::words as pair_words;
use crate::pairs::comparison::{PairComparison, PairRow};
use crate::report::markdown::escaped;
use crate::report::words;
use crate::verdict::Verdict;

/// Renders a judged run.
pub fn render(comparison: &PairComparison) -> String {
    let mut text = String::new();
    let outcome = pair_words::outcome(comparison);
    let _ = writeln!(text, "## Plimsoll pairs: {outcome}\n");
    if let Some(contamination) = pair_words::contamination(comparison) {
        let _ = writeln!(text, "> CONTAMINATED: {contamination}\n");
    }
    let sides = pair_words::sides(comparison);
    let summary = pair_words::cases_summary(comparison);
    let _ = writeln!(text, "{sides}.\nCases: {summary}.\n");
    for note in pair_words::notes(comparison) {
        let _ = writeln!(text, "> {note}\n");
    }

    for line in pair_words::counts(comparison) {
        let _ = writeln!(text, "- {}", escaped(&line));
    }
    if comparison.counts.is_some() {
        let _ = writeln!(text);
    }

    let judged = |row: &&PairRow| !pair_words::is_in_census(row);
    let rows = comparison.rows.iter().filter(judged);
    let needs_a_look = |row: &&PairRow| row.verdict != Verdict::Unchanged;
    let (open, folded): (Vec<&PairRow>, Vec<&PairRow>) = rows.partition(needs_a_look);
    if !open.is_empty() {
        cases(&mut text, &open);
    }
    census(&mut text, comparison);
    if !folded.is_empty() {
        let n_folded = folded.len();
        let _ = writeln!(
            text,
            "<details><summary>{n_folded} unchanged cases</summary>\n"
        );
        cases(&mut text, &folded);
        let _ = writeln!(text, "</details>");
    }
    text
}

fn cases(text: &mut String, rows: &[&PairRow]) {
    let _ = writeln!(
        text,
        "| case | time [95 %] | p | rounds | floor | verdict |"
    );
    let _ = writeln!(text, "|---|---:|---:|---:|---:|---|");
    for row in rows {
        let dash = || "-".to_owned();
        let wall = row.wall.as_ref();
        let remarks = pair_words::remarks(row).join("; ");
        let colon = if remarks.is_empty() { "" } else { ": " };
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {}{colon}{} |",
            row.id,
            wall.map_or_else(dash, |delta| words::delta(delta.ratio)),
            wall.map_or_else(dash, |delta| pair_words::p_value(delta.p_corrected)),
            row.n_rounds,
            wall.map_or_else(dash, |delta| pair_words::share(delta.floor)),
            row.verdict,
            escaped(&remarks)
        );
    }
    let _ = writeln!(text);
}

fn census(text: &mut String, comparison: &PairComparison) {
    let rows = comparison.rows.iter();
    let not_judged: Vec<&PairRow> = rows.filter(|row| pair_words::is_in_census(row)).collect();
    if not_judged.is_empty() {
        return;
    }
    let _ = writeln!(text, "| not compared | why |");
    let _ = writeln!(text, "|---|---|");
    for (verdict, title) in pair_words::CENSUS {
        for row in not_judged.iter().filter(|row| row.verdict == verdict) {
            let why = row.reason.as_deref().unwrap_or(title);
            let _ = writeln!(text, "| `{}` | {} |", row.id, escaped(why));
        }
    }
    let _ = writeln!(text);
}
