//! What the pure decision promises: exact edges, true windows, and no harm from a clock.

use proptest::prelude::*;

use super::*;

const SECOND: Nanos = 1_000_000_000;

fn gcra(per_second: f64, burst: u32) -> Gcra {
    Gcra::new(
        Rate::per_second(per_second).expect("in range"),
        Burst::new(burst).expect("not zero"),
    )
}

/// Runs requests at the given times through one key; returns the times of the allowed ones.
fn allowed_at(gcra: &Gcra, times: impl IntoIterator<Item = Nanos>) -> Vec<Nanos> {
    let mut tat = 0;
    let mut allowed = Vec::new();
    for now in times {
        let step = gcra.decide(tat, now);
        tat = step.tat;
        if step.outcome.is_allowed() {
            allowed.push(now);
        }
    }
    allowed
}

#[test]
fn a_fractional_rate_stays_fractional() {
    let rate = Rate::per_second(2.14).expect("in range");
    assert_eq!(rate.interval_ns(), 467_289_720);
    assert_eq!(rate.to_string(), "2.14/s");
    let times = (0..).map(|i| i * SECOND / 1_000).take(1_000_000);
    let allowed = allowed_at(&gcra(2.14, 2), times);
    assert_eq!(allowed.len(), 2 + 2139, "in 999.999 s, not 2,000");
}

#[test]
fn the_edge_is_exact_to_the_nanosecond() {
    let gcra = gcra(10.0, 3);
    let start = 5 * SECOND;
    let mut tat = 0;
    for _ in 0..3 {
        let step = gcra.decide(tat, start);
        assert!(step.outcome.is_allowed());
        tat = step.tat;
    }
    let retry_after = Duration::from_millis(100);
    let denied = gcra.decide(tat, start).outcome;
    assert_eq!(denied, Outcome::Deny { retry_after });
    let edge = start + 100_000_000;
    let denied = gcra.decide(tat, edge - 1).outcome;
    let retry_after = Duration::from_nanos(1);
    assert_eq!(denied, Outcome::Deny { retry_after });
    assert!(gcra.decide(tat, edge).outcome.is_allowed());
}

#[test]
fn a_denial_spends_nothing() {
    let gcra = gcra(1.0, 1);
    let tat = gcra.decide(0, SECOND).tat;
    assert_eq!(gcra.decide(tat, SECOND + 1).tat, tat);
}

#[test]
fn a_clock_that_steps_back_costs_one_interval_and_a_second_but_not_the_step() {
    let gcra = gcra(10.0, 5);
    let tat = gcra.decide(0, 3_600 * SECOND).tat;
    let back = SECOND;
    let step = gcra.decide(tat, back);
    let retry_after = Duration::from_millis(1_100);
    assert_eq!(step.outcome, Outcome::Deny { retry_after });
    let later = gcra.decide(step.tat, back + 1_100_000_000);
    assert!(later.outcome.is_allowed());
}

/// Polls for 60 s at a multiple of the nominal rate, the first poll at time zero.
fn admitted_in_a_minute(per_second: f64, burst: u32, polls_per_permit: f64) -> (f64, f64) {
    let gcra = gcra(per_second, burst);
    let interval = Rate::per_second(per_second)
        .expect("in range")
        .interval_ns() as f64;
    let polls: Vec<Nanos> = (0..)
        .map(|poll| (f64::from(poll) * interval / polls_per_permit).ceil() as Nanos)
        .take_while(|&now| now < 60 * SECOND)
        .collect();
    let admitted = allowed_at(&gcra, polls.iter().copied()).len() as f64;
    (admitted, polls.len() as f64)
}

#[test]
fn a_minute_of_polling_admits_the_nominal_count_within_one() {
    for per_second in [10.29, 2.14, 18.49, 41.0] {
        for polls_per_permit in [0.5, 1.0, 2.0, 10.0] {
            let (admitted, polls) = admitted_in_a_minute(per_second, 1, polls_per_permit);
            let nominal = polls.min(per_second * 60.0);
            assert!(
                (admitted - nominal).abs() <= 1.0,
                "{per_second}/s polled at {polls_per_permit}: {admitted} against {nominal}"
            );
        }
    }
}

