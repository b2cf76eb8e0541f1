//! Takes up what was seen, and makes a sample of every operation that ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::flights::{Flight, Launcher};
use super::{Ended, Progress, Ran, RunSettings, Witness};
use crate::driver::{Capabilities, End, Findings, Sighting, What};
use crate::health::Health;
use crate::health::watch::Watch;
use crate::outcome::{Outcome, Outcomes};
use crate::recorder::{Latencies, Recorder};
use crate::sample::{Sample, Times};
use crate::scenario::{Plan, Scenario};
use crate::usage::{Subject, Usage};

/// How often this process is looked at.
const USAGE_EVERY: Duration = Duration::from_secs(1);

/// How long the system has to be told of all that is given up.
const GIVING_UP: Duration = Duration::from_secs(2);

/// The state of one run.
pub(super) struct Collector {
    launcher: Launcher,
    recorder: Recorder,
    watch: Option<Watch>,
    health: Health,
    /// What ended how, by number, to be corrected when all is over.
    ended: Vec<(u64, usize, Outcome)>,
    outcomes: Outcomes,
    responses: Latencies,
    last_end: Duration,
    planned: usize,
    /// When progress was last reported, and how many had ended then.
    reported: (Instant, u64),
    rate: f64,
    subject: Subject,
    witness: Option<Arc<dyn Witness>>,
    usage: Vec<Usage>,
    drained: Option<Usage>,
}

impl Collector {
    pub(super) fn new(
        scenario: &Scenario,
        launcher: Launcher,
        settings: &RunSettings,
        planned: usize,
    ) -> Self {
        let begin = launcher.begin();
        Self {
            recorder: Recorder::new(scenario.operations.len()),
            watch: Some(Watch::begin(begin, scenario.tightest_latency())),
            health: Health::default(),
            ended: Vec::with_capacity(planned),
            outcomes: Outcomes::default(),
            responses: Latencies::default(),
            last_end: Duration::ZERO,
            planned,
            reported: (begin, 0),
            rate: 0.0,
            subject: settings.subject.clone(),
            witness: settings.witness.clone(),
            usage: Vec::new(),
            drained: None,
            launcher,
        }
    }

    /// Nothing is open.
    pub(super) fn is_settled(&self) -> bool {
        self.launcher.flights().len() == 0
    }

    /// Takes up one sighting. What is seen of an operation that has ended changes nothing.
    pub(super) fn take(&mut self, sighting: Sighting) {
        let at = sighting.at.saturating_duration_since(self.launcher.begin());
        let mut flights = self.launcher.flights();
        let Some(flight) = flights.get_mut(sighting.id) else {
            return;
        };
        let times = &mut flight.times;
        match sighting.what {
            What::Sent => {
                times.sent = Some(at);
                if let Some(watch) = &mut self.watch {
                    watch.sent(times);
                }
            }
            What::Acknowledged => note(&mut times.acknowledged, at),
            What::Sighted => {
                note(&mut times.sighted, at);
                if let Some(watch) = &mut self.watch {
                    watch.sighted(times);
                }
            }
            What::Queued => note(&mut times.queued, at),
            What::Running => note(&mut times.running, at),
            What::FirstToken => note(&mut times.first_token, at),
            What::Ended { end, unseen } => {
                let ended = flights.close(sighting.id);
                drop(flights);
                if let Some(flight) = ended {
                    self.end_of(flight, &end, (!unseen).then_some(at));
                }
            }
        }
    }

    /// Looks at all that needs looking at from time to time.
    pub(super) fn look(&mut self) {
        for flight in self.launcher.overdue() {
            self.launcher.cancel(flight.start);
            let outcome = match (flight.times.running, flight.times.acknowledged) {
                (None, Some(_)) => Outcome::Stuck,
                _ => Outcome::TimedOut,
            };
            self.record(flight, outcome);
        }
        if let Some(watch) = &mut self.watch {
            watch.look();
        }
        let at = self.launcher.begin().elapsed();
        let last = self.usage.last().map(|usage| usage.at);
        if last.is_none_or(|last| at >= last + USAGE_EVERY) {
            self.usage.push(self.used(at));
        }
    }

    /// Gives up all that is open.
    pub(super) async fn give_up(&mut self) {
        let open = self.launcher.flights().take_all();
        let cancelling = open
            .iter()
            .map(|flight| self.launcher.driver().cancel(&flight.start));
        let told = futures::future::join_all(cancelling);
        // What cannot be told in time is removed with the rest of the run.
        let _ = tokio::time::timeout(GIVING_UP, told).await;
        for flight in open {
            self.record(flight, Outcome::Cancelled);
        }
    }

