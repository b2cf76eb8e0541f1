//! Text for a terminal of 100 columns.

use super::model::{About, Case, Kind, Note, Reason, Report};
use super::paint::{Page, Tone, tone_of_promise, tone_of_verdict};
use super::{Colour, table, words};
use crate::comparison::{Outcome, PromiseRow};
use crate::verdict::Verdict;

/// Columns of the whole table.
pub const WIDTH: usize = 100;

/// Columns of a case's key; a longer one has a line to itself.
const KEY_WIDTH: usize = 36;

/// Columns before a remark about the line above.
const INDENT: usize = 6;

/// Renders a report; ends with a one-line summary.
pub fn render(report: &Report, colour: Colour) -> String {
    let mut page = Page::new(colour);
    head(&mut page, report);
    causes(&mut page, report);
    cases(&mut page, report);
    census(&mut page, report);
    promises(&mut page, report);
    notes(&mut page, report);
    summary(&mut page, report);
    page.text
}

fn head(page: &mut Page, report: &Report) {
    for note in &report.notes {
        if note.about == About::Contaminated {
            let word = page.painted("CONTAMINATED", Tone::Bad);
            page.line(&format!("{word}: this run says nothing."));
            page.paragraph(&note.text, 0);
            page.gap();
        }
    }
    if report.sides.is_some() {
        page.paragraph(&words::sides(report), 0);
    }
}

fn causes(page: &mut Page, report: &Report) {
    for cause in &report.causes {
        page.gap();
        page.paragraph(&words::cause(cause), 0);
        for case in &cause.cases {
            page.line(&format!("  {case}"));
        }
    }
}

fn cases(page: &mut Page, report: &Report) {
    // A note has those of the same program, in one line.
    let has_row = |case: &&Case| !case.reasons.contains(&Reason::SameProgram);
    let mut shown: Vec<&Case> = report.shown().filter(has_row).collect();
    shown.sort_by_key(|case| (case.suite(), case.unit, &case.id));
    let mut head = None;
    for case in shown {
        if head != Some((case.suite(), case.unit)) {
            head = Some((case.suite(), case.unit));
            page.gap();
            let heads = table::heads(report.kind, case.unit);
            let line = columns(report.kind, case.suite(), &heads);
            page.line(&format!("{line}verdict"));
        }
        self::case(page, case, report.kind);
    }
}

fn case(page: &mut Page, case: &Case, kind: Kind) {
    let mut name = format!("  {}", case.key());
    if name.chars().count() > KEY_WIDTH {
        page.line(&name);
        name.clear();
    }
    let line = columns(kind, &name, &table::cells(case, kind));
    let verdict = page.painted(case.verdict.as_str(), tone_of_verdict(case.verdict));
    page.line(&format!("{line}{verdict}"));
    page.paragraph(&case.remarks.join("; "), INDENT);
}

/// Cells in their columns; times and counts to the right, intervals to the left.
fn columns(kind: Kind, name: &str, cells: &[impl AsRef<str>]) -> String {
    let mut line = format!("{name:<KEY_WIDTH$}");
    let widths: &[(usize, bool)] = match kind {
        Kind::Baselines => &[(13, true), (12, true), (22, false)],
        Kind::Pairs => &[(22, false), (6, true), (7, true), (7, true)],
    };
    for (cell, (width, is_right)) in cells.iter().zip(widths) {
        let cell = cell.as_ref();
        line.push_str(&if *is_right {
            format!(" {cell:>width$}")
        } else {
            format!(" {cell:<width$}")
        });
    }
    line.push_str("  ");
    line
}

/// What has no row above, and why.
fn census(page: &mut Page, report: &Report) {
    for (verdict, title) in words::census_titles(report.kind) {
        let is_listed = |case: &&Case| case.verdict == verdict;
        let listed: Vec<&Case> = report.left_out().filter(is_listed).collect();
        if listed.is_empty() {
            continue;
        }
        page.gap();
        page.line(title);
        for case in listed {
            let value = case.now.or(case.before);
            let value = value.map_or_else(String::new, |value| words::quantity(value, case.unit));
            page.line(&format!("  {:<62} {value:>14}", case.id));
            page.paragraph(case.remarks.first().map_or("", |remark| remark), INDENT);
        }
    }
    let n_not_run = report.n_not_run();
    if n_not_run > 0 {
        page.gap();
        page.line(&format!(
            "not run this time: {n_not_run} other cases of these suites"
        ));
    }
}

fn promises(page: &mut Page, report: &Report) {
    if report.promises.is_empty() {
        return;
    }
    page.gap();
    page.line("figures, and ratios of cases of this run");
    for row in &report.promises {
        promise(page, row);
    }
}

fn promise(page: &mut Page, row: &PromiseRow) {
    let mut name = format!("  {}/{}", row.suite, row.name);
    let value = words::promised_value(row);
    let bound = words::bound(row.bound);
    if name.chars().count() > KEY_WIDTH {
        page.line(&name);
        name.clear();
    }
    let promise = page.painted(row.promise.as_str(), tone_of_promise(row.promise));
    page.line(&format!(
        "{name:<KEY_WIDTH$} {value:<32} {bound:<15} {promise}"
    ));
    page.paragraph(&row.text, INDENT);
}

fn notes(page: &mut Page, report: &Report) {
    let is_below = |note: &&Note| note.about != About::Contaminated;
    let mut notes = report.notes.iter().filter(is_below).peekable();
    if notes.peek().is_some() {
        page.gap();
    }
    for note in notes {
        if note.about == About::Unfinished {
            let word = page.painted("FAILED", Tone::Bad);
            page.line(&format!("{word}: {}", note.text));
        } else {
            page.paragraph(&note.text, 0);
        }
    }
}

/// The accused once more by name, then one line that counts.
fn summary(page: &mut Page, report: &Report) {
    page.gap();
    let is_accused = |case: &&Case| case.verdict == Verdict::Regressed;
    for case in report.cases.iter().filter(is_accused) {
        let word = page.painted("REGRESSED", Tone::Bad);
        page.line(&format!("{word}: {} {}", case.id, words::accusation(case)));
    }
    if let Some(promises) = words::promises_summary(report) {
        page.line(&format!("promises: {promises}"));
    }
    let word = words::outcome(report);
    let word = match report.outcome {
        Outcome::Fine => page.painted(word, Tone::Good),
        Outcome::Regressed => page.painted(&word.to_uppercase(), Tone::Bad),
        Outcome::CouldNotTell => page.painted(word, Tone::Open),
    };
    page.line(&format!("{word}: {}", words::cases_summary(report)));
}
