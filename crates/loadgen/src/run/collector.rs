//! Takes up what was seen, and makes a sample of every operation that ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::flights::{Course, Flight};
use super::look::Look;
use super::settling::{Fate, Settling};
use super::{Ended, Progress, Ran, RunSettings, Witness};
use crate::driver::{Capabilities, End, Findings, Sighting, What};
use crate::health::Health;
use crate::health::watch::Watch;
use crate::outcome::{Outcome, Outcomes};
use crate::recorder::{Latencies, Recorder};
use crate::sample::{Sample, Times};
use crate::scenario::{Plan, Scenario};
use crate::usage::{Subject, Usage};

/// The state of one run.
pub(super) struct Collector {
    course: Arc<Course>,
    recorder: Recorder,
    watch: Option<Watch>,
    settling: Settling,
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
        course: Arc<Course>,
        settings: &RunSettings,
        planned: usize,
    ) -> Self {
        let begin = course.begin;
        Self {
            recorder: Recorder::of_scenario(scenario),
            watch: Some(Watch::begin(begin, scenario.tightest_latency())),
            settling: Settling::new(scenario.longest_latency()),
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
            course,
        }
    }

    /// Nothing is open.
    pub(super) fn is_settled(&self) -> bool {
        self.course.flights().len() == 0
    }

    /// Takes up one sighting. What is seen of an operation that has ended changes nothing.
    pub(super) fn take(&mut self, sighting: Sighting) {
        let at = sighting.at.saturating_duration_since(self.course.begin);
        let mut flights = self.course.flights();
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
            What::Called {
                operation,
                began,
                outcome,
            } => {
                drop(flights);
                let began = began.saturating_duration_since(self.course.begin);
                self.keep_call(operation, outcome, began, at);
            }
            What::Ended { end, unseen } => {
                let ended = flights.close(sighting.id);
                drop(flights);
                if let Some(flight) = ended {
                    self.end_of(flight, &end, (!unseen).then_some(at));
                }
            }
        }
    }

    /// Gives up what has been open for too long.
    pub(super) fn give_up_overdue(&mut self) {
        for flight in self.course.overdue() {
            self.course.cancel(flight.start);
            let outcome = match (flight.times.running, flight.times.acknowledged) {
                (None, Some(_)) => Outcome::Stuck,
                _ => Outcome::TimedOut,
            };
            self.record(flight, outcome);
        }
    }

    /// Whether it is time to look at the machine again.
    pub(super) fn wants_a_look(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::is_full)
    }

    /// Takes up what was seen of the machine.
    pub(super) fn take_look(&mut self, look: &Look) {
        if let Some(watch) = &mut self.watch {
            self.settling.learn(&watch.close(look.at, look.counters));
        }
        self.take_usage(look.usage);
    }

    /// Takes up what the system under test uses.
    pub(super) fn take_usage(&mut self, usage: Usage) {
        self.usage.push(usage);
    }

    /// Takes up what was given up because the run was broken off.
    pub(super) fn take_cancelled(&mut self, open: Vec<Flight>) {
        for flight in open {
            self.record(flight, Outcome::Cancelled);
        }
    }

    /// Takes up what the system still uses when all is over.
    pub(super) fn take_drained(&mut self, usage: Usage) {
        self.drained = Some(usage);
    }

    /// Ends the watch over the generator: what follows is no load.
    pub(super) fn end(&mut self) {
        self.give_up_overdue();
        if let Some(watch) = self.watch.take() {
            let (health, last) = watch.end();
            self.health = health;
            if let Some(last) = last {
                self.settling.learn(&last);
            }
        }
        self.settling.learn_no_more();
        self.settle(usize::MAX);
    }

    /// Keeps up to so many samples of which all is known.
    fn settle(&mut self, most: usize) {
        for _ in 0..most {
            match self.settling.next() {
                Some((sample, Fate::Kept)) => self.recorder.record(&sample),
                Some((sample, Fate::SetAside)) => self.recorder.set_aside(&sample),
                None => return,
            }
        }
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
        let elapsed = self.course.begin.elapsed();
        let (started, in_flight) = {
            let flights = self.course.flights();
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
        let (started, most_open) = {
            let flights = self.course.flights();
            (flights.started, flights.most_open)
        };
        Ran {
            plan,
            capabilities,
            started,
            most_open: Some(most_open),
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

    /// Keeps a call on the way of an operation.
    fn keep_call(&mut self, operation: usize, outcome: Outcome, began: Duration, at: Duration) {
        self.settling.add(Sample {
            operation,
            outcome,
            times: Times {
                intended: began,
                sent: Some(began),
                acknowledged: Some(at),
                done: (!outcome.is_censored()).then_some(at),
                ..Times::default()
            },
        });
    }

    /// `at` is unset if nobody saw when it ended.
    fn end_of(&mut self, mut flight: Flight, end: &End, at: Option<Duration>) {
        if let (End::Failed(reason), Some(watch)) = (end, &mut self.watch) {
            watch.failed(reason);
        }
        let outcome = self.course.driver.classify(&flight.start, end);
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
        self.settling.add(sample);
        // Of what waits, a little at each end: all at once would hold up the event loop.
        self.settle(2);
        self.outcomes.add(outcome);
        if let Some(witness) = &self.witness {
            witness.ended(&Ended {
                start: &flight.start,
                times: &flight.times,
                outcome,
                begin: self.course.begin,
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
