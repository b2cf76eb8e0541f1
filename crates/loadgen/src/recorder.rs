//! What is kept of all samples: histograms per operation, and latency over time; bounded, and mergeable.
//!
//! A histogram has three digits: a value is off by a thousandth at most. What was censored is counted beside it and
//! never put into it.

mod window;

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::outcome::{Outcome, Outcomes};
use crate::sample::Sample;
use crate::scenario::Scenario;

pub use self::window::{Window, Windows};

/// Digits of a latency that are kept.
const DIGITS: u8 = 3;

/// Below this, latencies are not told apart: a microsecond, in nanoseconds.
const SHORTEST_NS: u64 = 1_000;

/// Above this, they are not either: a day, in nanoseconds.
const LONGEST_NS: u64 = 24 * 3600 * 1_000_000_000;

/// All that is kept of the samples of a run, or of a part of it.
#[derive(Debug, Clone)]
pub struct Recorder {
    by_operation: Vec<Tally>,
    /// The operation that a start as a whole is; unset if every operation is a start of its own.
    whole: Option<usize>,
    windows: Windows,
}

/// What is kept of the samples of one operation, or of all.
#[derive(Debug, Clone)]
pub struct Tally {
    /// How they ended.
    pub outcomes: Outcomes,
    /// How many were acknowledged.
    pub acknowledged: u64,
    /// How many are in no latency below, as the hypervisor had taken the processors away.
    pub set_aside: u64,
    /// From the intended start to the end.
    pub response: Latencies,
    /// From the sending to the end.
    pub service: Latencies,
    /// From the intended start to the acknowledgement.
    pub create: Latencies,
    /// From the acknowledgement to the begin of the work.
    pub queue_wait: Latencies,
    /// From the intended start to the begin of the work.
    pub start: Latencies,
    /// From the intended start to the first piece of the answer; empty if the driver cannot see it.
    pub first_token: Latencies,
}

/// Latencies of one kind.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// Those that came, in nanoseconds.
    pub came: Histogram<u64>,
    /// How many never came, or came while nobody could see it: above any bound.
    pub censored: u64,
}

impl Recorder {
    /// An empty one for a mix of so many operations.
    pub fn new(n_operations: usize) -> Self {
        Self {
            by_operation: (0..n_operations).map(|_| Tally::new()).collect(),
            whole: None,
            windows: Windows::new(),
        }
    }

    /// An empty one for the operations of a scenario.
    pub fn of_scenario(scenario: &Scenario) -> Self {
        Self {
            whole: scenario.whole(),
            ..Self::new(scenario.operation_names().len())
        }
    }

    /// Keeps a sample; one of an unknown operation is kept with the last.
    pub fn record(&mut self, sample: &Sample) {
        if self.is_start(sample) {
            self.windows.record(sample);
        }
        if let Some(tally) = self.tally_of(sample) {
            tally.record(sample);
        }
    }

    /// Keeps how a sample ended and nothing of its latencies, which say nothing of the system under test.
    pub fn set_aside(&mut self, sample: &Sample) {
        if self.is_start(sample) {
            self.windows.set_aside(sample);
        }
        if let Some(tally) = self.tally_of(sample) {
            tally.count(sample);
            tally.set_aside += 1;
        }
    }

    /// Whether it is one, and not a call on the way of one.
    fn is_start(&self, sample: &Sample) -> bool {
        self.whole.is_none_or(|whole| whole == sample.operation)
    }

    fn tally_of(&mut self, sample: &Sample) -> Option<&mut Tally> {
        let last = self.by_operation.len().saturating_sub(1);
        self.by_operation.get_mut(sample.operation.min(last))
    }

    /// Corrects the outcome of a sample that was recorded: what came to light after the run.
    pub fn change(&mut self, operation: usize, from: Outcome, to: Outcome) {
        if let Some(tally) = self.by_operation.get_mut(operation) {
            tally.outcomes.change(from, to);
        }
    }

    /// Adds what another part of the run kept, of the same mix.
    pub fn merge(&mut self, other: &Self) {
        for (tally, others) in self.by_operation.iter_mut().zip(&other.by_operation) {
            tally.merge(others);
        }
        self.windows.merge(&other.windows);
    }

