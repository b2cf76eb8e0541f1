//! Markdown for a review comment or a page.

use std::fmt::Write as _;

use super::{plot, words};
use crate::history::judged::{CaseHistory, History};
use crate::report::markdown::cell;

/// Renders what was found in all cases, ranked.
pub fn render(history: &History) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## Plimsoll history: {}\n", words::outcome(history));
    let _ = writeln!(text, "Cases: {}.\n", words::summary(history));
    for note in words::notes(history) {
        let _ = writeln!(text, "> {}\n", cell(&note));
    }
    let ranked = history.ranked();
    if ranked.is_empty() {
        return text;
    }
    let _ = writeln!(text, "| case | stands | what was found |\n|---|---|---|");
    for case in ranked {
        let findings: Vec<String> = case.findings.iter().map(words::finding).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            case.series.case,
            stands(case),
            cell(&findings.join("; "))
        );
    }
    text
}

/// Renders one case with its plot.
pub fn render_case(case: &CaseHistory) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "## `{}`: {}\n", case.series.case, stands(case));
    let _ = writeln!(text, "```text");
    for line in plot::lines(case) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "```\n");
    for (number, finding) in (1..).zip(&case.findings) {
        let _ = writeln!(
            text,
            "- {}: {}",
            plot::mark(number),
            words::finding(finding)
        );
    }
    for note in words::case_notes(case) {
        let _ = writeln!(text, "- {}", cell(&note));
    }
    text
}

fn stands(case: &CaseHistory) -> String {
    let reason = case.reason.iter().map(|reason| cell(reason));
    let standing = std::iter::once(words::standing(case.standing));
    standing.chain(reason).collect::<Vec<_>>().join("; ")
}
