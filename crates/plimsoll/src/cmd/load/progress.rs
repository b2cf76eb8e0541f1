//! How far a run is, on stderr of a terminal; silent elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use loadgen::outcome::Outcome;
use loadgen::run;

/// A bar that is there on a terminal alone; clones are the same bar.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}");
        // A template that does not parse leaves the usual bar.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    pub(crate) fn show(&self, now: &run::Progress) {
        self.bar.set_length(now.planned);
        self.bar.set_position(now.outcomes.total());
        self.bar.set_message(words(now));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn words(now: &run::Progress) -> String {
    let mut parts = vec![
        format!("{:.1}/s", now.rate),
        format!("{} in flight", now.in_flight),
    ];
    let others = now.outcomes.iter();
    let others = others.filter(|(outcome, count)| *outcome != Outcome::Done && *count > 0);
    parts.extend(others.map(|(outcome, count)| format!("{count} {}", outcome.as_str())));
    parts.extend(now.p95.map(|p95| format!("p95 {p95:.1?}")));
    let whole = |left: Duration| Duration::from_secs(left.as_secs());
    parts.extend(now.left.map(|left| format!("{:?} left", whole(left))));
    parts.join(", ")
}