    /// One of these tallies, an operation each, and these windows: what another process kept.
    pub(crate) fn of_kept(by_operation: Vec<Tally>, windows: Windows) -> Self {
        Self {
            by_operation,
            whole: None,
            windows,
        }
    }

    /// The tallies of all operations, in the order of the mix.
    pub fn tallies(&self) -> &[Tally] {
        &self.by_operation
    }

    /// The tally of one operation; unset if the mix has fewer.
    pub fn of(&self, operation: usize) -> Option<&Tally> {
        self.by_operation.get(operation)
    }

    /// One tally for all operations.
    pub fn all(&self) -> Tally {
        let mut all = Tally::new();
        for tally in &self.by_operation {
            all.merge(tally);
        }
        all
    }

    /// One tally for all that was started: of a start with calls on its way, the start as a whole.
    pub fn of_starts(&self) -> Tally {
        let whole = self.whole.and_then(|whole| self.of(whole));
        whole.cloned().unwrap_or_else(|| self.all())
    }

    /// Latency over time, by the time of the end.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }
}

impl Tally {
    fn new() -> Self {
        Self {
            outcomes: Outcomes::default(),
            acknowledged: 0,
            set_aside: 0,
            response: Latencies::new(),
            service: Latencies::new(),
            create: Latencies::new(),
            queue_wait: Latencies::new(),
            start: Latencies::new(),
            first_token: Latencies::new(),
        }
    }

    fn count(&mut self, sample: &Sample) {
        self.outcomes.add(sample.outcome);
        self.acknowledged += u64::from(sample.times.acknowledged.is_some());
    }

    fn record(&mut self, sample: &Sample) {
        self.count(sample);
        let Sample { outcome, times, .. } = sample;
        if let Some(create) = times.create() {
            self.create.add(create);
        }
        match (times.queue_wait(), times.start()) {
            (Some(queue_wait), Some(start)) => {
                self.queue_wait.add(queue_wait);
                self.start.add(start);
            }
            _ if outcome.is_censored() => {
                self.queue_wait.censored += 1;
                self.start.censored += 1;
            }
            _ => {}
        }
        if let Some(first_token) = times.first_token() {
            self.first_token.add(first_token);
        }
        let ends = [
            (&mut self.response, times.response()),
            (&mut self.service, times.service()),
        ];
        for (latencies, latency) in ends {
            match latency {
                Some(latency) if outcome.has_latency() => latencies.add(latency),
                None if outcome.has_latency() => latencies.censored += 1,
                _ => latencies.censored += u64::from(outcome.is_censored()),
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.outcomes.merge(&other.outcomes);
        self.acknowledged += other.acknowledged;
        self.set_aside += other.set_aside;
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.create.merge(&other.create);
        self.queue_wait.merge(&other.queue_wait);
        self.start.merge(&other.start);
        self.first_token.merge(&other.first_token);
    }
}

impl Latencies {
    fn new() -> Self {
        let came = Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS);
        Self {
            came: came.expect("the bounds are constants that a histogram takes"),
            censored: 0,
        }
    }

    /// Adds one that came; longer than a day counts as a day.
    pub fn add(&mut self, latency: Duration) {
        self.came.saturating_record(nanoseconds(latency));
    }

    fn merge(&mut self, other: &Self) {
        self.came
            .add(&other.came)
            .expect("all histograms of latencies have the same bounds");
        self.censored += other.censored;
    }

    /// Samples of both sorts.
    pub fn count(&self) -> u64 {
        self.came.len() + self.censored
    }

    /// The latency that this share of all samples stays within; unset if the share reaches into those that never came.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let all = self.count();
        let rank = (share * all as f64).ceil().max(1.0);
        if all == 0 || rank > self.came.len() as f64 {
            return None;
        }
        let of_came = rank / self.came.len() as f64;
        Some(Duration::from_nanos(self.came.value_at_quantile(of_came)))
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

/// As histograms and records count: more than they can hold is the most.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
