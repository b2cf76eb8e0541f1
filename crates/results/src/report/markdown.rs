//! Markdown for a review comment: verdicts first, what needs no look folded away, never too long to be posted.

use super::model::{About, Case, Report};
use super::{method, table, words};
use crate::comparison::PromiseRow;
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

/// Bytes of the whole text. GitHub takes 65,536 characters in a comment, and refuses a longer one as a whole.
pub const MOST_BYTES: usize = 65_000;

/// Bytes kept for what follows the last row that fits: ends of folds, and the sentence about what is cut.
const RESERVE: usize = 1_000;

/// Characters of one cell: a panic may say as much as it likes.
const MOST_CHARS: usize = 400;

/// Renders a report.
pub fn render(report: &Report) -> String {
    let mut page = Page::default();
    head(&mut page, report);
    causes(&mut page, report);

    let needs_a_look =
        |case: &&Case| !matches!(case.verdict, Verdict::Unchanged | Verdict::NotJudged);
    let (mut open, quiet): (Vec<&Case>, Vec<&Case>) = report.shown().partition(needs_a_look);
    open.sort_by_key(|case| table::rank(case.verdict));
    cases(&mut page, report, &open);
    let is_open =
        |row: &&PromiseRow| matches!(row.promise, Promise::Missed | Promise::Inconclusive);
    let (open, kept): (Vec<&PromiseRow>, Vec<&PromiseRow>) =
        report.promises.iter().partition(is_open);
    promises(&mut page, &open);

    page.folded("Not judged, and why", report.not_judged.len(), |page| {
        let rows = report.not_judged.iter();
        let rows = rows.map(|entry| vec![code(&entry.name), cell(&entry.why)]);
        page.table(&["what", "why"], rows);
    });
    page.folded("Quiet cases", quiet.len(), |page| {
        cases(page, report, &quiet);
    });
    page.folded("Promises kept, and figures", kept.len(), |page| {
        promises(page, &kept);
    });
    let method = method::rows(report);
    page.folded("How it was judged, and where", method.len(), |page| {
        for (what, how) in &method {
            page.line(&format!("- {what}: {}", cell(how)));
        }
        page.line("");
    });
    page.end()
}

fn head(page: &mut Page, report: &Report) {
    page.line(&format!(
        "## {}: {}\n",
        words::title(report),
        words::outcome(report)
    ));
    for note in &report.notes {
        if note.about == About::Contaminated {
            page.line(&format!("> CONTAMINATED: {}\n", cell(&note.text)));
        }
    }
    let summary = words::cases_summary(report);
    page.line(&format!(
        "**{summary}**: {}.\n",
        cell(&words::sides(report))
    ));
    if let Some(promises) = words::promises_summary(report) {
        page.line(&format!("Promises: {promises}.\n"));
    }
    for note in &report.notes {
        let text = cell(&note.text);
        match note.about {
            About::Contaminated => {}
            About::Unfinished => page.line(&format!("> FAILED: {text}\n")),
            _ => page.line(&format!("> {text}\n")),
        }
    }
}

fn causes(page: &mut Page, report: &Report) {
    for cause in &report.causes {
        let cases: Vec<String> = cause.cases.iter().map(|case| code(case)).collect();
        page.line(&format!(
            "- {}: {}",
            cell(&words::cause(cause)),
            cases.join(", ")
        ));
    }
    if !report.causes.is_empty() {
        page.line("");
    }
}

fn cases(page: &mut Page, report: &Report, cases: &[&Case]) {
    for unit in Unit::ALL {
        let of_unit = cases.iter().filter(|case| case.unit == unit);
        let rows = of_unit.map(|case| {
            let mut verdict = vec![case.verdict.to_string()];
            verdict.extend(case.remarks.iter().map(|remark| cell(remark)));
            let mut row = vec![code(&case.id)];
            row.extend(table::cells(case, report.kind));
            row.push(verdict.join("; "));
            row
        });
        let mut heads = vec!["case"];
        heads.extend(table::heads(report.kind, unit));
        heads.push("verdict");
        page.table(&heads, rows);
    }
}

fn promises(page: &mut Page, promises: &[&PromiseRow]) {
    let rows = promises.iter().map(|row| {
        vec![
            code(&format!("{}/{}", row.suite, row.name)),
            cell(&words::promised_value(row)),
            words::bound(row.bound),
            row.promise.to_string(),
            cell(&row.text),
        ]
    });
    let heads = [
        "figure or ratio",
        "value",
        "promise",
        "verdict",
        "what it says",
    ];
    page.table(&heads, rows);
}

/// A text that does not outgrow its place.
#[derive(Default)]
struct Page {
    text: String,
    n_cut: usize,
}

impl Page {
    /// Adds a line if there is room for it, and counts it as cut if there is not.
    fn line(&mut self, line: &str) {
        if self.has_room(line.len()) {
            self.text.push_str(line);
            self.text.push('\n');
        } else {
            self.n_cut += 1;
        }
    }

    fn has_room(&self, n_bytes: usize) -> bool {
        self.text.len() + n_bytes < MOST_BYTES - RESERVE
    }

    /// A table, or nothing if it has no rows; what is no name, no word and no sentence stands to the right.
    fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        let is_words = |head: &&str| {
            let words = [
                "case",
                "verdict",
                "what",
                "why",
                "promise",
                "what it says",
                "figure or ratio",
            ];
            words.contains(head)
        };
        let rules = heads
            .iter()
            .map(|head| if is_words(head) { "---" } else { "---:" });
        let rules: Vec<&str> = rules.collect();
        self.line(&format!(
            "| {} |\n| {} |",
            heads.join(" | "),
            rules.join(" | ")
        ));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        self.line("");
    }

    /// A part that opens on demand, or nothing if it has nothing to say.
    fn folded(&mut self, title: &str, n_entries: usize, inside: impl FnOnce(&mut Self)) {
        if n_entries == 0 {
            return;
        }
        // Its end must fit once its beginning does.
        let begins = format!("<details><summary>{title}: {n_entries}</summary>\n");
        if self.has_room(begins.len()) {
            self.line(&begins);
            inside(self);
            self.text.push_str("\n</details>\n\n");
        } else {
            self.n_cut += n_entries;
        }
    }

    fn end(mut self) -> String {
        if self.n_cut > 0 {
            self.text.push_str(&format!(
                "\n{} lines are cut, because a comment holds no more; the other formats have all of them.\n",
                self.n_cut
            ));
        }
        self.text
    }
}

/// A name in a code span, which nothing in the name can end.
fn code(name: &str) -> String {
    format!("`{}`", one_line(name).replace('`', "'").replace('|', "\\|"))
}

/// What stands in a cell of a table: one line of plain words, without the cell's own border, links or mentions.
pub(super) fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for letter in one_line(text).chars() {
        match letter {
            '|' | '*' | '`' | '[' | ']' | '\\' | '~' => escaped.extend(['\\', letter]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // A word joiner behind it: nobody is called.
            '@' => escaped.push_str("@\u{2060}"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
