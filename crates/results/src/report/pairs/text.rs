//! Text for a terminal of 100 columns.

use std::fmt::Write as _;

use super::words as pair_words;
use crate::comparison::Outcome;
use crate::pairs::comparison::{PairComparison, PairRow};
use crate::report::paint::{self, Tone, tone_of_verdict, wrapped};
use crate::report::text::WIDTH;
use crate::report::{Colour, words};
use crate::verdict::Verdict;

/// Columns of a case's key; a longer one has a line to itself.
const KEY_WIDTH: usize = 36;

/// Renders a judged run; ends with a one-line summary.
pub fn render(comparison: &PairComparison, colour: Colour) -> String {
    let mut page = Page {
        text: String::new(),
        colour,
    };
    page.head(comparison);
    page.cases(comparison);
    page.census(comparison);
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

    fn paragraph(&mut self, text: &str, indent: usize) {
        for part in wrapped(text, WIDTH - indent) {
            self.line(&format!("{:indent$}{part}", ""));
        }
    }

    fn head(&mut self, comparison: &PairComparison) {
        if let Some(contamination) = pair_words::contamination(comparison) {
            let word = self.painted("CONTAMINATED", Tone::Bad);
            self.line(&format!("{word}: this run says nothing."));
            self.paragraph(&contamination, 0);
            self.line("");
        }
        self.paragraph(&pair_words::sides(comparison), 0);
    }

    fn cases(&mut self, comparison: &PairComparison) {
        let mut suite = None;
        let judged = |row: &&PairRow| !pair_words::is_in_census(row);
        for row in comparison.rows.iter().filter(judged) {
            if suite != Some(row.id.suite()) {
                suite = Some(row.id.suite());
                self.line("");
                let cells = ["time [95 %]", "p", "rounds", "floor"];
                let head = columns(row.id.suite(), cells.map(str::to_owned));
                self.line(&format!("{head}verdict"));
            }
            self.case(row);
        }
    }

    fn case(&mut self, row: &PairRow) {
        let mut name = format!("  {}", row.id.key());
        if name.chars().count() > KEY_WIDTH {
            self.line(&name);
            name.clear();
        }
        let dash = || "-".to_owned();
        let wall = row.wall.as_ref();
        let cells = [
            wall.map_or_else(dash, |delta| words::delta(delta.ratio)),
            wall.map_or_else(dash, |delta| pair_words::p_value(delta.p_corrected)),
            row.n_rounds.to_string(),
            wall.map_or_else(dash, |delta| pair_words::share(delta.floor)),
        ];
        let verdict = self.painted(row.verdict.as_str(), tone_of_verdict(row.verdict));
        self.line(&format!("{}{verdict}", columns(&name, cells)));
        self.paragraph(&pair_words::remarks(row).join("; "), 6);
    }

    fn census(&mut self, comparison: &PairComparison) {
        for (verdict, title) in pair_words::CENSUS {
            let rows = comparison.rows.iter();
            let of_verdict: Vec<&PairRow> = rows.filter(|row| row.verdict == verdict).collect();
            if of_verdict.is_empty() {
                continue;
            }
            self.line("");
            self.line(title);
            for row in of_verdict {
                self.line(&format!("  {}", row.id));
                self.paragraph(row.reason.as_deref().unwrap_or_default(), 6);
            }
        }
    }

    fn notes(&mut self, comparison: &PairComparison) {
        let notes = pair_words::notes(comparison);
        if !notes.is_empty() {
            self.line("");
        }
        for note in notes {
            self.paragraph(&note, 0);
        }
        for line in pair_words::counts(comparison) {
            self.paragraph(&line, 0);
        }
    }

    /// The accused once more by name, then one line that counts.
    fn summary(&mut self, comparison: &PairComparison) {
        self.line("");
        let rows = comparison.rows.iter();
        for row in rows.filter(|row| row.verdict == Verdict::Regressed) {
            let accusation = pair_words::accusation(row);
            let word = self.painted("REGRESSED", Tone::Bad);
            self.line(&format!("{word}: {} {accusation}", row.id));
        }
        let word = pair_words::outcome(comparison);
        let word = match comparison.outcome() {
            Outcome::Fine => self.painted(word, Tone::Good),
            Outcome::Regressed => self.painted(&word.to_uppercase(), Tone::Bad),
            Outcome::CouldNotTell => self.painted(word, Tone::Open),
        };
        self.line(&format!(
            "{word}: {}",
            pair_words::cases_summary(comparison)
        ));
    }

    fn painted(&self, word: &str, tone: Tone) -> String {
        paint::painted(word, tone, self.colour)
    }
}

fn columns(name: &str, [time, p, rounds, floor]: [String; 4]) -> String {
    format!("{name:<KEY_WIDTH$} {time:<22} {p:>6} {rounds:>7} {floor:>7}  ")
}
