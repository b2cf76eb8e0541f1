//! Text for a terminal of 80 columns.

use std::fmt::Write as _;

use super::{plot, words};
use crate::comparison::Outcome;
use crate::history::judged::{CaseHistory, History, Standing};
use crate::report::Colour;
use crate::report::paint::{Tone, painted, wrapped};

/// Renders what was found in all cases, ranked; ends with a one-line summary.
pub fn render(history: &History, colour: Colour) -> String {
    let mut text = String::new();
    for case in history.ranked() {
        head(&mut text, case, colour);
        for finding in &case.findings {
            paragraph(&mut text, &words::finding(finding), 4);
        }
    }
    let notes = words::notes(history);
    if !notes.is_empty() && !text.is_empty() {
        text.push('\n');
    }
    for note in notes {
        paragraph(&mut text, &note, 0);
    }
    let outcome = words::outcome(history);
    let outcome = match history.outcome() {
        Outcome::Fine => painted(outcome, Tone::Good, colour),
        Outcome::Regressed => painted(&outcome.to_uppercase(), Tone::Bad, colour),
        Outcome::CouldNotTell => painted(outcome, Tone::Open, colour),
    };
    let gap = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{gap}{outcome}; cases: {}", words::summary(history));
    text
}

/// Renders one case with its plot.
pub fn render_case(case: &CaseHistory, colour: Colour) -> String {
    let mut text = String::new();
    head(&mut text, case, colour);
    let _ = writeln!(text, "  time against the reference, night by night\n");
    for line in plot::lines(case) {
        let _ = writeln!(text, "{line}");
    }
    if !case.findings.is_empty() {
        text.push('\n');
    }
    for (number, finding) in (1..).zip(&case.findings) {
        let line = format!("{}: {}", plot::mark(number), words::finding(finding));
        paragraph(&mut text, &line, 2);
    }
    let notes = words::case_notes(case);
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        paragraph(&mut text, &note, 2);
    }
    text
}

fn head(text: &mut String, case: &CaseHistory, colour: Colour) {
    let tone = match case.standing {
        Standing::Slower { .. } => Tone::Bad,
        Standing::Accepted { .. } | Standing::TooFewNights { .. } => Tone::Open,
        Standing::Faster { .. } => Tone::Good,
        Standing::Steady => Tone::Plain,
    };
    let standing = painted(&words::standing(case.standing), tone, colour);
    let _ = writeln!(text, "{}  {standing}", case.series.case);
    if let Some(reason) = &case.reason {
        paragraph(text, reason, 4);
    }
}

fn paragraph(text: &mut String, words: &str, indent: usize) {
    for line in wrapped(words, plot::WIDTH - indent) {
        let _ = writeln!(text, "{:indent$}{line}", "");
    }
}