#[test]
fn a_burst_comes_once_on_top_of_the_nominal_count() {
    for (per_second, burst) in [(10.29, 10), (2.14, 2), (18.49, 18), (41.0, 41)] {
        for polls_per_permit in [0.5, 1.0, 2.0, 10.0] {
            let (admitted, polls) = admitted_in_a_minute(per_second, burst, polls_per_permit);
            let nominal = polls.min(f64::from(burst) + per_second * 60.0);
            assert!(
                (admitted - nominal).abs() <= 1.0,
                "{per_second}/s polled at {polls_per_permit}: {admitted} against {nominal}"
            );
        }
    }
}

fn any_gcra() -> impl Strategy<Value = (f64, u32)> {
    let per_second = prop_oneof![0.01..10.0, 10.0..10_000.0, 1e4..1e9];
    let burst = prop_oneof![1..4u32, 1..1_000u32];
    (per_second, burst)
}

/// Pauses between requests, from simultaneous to longer than most intervals.
fn any_pauses() -> impl Strategy<Value = Vec<Nanos>> {
    let pause = prop_oneof![Just(0), 0..1_000u64, 0..SECOND / 10, 0..10 * SECOND];
    prop::collection::vec(pause, 1..300)
}

proptest! {
    #[test]
    fn no_window_admits_more_than_burst_and_rate((per_second, burst) in any_gcra(), pauses in any_pauses()) {
        let gcra = gcra(per_second, burst);
        let times = pauses.iter().scan(0, |now, pause| { *now += pause; Some(*now) });
        let allowed = allowed_at(&gcra, times);
        for (first, from) in allowed.iter().enumerate() {
            for (last, to) in allowed.iter().enumerate().skip(first) {
                let admitted = (last - first + 1) as f64;
                let window = (to - from) as f64 / 1e9;
                let bound = f64::from(burst) + per_second * window;
                // Floats are good for 15 digits here.
                prop_assert!(admitted <= bound * (1.0 + 1e-12), "{admitted} in {window} s, bound {bound}");
            }
        }
    }

    #[test]
    fn the_announced_time_is_the_first_that_is_allowed((per_second, burst) in any_gcra(), pauses in any_pauses()) {
        let gcra = gcra(per_second, burst);
        let interval = Duration::from_nanos(gcra.interval);
        let (mut tat, mut now) = (0, 0);
        for pause in pauses {
            now += pause;
            let step = gcra.decide(tat, now);
            tat = step.tat;
            if let Outcome::Deny { retry_after } = step.outcome {
                let wait = retry_after.as_nanos() as u64;
                prop_assert!(wait > 0 && retry_after <= interval);
                prop_assert!(!gcra.decide(tat, now + wait - 1).outcome.is_allowed());
                prop_assert!(gcra.decide(tat, now + wait).outcome.is_allowed());
            }
        }
    }

    #[test]
    fn a_state_that_is_not_after_now_equals_none((per_second, burst) in any_gcra(), tat in 0..100 * SECOND, rest in 0..100 * SECOND) {
        let gcra = gcra(per_second, burst);
        let now = tat + rest;
        prop_assert_eq!(gcra.decide(tat, now), gcra.decide(0, now));
        prop_assert_eq!(gcra.decide(now, now), gcra.decide(0, now));
    }

    #[test]
    fn whatever_the_clock_does_the_wait_is_one_interval_and_a_second_at_most((per_second, burst) in any_gcra(), readings in prop::collection::vec(0..u64::MAX / 4, 1..100)) {
        let gcra = gcra(per_second, burst);
        let mut tat = 0;
        for now in readings {
            let step = gcra.decide(tat, now);
            tat = step.tat;
            if let Outcome::Deny { retry_after } = step.outcome {
                prop_assert!(retry_after <= Duration::from_nanos(gcra.interval) + MOST_LATE);
            }
        }
    }

    #[test]
    fn readings_that_are_late_give_no_permit_back((per_second, burst) in any_gcra(), pauses in any_pauses(), late in prop::collection::vec(0..SECOND, 300)) {
        let gcra = gcra(per_second, burst);
        let times = pauses.iter().scan(SECOND, |now, pause| { *now += pause; Some(*now) });
        let readings: Vec<Nanos> = times.zip(late).map(|(now, late)| now - late).collect();
        let n_allowed = allowed_at(&gcra, readings.iter().copied()).len() as f64;
        let window = readings.iter().max().zip(readings.iter().min()).map_or(0, |(to, from)| to - from) as f64 / 1e9;
        let bound = f64::from(burst) + per_second * window;
        prop_assert!(n_allowed <= bound * (1.0 + 1e-12), "{n_allowed} in {window} s, bound {bound}");
    }
}
