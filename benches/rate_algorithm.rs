//! What does each way to hold a rate cost, and how far does it depart from the rate it was given?
//!
//! Timed: decisions of one key in sequence, without a lock and without a look-up (`quota` adds those). `at_rate` asks as
//! often as the rate admits, `at_10_times` ten times as often.
//! Figures: by how many permits 60 s of even polling depart from what rate and polls allow; the worst of four speeds.
//! The rate is AgentMaestro's for snapshots, 18.49 per second, of which counters can hold only the 18.
//! Do not conclude anything about many keys, where the state's size counts.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use benches::{Suite, suite_main};
use quota::algorithm::{
    Algorithm, FixedWindow, RenewedWindow, SlidingCounter, SlidingLog, TokenBucket,
};
use quota::gcra::{Gcra, Nanos};
use quota::rate::{Burst, Rate};
use results::figures::{Bound, Figure};

const PER_SECOND: f64 = 18.49;
const WINDOW: Duration = Duration::from_secs(1);
const MINUTE: f64 = 60.0;

/// Decisions per iteration: long enough for windows to end and logs to be trimmed within one.
const N_DECISIONS: u32 = 1_000;

/// How often a key asks, as a multiple of the nominal rate.
const SPEEDS: [f64; 4] = [0.5, 1.0, 2.0, 10.0];

/// What is asked of every algorithm, whichever its state.
trait Subject {
    fn time(&mut self, suite: &mut Suite<'_>, case: &'static str, speed: f64);

    /// Permits in a minute of polling at this multiple of the rate.
    fn admitted_in_a_minute(&self, speed: f64) -> u32;
}

struct Named<A> {
    name: &'static str,
    algorithm: A,
}

impl<A: Algorithm> Subject for Named<A> {
    fn time(&mut self, suite: &mut Suite<'_>, case: &'static str, speed: f64) {
        let pause = pause(speed);
        let (mut state, mut now) = (A::State::default(), 0);
        suite.case(case, self.name, |bencher| {
            bencher.iter(|| {
                let mut n_admitted = 0_u32;
                for _ in 0..N_DECISIONS {
                    now += pause;
                    let outcome = self.algorithm.decide(&mut state, black_box(now));
                    n_admitted += u32::from(outcome.is_allowed());
                }
                n_admitted
            });
        });
    }

    fn admitted_in_a_minute(&self, speed: f64) -> u32 {
        let mut state = A::State::default();
        let times = (0..n_polls(speed) as Nanos).map(|poll| poll * pause(speed));
        let admitted = times.filter(|&now| self.algorithm.decide(&mut state, now).is_allowed());
        admitted.count() as u32
    }
}

/// Whole nanoseconds, not shorter than the rate's: of times that are rounded one by one, every second comes a nanosecond
/// early, which at a burst of one is refused and costs half of the permits. Whoever polls at its very rate needs a burst of
/// two; the figure leaves that out.
fn pause(speed: f64) -> Nanos {
    (1e9 / (PER_SECOND * speed)).ceil() as Nanos
}

/// Polls at times zero and later, before the minute is over.
fn n_polls(speed: f64) -> f64 {
    (PER_SECOND * speed * MINUTE).ceil()
}

/// Permits beyond the nominal number or short of it, at the speed that shows most of it.
fn departure(subject: &dyn Subject) -> f64 {
    let departures = SPEEDS.map(|speed| {
        let nominal = n_polls(speed).min(PER_SECOND * MINUTE);
        (f64::from(subject.admitted_in_a_minute(speed)) - nominal).abs()
    });
    departures.into_iter().fold(0.0, f64::max)
}

fn subjects() -> [(&'static str, Box<dyn Subject>); 6] {
    let rate = Rate::per_second(PER_SECOND).expect("in range");
    let limit = NonZeroU32::new(PER_SECOND as u32).expect("not zero");
    fn named<A: Algorithm + 'static>(
        name: &'static str,
        algorithm: A,
    ) -> (&'static str, Box<dyn Subject>) {
        (name, Box::new(Named { name, algorithm }))
    }
    [
        named("gcra", Gcra::new(rate, Burst::ONE)),
        named("token_bucket", TokenBucket::new(rate, Burst::ONE)),
        named("sliding_log", SlidingLog::new(limit, WINDOW)),
        named("sliding_counter", SlidingCounter::new(limit, WINDOW)),
        named("fixed_window", FixedWindow::new(limit, WINDOW)),
        named("renewed_window", RenewedWindow::new(limit, WINDOW)),
    ]
}

fn cost(suite: &mut Suite<'_>) {
    for (_, mut subject) in subjects() {
        subject.time(suite, "at_rate", 1.0);
        subject.time(suite, "at_10_times", 10.0);
    }
}

fn departures(suite: &mut Suite<'_>) {
    if !suite.keeps_figures() {
        return;
    }
    let text = "permits by which 60 s depart from what rate and polls allow, at the worst of 0.5, 1, 2 and 10 times the rate";
    for (name, subject) in subjects() {
        let figure = Figure::exact(
            &format!("departure/{name}"),
            departure(&*subject),
            "permits",
            text,
        );
        // A permit more is the one that is due at time zero.
        suite.figure(if name == "gcra" {
            figure.bound(Bound::AtMost(1.0))
        } else {
            figure
        });
    }
}

suite_main!(cost, departures);
