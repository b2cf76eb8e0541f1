//! The progress of a check on stderr: a bar with the time left on a terminal, else a line per repetition.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use pairs::interrupt;
use pairs::watch::{Event, Watch};
use results::selfcheck::repetition::Repetition;
use results::selfcheck::slowdowns::Truth;
use results::verdict::Verdict;

use super::plan::Step;

pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn of(n_steps: usize) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:30} {pos}/{len} runs, {elapsed} gone, {eta} left  {wide_msg}",
        );
        let bar = ProgressBar::new(n_steps as u64);
        // A template that does not parse leaves the usual bar.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self {
            bar,
            is_terminal: std::io::stderr().is_terminal(),
        }
    }

    pub(super) fn begin(&self, step: &Step) {
        if self.is_terminal {
            self.bar.set_message(step.words());
        } else {
            let (position, length) = (
                self.bar.position() + 1,
                self.bar.length().unwrap_or_default(),
            );
            eprintln!("{position} of {length}: {}", step.words());
        }
    }

    pub(super) fn end(&self, repetition: &Repetition) {
        self.bar.inc(1);
        let accused: Vec<String> = repetition
            .cases
            .iter()
            .filter(|case| case.verdict == Verdict::Regressed)
            .map(|case| match case.truth {
                Truth::Slower => format!("found {}", case.id),
                Truth::Beside => format!("found beside {}", case.id),
                Truth::Same => format!("FALSE ALARM in {}", case.id),
            })
            .collect();
        if !self.is_terminal {
            let seconds = repetition.took_ms as f64 / 1e3;
            let state = if repetition.is_contaminated {
                ", contaminated"
            } else {
                ""
            };
            let said = if accused.is_empty() {
                "nothing".to_owned()
            } else {
                accused.join(", ")
            };
            eprintln!("  {seconds:.1} s{state}: {said}");
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn note(&self, event: Event<'_>) {
        match event {
            Event::Building { side, .. } => self.bar.suspend(|| eprintln!("building {side}")),
            Event::Cached { side, .. } => {
                self.bar.suspend(|| eprintln!("{side} is built already"));
            }
            Event::Counting { .. }
            | Event::Counted { .. }
            | Event::SameProgram { .. }
            | Event::SameButFiles { .. }
            | Event::Relinking { .. }
            | Event::Planned { .. }
            | Event::Round { .. }
            | Event::RoundDone => {}
        }
    }

    fn stopped(&self) -> bool {
        interrupt::stopped()
    }
}