    /// Looks at what the system still uses when all is over.
    pub(super) fn drained(&mut self) {
        self.drained = Some(self.used(self.launcher.begin().elapsed()));
    }

    fn used(&self, at: Duration) -> Usage {
        let in_flight = self.launcher.flights().len() as u64;
        let inside = self.launcher.driver().inside();
        Usage::now(&self.subject, at, in_flight, inside)
    }

    /// Ends the watch over the generator: what follows is no load.
    pub(super) fn end(&mut self) {
        self.look();
        self.health = self.watch.take().map(Watch::end).unwrap_or_default();
    }

    /// Corrects outcomes by what came to light afterwards.
    pub(super) fn correct(&mut self, findings: &Findings) {
        let Some(executions) = &findings.executions else {
            return;
        };
        for (id, operation, outcome) in &mut self.ended {
            let n_executions = executions.get(id).copied().unwrap_or(0);
            let corrected = match (*outcome, n_executions) {
                (Outcome::Done, 0) => Outcome::WrongAnswer,
                (Outcome::Done, 2..) => Outcome::Duplicated,
                _ => continue,
            };
            self.recorder.change(*operation, *outcome, corrected);
            *outcome = corrected;
        }
    }

    pub(super) fn progress(&mut self) -> Progress {
        let elapsed = self.launcher.begin().elapsed();
        let (started, in_flight) = {
            let flights = self.launcher.flights();
            (flights.started, flights.len() as u64)
        };
        let ended = self.outcomes.total();
        let (since, ended_then) = self.reported;
        let seconds = since.elapsed().as_secs_f64();
        if seconds >= 1.0 {
            self.rate = (ended - ended_then) as f64 / seconds;
            self.reported = (Instant::now(), ended);
        }
        let planned = self.planned as u64;
        let left = (ended > 0).then(|| {
            let open = planned.saturating_sub(ended) as f64;
            elapsed.mul_f64(open / ended as f64)
        });
        Progress {
            elapsed,
            planned,
            started,
            in_flight,
            rate: self.rate,
            outcomes: self.outcomes,
            p50: self.responses.quantile(0.5),
            p95: self.responses.quantile(0.95),
            p99: self.responses.quantile(0.99),
            left,
        }
    }

    pub(super) fn into_ran(
        self,
        plan: Plan,
        capabilities: Capabilities,
        findings: Findings,
        interrupted: bool,
    ) -> Ran {
        Ran {
            plan,
            capabilities,
            started: self.launcher.flights().started,
            recorder: self.recorder,
            health: self.health,
            findings,
            duration: self.last_end,
            interrupted,
            left_over: 0,
            usage: self.usage,
            subject: self.subject,
            drained: self.drained,
        }
    }

    /// `at` is unset if nobody saw when it ended.
    fn end_of(&mut self, mut flight: Flight, end: &End, at: Option<Duration>) {
        if let (End::Failed(reason), Some(watch)) = (end, &mut self.watch) {
            watch.failed(reason);
        }
        let outcome = self.launcher.driver().classify(&flight.start, end);
        flight.times.done = at;
        self.record(flight, outcome);
    }

    fn record(&mut self, mut flight: Flight, outcome: Outcome) {
        if outcome.is_censored() {
            flight.times.done = None;
        }
        let sample = Sample {
            operation: flight.start.operation,
            outcome,
            times: flight.times,
        };
        self.recorder.record(&sample);
        self.outcomes.add(outcome);
        if let Some(witness) = &self.witness {
            witness.ended(&Ended {
                start: &flight.start,
                times: &flight.times,
                outcome,
                begin: self.launcher.begin(),
            });
        }
        self.remember_response(outcome, &flight.times);
        let end = flight.times.done.unwrap_or(flight.times.intended);
        self.last_end = self.last_end.max(end);
        self.ended
            .push((flight.start.id, flight.start.operation, outcome));
        flight.tell_user();
    }

    fn remember_response(&mut self, outcome: Outcome, times: &Times) {
        if let Some(response) = times.response().filter(|_| outcome.has_latency()) {
            self.responses.add(response);
        }
    }
}

/// The first time counts: a watch that begins anew shows things twice.
fn note(time: &mut Option<Duration>, at: Duration) {
    time.get_or_insert(at);
}
