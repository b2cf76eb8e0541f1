//! Text for a terminal of 100 columns.

use std::fmt::Write as _;

use super::paint::{self, Tone, tone_of_promise, tone_of_verdict, wrapped};
use super::{Colour, words};
use crate::comparison::{Comparison, Outcome, PromiseRow, Row};
use crate::record::Unit;
use crate::verdict::Verdict;

/// Columns of the whole table.
pub const WIDTH: usize = 100;

/// Columns of a case's key; a longer one has a line to itself.
const KEY_WIDTH: usize = 38;

/// Renders a comparison; ends with a one-line summary.
pub fn render(comparison: &Comparison, colour: Colour) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    page.cases(comparison);
    page.promises(comparison);
    page.not_run(comparison);
    page.notes(comparison);
    page.summary(comparison);
    page.text
}

struct Page {
    text: String,
    colour: Colour,
}

impl Page {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    fn cases(&mut self, comparison: &Comparison) {
        let listed = |row: &&Row| !matches!(row.verdict, Verdict::Missing | Verdict::New);
        let mut rows: Vec<&Row> = comparison.rows.iter().filter(listed).collect();
        rows.sort_by_key(|row| (row.suite(), row.unit == Unit::Instructions, &row.id));
        let mut head = None;
        for row in rows {
            if head != Some((row.suite(), row.unit)) {
                head = Some((row.suite(), row.unit));
                self.suite_head(row);
            }
            self.case(row);
        }
        for (verdict, title) in [
            (Verdict::Missing, "missing: in the baseline, not measured"),
            (Verdict::New, "new: measured, not in the baseline"),
        ] {
            let of_verdict: Vec<&Row> = comparison
                .rows
                .iter()
                .filter(|row| row.verdict == verdict)
                .collect();
            if of_verdict.is_empty() {
                continue;
            }
            self.line("");
            self.line(title);
            for row in of_verdict {
                let value = row.now.or(row.baseline).unwrap_or(0.0);
                let value = words::quantity(value, row.unit);
                self.line(&format!("  {:<62} {value:>14}", row.id));
            }
        }
    }

    fn suite_head(&mut self, row: &Row) {
        let what = match row.unit {
            Unit::Nanoseconds => "time",
            Unit::Instructions => "instructions",
        };
        if !self.text.is_empty() {
            self.line("");
        }
        let line = columns(row.suite(), what, "baseline", "change [95 %]", "verdict");
        self.line(&line);
    }

    fn case(&mut self, row: &Row) {
        let key = row.id.split_once('/').map_or(&*row.id, |parts| parts.1);
        let shown =
            |value: Option<f64>| value.map_or("-".to_owned(), |v| words::quantity(v, row.unit));
        let delta = row.ratio.map_or("-".to_owned(), words::delta);
        let mut name = format!("  {key}");
        if name.chars().count() > KEY_WIDTH {
            self.line(&name);
            name.clear();
        }
        let line = columns(&name, &shown(row.now), &shown(row.baseline), &delta, "");
        let verdict = self.painted(row.verdict.as_str(), tone_of_verdict(row.verdict));
        self.line(&format!("{line}{verdict}"));
        if let Some(reason) = &row.reason {
            for part in wrapped(reason, WIDTH - 6) {
                self.line(&format!("      {part}"));
            }
        }
    }

    fn promises(&mut self, comparison: &Comparison) {
        if comparison.promises.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.line("");
        }
        self.line("figures, and ratios of cases of this run");
        for row in &comparison.promises {
            self.promise(row);
        }
    }

    fn promise(&mut self, row: &PromiseRow) {
        let mut name = format!("  {}/{}", row.suite, row.name);
        let value = words::promised_value(row);
        let bound = words::bound(row.bound);
        if name.chars().count() > KEY_WIDTH {
            self.line(&name);
            name.clear();
        }
        let promise = self.painted(row.promise.as_str(), tone_of_promise(row.promise));
        let line = format!("{name:<KEY_WIDTH$} {value:<32} {bound:<15} {promise}");
        self.line(&line);
        for part in wrapped(&row.text, WIDTH - 6) {
            self.line(&format!("      {part}"));
        }
    }

    fn not_run(&mut self, comparison: &Comparison) {
        if comparison.not_run.is_empty() {
            return;
        }
        self.line("");
        let n_cases = comparison.not_run.len();
        self.line(&format!(
            "not run this time: {n_cases} other cases of these suites"
        ));
    }

    fn notes(&mut self, comparison: &Comparison) {
        let notes: Vec<String> = comparison
            .notes
            .iter()
            .map(|note| words::note(note, &comparison.machine))
            .chain(comparison.acceptances.in_words())
            .collect();
        if !notes.is_empty() || !comparison.unfinished.is_empty() {
            self.line("");
        }
        for note in notes {
            for part in wrapped(&note, WIDTH) {
                self.line(&part);
            }
        }
        for suite in &comparison.unfinished {
            let word = self.painted("FAILED", Tone::Bad);
            self.line(&format!(
                "{word}: suite {suite} did not come to its end; its rows are incomplete"
            ));
        }
    }

    /// The accused once more by name, then one line that counts.
    fn summary(&mut self, comparison: &Comparison) {
        self.line("");
        let accused = comparison
            .rows
            .iter()
            .filter(|row| row.verdict == Verdict::Regressed);
        for row in accused {
            let delta = row.ratio.map_or(String::new(), words::delta);
            let word = self.painted("REGRESSED", Tone::Bad);
            self.line(&format!("{word}: {} {delta}", row.id));
        }
        let word = match comparison.outcome() {
            Outcome::Fine => self.painted("fine", Tone::Good),
            Outcome::Regressed if comparison.count_of(Verdict::Regressed) == 0 => {
                self.painted("PROMISES MISSED", Tone::Bad)
            }
            Outcome::Regressed => self.painted("WORSE", Tone::Bad),
            Outcome::CouldNotTell => self.painted("could not tell all", Tone::Open),
        };
        if let Some(promises) = words::promises_summary(comparison) {
            self.line(&format!("promises: {promises}"));
        }
        let cases = words::cases_summary(comparison);
        self.line(&format!("{word}: {cases}"));
    }

    fn painted(&self, word: &str, tone: Tone) -> String {
        paint::painted(word, tone, self.colour)
    }
}

fn columns(name: &str, now: &str, baseline: &str, delta: &str, verdict: &str) -> String {
    format!("{name:<KEY_WIDTH$} {now:>12} {baseline:>12}  {delta:<21} {verdict}")
}
