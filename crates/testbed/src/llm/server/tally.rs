//! The ledger as others read it: values, JSON and Prometheus' text.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    histogram::Histogram,
    ledger::{Ending, Times},
};

/// What a stub has done since it started, or since its counts were cleared.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Requests for completions.
    pub calls: u64,
    /// Of these, the ones that got their whole answer: neither struck by a fault nor refused.
    pub answered: u64,
    /// Whose callers went away before the end.
    pub abandoned: u64,
    /// For which requests or tokens per minute were used up.
    pub denied_by_rate: u64,
    /// For which neither slot nor place in the queue was free.
    pub denied_by_cap: u64,
    /// Whose body or key was wrong.
    pub refused: u64,
    /// Which faults struck, and how often.
    pub faults: BTreeMap<&'static str, u64>,
    /// Executions that are told apart right now.
    pub executions: usize,
    /// Executions that were answered more than once.
    pub duplicated: u64,
    /// Executions that fell out of the window; a duplicate of one of these is not noticed.
    pub forgotten: u64,
    /// Tokens of requests that were answered.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Calls that wait for a slot right now.
    pub waiting: usize,
    /// Open connections.
    pub connections: usize,
    /// CPU time of the stub's threads, in microseconds.
    pub busy_us: u64,
    /// Time that calls waited for a slot.
    pub waits: Histogram,
    /// How much later first tokens came than they were due: the stub's own error, and what stalls did.
    pub lateness: Histogram,
}

/// How often one execution was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Execution {
    /// `key <idempotency key>`, `<namespace>/<name>#<target> turn <k>`, or `text <hash>`.
    pub name: String,
    /// Requests.
    pub calls: u32,
    /// Of these, the ones that got their whole answer.
    pub answered: u32,
}

/// What is known of one of the last requests; times in microseconds from the start of the stub on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recent {
    /// The name of its execution.
    pub execution: Arc<str>,
    /// `answered`, `abandoned`, `denied_by_rate`, `denied_by_cap`, `refused`, or the name of a fault.
    pub ending: &'static str,
    /// When its body was there.
    pub arrived_us: u64,
    /// How long it waited for a slot.
    pub waited_us: u64,
    /// The time to its first token that was drawn.
    pub drawn_us: u64,
    /// When its first token was handed to the connection; 0 if it never was.
    pub first_us: u64,
    /// When its last byte was handed to the connection, or it ended otherwise.
    pub ended_us: u64,
}

impl Execution {
    /// The Query that it is of, as `<namespace>/<name>`; `None` if it is known by a key or its text alone.
    pub fn query(&self) -> Option<&str> {
        let (query, _) = self.name.rsplit_once(" turn ")?;
        let (query, _target) = query.rsplit_once('#').unwrap_or((query, ""));
        query.contains('/').then_some(query)
    }
}

impl Recent {
    pub(crate) fn of(execution: &Arc<str>, times: Times, now: Duration, ending: Ending) -> Self {
        Self {
            execution: execution.clone(),
            ending: match ending {
                Ending::Answered { .. } => "answered",
                Ending::Struck(fault) => fault.name(),
                Ending::DeniedByRate => "denied_by_rate",
                Ending::DeniedByCap => "denied_by_cap",
                Ending::Refused => "refused",
                Ending::Abandoned => "abandoned",
            },
            arrived_us: micros(times.arrived),
            waited_us: micros(times.waited),
            drawn_us: micros(times.drawn),
            first_us: micros(times.first),
            ended_us: micros(now),
        }
    }
}

impl Tally {
    /// In Prometheus' text format.
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of CPU time stay below what a float holds"
    )]
    pub fn to_prometheus(&self) -> String {
        let mut page = Page::default();
        page.one(
            "calls_total",
            "counter",
            "Requests for completions.",
            self.calls,
        );
        let outcomes = [
            ("answered", self.answered),
            ("abandoned", self.abandoned),
            ("denied_by_rate", self.denied_by_rate),
            ("denied_by_cap", self.denied_by_cap),
            ("refused", self.refused),
        ];
        page.by(
            "outcomes_total",
            "outcome",
            "Ends of requests, but for faults.",
            outcomes,
        );
        let faults = self.faults.iter().map(|(fault, count)| (*fault, *count));
        page.by(
            "faults_total",
            "fault",
            "Requests that a fault struck.",
            faults,
        );
        let tokens = [
            ("prompt", self.prompt_tokens),
            ("completion", self.completion_tokens),
        ];
        page.by(
            "tokens_total",
            "kind",
            "Tokens of answered requests.",
            tokens,
        );
        let text = "Executions that were answered more than once.";
        page.one("duplicated_total", "counter", text, self.duplicated);
        let text = "Executions that fell out of the window.";
        page.one("forgotten_total", "counter", text, self.forgotten);
        page.one(
            "executions",
            "gauge",
            "Executions that are told apart.",
            self.executions,
        );
        page.one(
            "waiting",
            "gauge",
            "Calls that wait for a slot.",
            self.waiting,
        );
        page.one(
            "connections",
            "gauge",
            "Open connections.",
            self.connections,
        );
        let busy = self.busy_us as f64 / 1e6;
        page.one(
            "busy_seconds_total",
            "counter",
            "CPU time of the stub's threads.",
            busy,
        );
        page.histogram(
            "wait_seconds",
            "Time that calls waited for a slot.",
            &self.waits,
        );
        let text = "How much later than due first tokens came.";
        page.histogram("lateness_seconds", text, &self.lateness);
        page.text
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let head = format!("# HELP llm_stub_{name} {help}\n# TYPE llm_stub_{name} {kind}\n");
        self.text.push_str(&head);
    }

    fn line(&mut self, name: &str, label: Option<(&str, &str)>, value: impl std::fmt::Display) {
        let label = label.map_or_else(String::new, |(label, is)| format!("{{{label}=\"{is}\"}}"));
        // Writing to a string cannot fail.
        writeln!(self.text, "llm_stub_{name}{label} {value}").ok();
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, None, value);
    }

    fn by<'v>(
        &mut self,
        name: &str,
        label: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'v str, u64)>,
    ) {
        self.head(name, "counter", help);
        for (is, value) in values {
            self.line(name, Some((label, is)), value);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of waiting stay below what a float holds"
    )]
    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let buckets = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.line(&buckets, Some(("le", &bound.to_string())), count);
        }
        self.line(&buckets, Some(("le", "+Inf")), histogram.count);
        self.line(&format!("{name}_sum"), None, histogram.sum_us as f64 / 1e6);
        self.line(&format!("{name}_count"), None, histogram.count);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
