//! The script that decides, run by a real server at times that the test gives: it decides what the pure core decides.

use ::redis::{Client, Connection, Script};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use quota::gcra::{Gcra, Outcome};
use quota::limits::{Limits, RateLimit};
use quota::rate::{Burst, Rate};

use crate::server;

const DECIDE: &str = include_str!("../../../src/redis/decide.lua");

/// Milliseconds that a state is kept: the server's own time must not say when it is past.
const KEEP_MS: u64 = 600_000;

/// 2026, in microseconds: as many digits as the server's clock has now.
const EPOCH_US: u64 = 1_780_000_000_000_000;

/// Asks after one rate at given times.
struct Subject {
    connection: Connection,
    script: Script,
    limit: RateLimit,
    key: String,
}

impl Subject {
    fn new(url: &str, limit: RateLimit) -> Self {
        let client = Client::open(url).expect("a valid address");
        // In place of `clock.lua`: the last argument is the time.
        let clock = "local now = tonumber(ARGV[#ARGV])
";
        let script = clock.to_owned() + DECIDE;
        Self {
            connection: client
                .get_connection()
                .expect("the server of the tests answers"),
            script: Script::new(&script),
            limit,
            key: format!("{{{}}}", server::config().namespace),
        }
    }

    /// The answers to requests of one call, at the same time.
    fn decide(&mut self, now_us: u64, n_requests: usize) -> Vec<u64> {
        self.decide_all(&[now_us], n_requests).remove(0)
    }

    /// The answers to calls one after the other.
    fn decide_all(&mut self, times_us: &[u64], n_requests: usize) -> Vec<Vec<u64>> {
        let interval = self.limit.per_second.interval_ns();
        let tolerance = interval * u64::from(self.limit.burst.get() - 1);
        let mut calls = ::redis::pipe();
        for now_us in times_us {
            let mut call = self.script.prepare_invoke();
            for _ in 0..n_requests {
                call.key(&self.key);
            }
            call.arg(interval)
                .arg(tolerance)
                .arg(KEEP_MS)
                .arg(n_requests);
            calls.invoke_script(call.arg(EPOCH_US + now_us));
        }
        let loaded = self.script.prepare_invoke().load(&mut self.connection);
        loaded.expect("the server takes the script");
        let answers = calls.query(&mut self.connection);
        answers.expect("the script runs")
    }
}

/// As the script answers: nanoseconds to wait.
fn expected(limit: RateLimit, tat: &mut u64, now_us: u64) -> u64 {
    let gcra = Gcra::new(limit.per_second, limit.burst);
    let step = gcra.decide(*tat, (EPOCH_US + now_us) * 1_000);
    *tat = step.tat;
    match step.outcome {
        Outcome::Allow => 0,
        Outcome::Deny { retry_after } => retry_after.as_nanos() as u64,
    }
}

fn limit(per_second: f64, burst: u32) -> RateLimit {
    RateLimit {
        per_second: Rate::per_second(per_second).expect("in range"),
        burst: Burst::new(burst).expect("not zero"),
    }
}

#[test]
fn the_script_decides_to_the_nanosecond_what_the_core_decides() {
    let Some(url) = server::url() else {
        return;
    };
    // Rates from a permit in two days to a million a second; pauses from none to an hour, also backwards.
    let limits = (
        (-5.3..6.0_f64).prop_map(|exponent| 10_f64.powf(exponent)),
        1..20_u32,
    );
    let pauses = (0..5_u32, 0..1_000_000_u64, any::<bool>(), 1..4_usize);
    let pauses = prop::collection::vec(pauses, 1..40);
    let mut runner = TestRunner::new(Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&(limits, pauses), |((per_second, burst), pauses)| {
        let limit = limit(per_second, burst);
        let mut subject = Subject::new(&url, limit);
        let (mut tat, mut now_us) = (0, 1_000_000_000_000_u64);
        for (magnitude, pause, forwards, n_requests) in pauses {
            let pause = pause * 10_u64.pow(magnitude) / 100;
            now_us = if forwards {
                now_us + pause
            } else {
                now_us - pause / 40
            };
            let answers = subject.decide(now_us, n_requests);
            let expected = (0..n_requests).map(|_| expected(limit, &mut tat, now_us));
            prop_assert_eq!(answers, expected.collect::<Vec<_>>());
        }
        Ok(())
    });
    outcome.expect("script and core agree");
}

#[test]
fn a_minute_of_polling_is_admitted_within_one_permit_of_the_rate() {
    let Some(url) = server::url() else {
        return;
    };
    for (name, limit) in Limits::default().rates() {
        // Polls that fall on whole microseconds are not quite even, which a burst of one would refuse.
        let limit = RateLimit {
            burst: Burst::new(2).expect("not zero"),
            ..limit
        };
        for speed in [0.5, 1.0, 2.0, 10.0] {
            let polls_per_second = limit.per_second.as_per_second() * speed;
            let n_polls = (polls_per_second * 60.0).ceil();
            let mut subject = Subject::new(&url, limit);
            let time_of = |poll| (f64::from(poll) * 1e6 / polls_per_second).ceil() as u64;
            let times_us: Vec<u64> = (0..n_polls as u32).map(time_of).collect();
            let answers = subject.decide_all(&times_us, 1);
            let n_admitted = answers.iter().filter(|waits_ns| waits_ns[0] == 0).count();
            let nominal = n_polls.min(limit.per_second.as_per_second() * 60.0 + 1.0);
            let departure = (n_admitted as f64 - nominal).abs();
            assert!(
                departure <= 1.0,
                "{name} at {speed} times: {n_admitted} of {nominal}"
            );
        }
    }
}

#[test]
fn a_clock_that_steps_back_costs_one_interval_and_a_second() {
    let Some(url) = server::url() else {
        return;
    };
    let mut subject = Subject::new(&url, limit(10.0, 3));
    let hour_us = 3_600_000_000;
    assert_eq!(subject.decide(hour_us, 4), [0, 0, 0, 100_000_000]);
    assert_eq!(subject.decide(0, 1), [1_100_000_000]);
    assert_eq!(subject.decide(1_099_999, 1), [1_000]);
    assert_eq!(subject.decide(1_100_000, 2), [0, 100_000_000]);
}
