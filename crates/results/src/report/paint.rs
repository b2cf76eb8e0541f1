//! Colours and line breaks of texts for a terminal.

use super::Colour;
use super::text::WIDTH;
use crate::verdict::{Promise, Verdict};

/// What a word's colour says.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Bad,
    Good,
    Open,
    Plain,
}

pub(super) fn tone_of_verdict(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Regressed => Tone::Bad,
        Verdict::Improved => Tone::Good,
        Verdict::Accepted | Verdict::Inconclusive | Verdict::Missing => Tone::Open,
        Verdict::Unchanged | Verdict::New | Verdict::NotJudged => Tone::Plain,
    }
}

pub(super) fn tone_of_promise(promise: Promise) -> Tone {
    match promise {
        Promise::Missed => Tone::Bad,
        Promise::Met => Tone::Good,
        Promise::Inconclusive => Tone::Open,
        Promise::Stated => Tone::Plain,
    }
}

pub(super) fn painted(word: &str, tone: Tone, colour: Colour) -> String {
    let code = match (colour, tone) {
        (Colour::Never, _) | (_, Tone::Plain) => return word.to_owned(),
        (Colour::Always, Tone::Bad) => "1;31",
        (Colour::Always, Tone::Good) => "32",
        (Colour::Always, Tone::Open) => "33",
    };
    format!("\u{1b}[{code}m{word}\u{1b}[0m")
}

/// Breaks a sentence at spaces; a longer word stays whole.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Lines for a terminal as they grow.
pub(super) struct Page {
    pub(super) text: String,
    colour: Colour,
}

impl Page {
    pub(super) fn new(colour: Colour) -> Self {
        Self {
            text: String::new(),
            colour,
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// An empty line, but not before everything else.
    pub(super) fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A text with line breaks, each line after so many spaces; nothing for an empty text.
    pub(super) fn paragraph(&mut self, text: &str, indent: usize) {
        for part in wrapped(text, WIDTH - indent) {
            self.line(&format!("{:indent$}{part}", ""));
        }
    }

    pub(super) fn painted(&self, word: &str, tone: Tone) -> String {
        painted(word, tone, self.colour)
    }
}
