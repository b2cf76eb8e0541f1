//! What each algorithm admits, and that its word about when to ask again is true.

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::rate::{Burst, Rate};

const SECOND: Nanos = 1_000_000_000;
const WINDOW: Duration = Duration::from_secs(1);

fn limit(permits: u32) -> NonZeroU32 {
    NonZeroU32::new(permits).expect("not zero")
}

fn rate(per_second: f64) -> Rate {
    Rate::per_second(per_second).expect("in range")
}

fn burst(permits: u32) -> Burst {
    Burst::new(permits).expect("not zero")
}

/// Runs requests at the given times through one key; returns the times of the allowed ones.
fn allowed_at<A: Algorithm>(algorithm: &A, times: impl IntoIterator<Item = Nanos>) -> Vec<Nanos> {
    let mut state = A::State::default();
    let mut allowed = Vec::new();
    for now in times {
        if algorithm.decide(&mut state, now).is_allowed() {
            allowed.push(now);
        }
    }
    allowed
}

/// Polls evenly for so long, from the first nanosecond of a window on.
fn polls(per_second: u64, seconds: u64) -> impl Iterator<Item = Nanos> {
    (0..per_second * seconds).map(move |poll| 10 * SECOND + poll * SECOND / per_second)
}

/// The most permits that any window holds.
fn most_in_a_window(allowed: &[Nanos], window: Nanos) -> usize {
    let from = |start: &Nanos| {
        allowed
            .iter()
            .filter(|&&time| time >= *start && time - start < window)
            .count()
    };
    allowed.iter().map(from).max().unwrap_or(0)
}

#[test]
fn a_renewed_window_starves_whoever_keeps_asking() {
    let renewed = RenewedWindow::new(limit(18), WINDOW);
    let allowed = allowed_at(&renewed, polls(2, 3_600));
    assert_eq!(allowed.len(), 18, "of 7,200 at a ninth of the rate");
    let patient = (0..100).map(|poll| poll * SECOND);
    assert_eq!(allowed_at(&renewed, patient).len(), 100);
}

#[test]
fn a_fixed_window_admits_twice_its_limit_across_an_edge() {
    let fixed = FixedWindow::new(limit(10), WINDOW);
    let edge = 5 * SECOND;
    let around = (edge - 10..edge).chain(edge..edge + 10);
    let allowed = allowed_at(&fixed, around);
    assert_eq!(most_in_a_window(&allowed, SECOND), 20);
}

#[test]
fn all_but_the_renewed_window_admit_the_nominal_rate_of_a_steady_client() {
    let n_polls = 60 * 10;
    let steady = || polls(10, 60);
    assert_eq!(
        allowed_at(&FixedWindow::new(limit(10), WINDOW), steady()).len(),
        n_polls
    );
    assert_eq!(
        allowed_at(&SlidingLog::new(limit(10), WINDOW), steady()).len(),
        n_polls
    );
    assert_eq!(
        allowed_at(&TokenBucket::new(rate(10.0), burst(1)), steady()).len(),
        n_polls
    );
    assert_eq!(
        allowed_at(&Gcra::new(rate(10.0), burst(1)), steady()).len(),
        n_polls
    );
}

#[test]
fn a_sliding_counter_refuses_part_of_a_steady_load_at_its_rate() {
    // It takes the last window's permits to be spread evenly, and so finds itself full between two of them.
    let allowed = allowed_at(&SlidingCounter::new(limit(10), WINDOW), polls(10, 60)).len();
    assert!((500..600).contains(&allowed), "{allowed} of 600");
}

#[test]
fn whole_limits_lose_the_fraction_of_a_rate() {
    let polled = || polls(100, 60);
    let nominal = 2.14 * 60.0;
    let exact = allowed_at(&Gcra::new(rate(2.14), burst(1)), polled()).len() as f64;
    assert!((exact - nominal).abs() <= 1.0, "{exact} of {nominal}");
    assert_eq!(
        allowed_at(&SlidingLog::new(limit(2), WINDOW), polled()).len(),
        120
    );
    assert_eq!(
        allowed_at(&FixedWindow::new(limit(2), WINDOW), polled()).len(),
        120
    );
}

/// Gaps between requests: some at once, some within a window, some beyond.
fn gaps() -> impl Strategy<Value = Vec<Nanos>> {
    let gap = prop_oneof![Just(0), 0..SECOND / 20, 0..SECOND, 0..3 * SECOND];
    prop::collection::vec(gap, 1..200)
}

fn times(gaps: Vec<Nanos>) -> Vec<Nanos> {
    let mut now = 100 * SECOND;
    let times = gaps.into_iter().map(|gap| {
        now += gap;
        now
    });
    times.collect()
}

/// After each denial, the same key is refused one nanosecond before the time it was told, and allowed at it.
fn keeps_its_word<A: Algorithm>(algorithm: &A, times: &[Nanos]) -> Result<(), TestCaseError>
where
    A::State: Clone,
{
    let mut state = A::State::default();
    for &now in times {
        if let Outcome::Deny { retry_after } = algorithm.decide(&mut state, now) {
            let told = now + retry_after.as_nanos() as Nanos;
            prop_assert!(told > now);
            prop_assert!(algorithm.decide(&mut state.clone(), told).is_allowed());
            prop_assert!(!algorithm.decide(&mut state.clone(), told - 1).is_allowed());
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_window_of_a_sliding_log_holds_more_than_its_limit(gaps in gaps(), permits in 1_u32..20) {
        let allowed = allowed_at(&SlidingLog::new(limit(permits), WINDOW), times(gaps));
        prop_assert!(most_in_a_window(&allowed, SECOND) <= permits as usize);
    }

    #[test]
    fn no_window_of_a_counter_holds_more_than_twice_its_limit(gaps in gaps(), permits in 1_u32..20) {
        let times = times(gaps);
        let twice = 2 * permits as usize;
        let fixed = allowed_at(&FixedWindow::new(limit(permits), WINDOW), times.iter().copied());
        prop_assert!(most_in_a_window(&fixed, SECOND) <= twice);
        let sliding = allowed_at(&SlidingCounter::new(limit(permits), WINDOW), times);
        prop_assert!(most_in_a_window(&sliding, SECOND) <= twice);
    }

    #[test]
    fn a_token_bucket_decides_as_gcra_does(gaps in gaps(), permits in 1_u32..20, per_second in 0.5_f64..50.0) {
        let times = times(gaps);
        let bucket = TokenBucket::new(rate(per_second), burst(permits));
        let gcra = Gcra::new(rate(per_second), burst(permits));
        let (mut spent, mut tat) = (Default::default(), 0);
        for now in times {
            let expected = Algorithm::decide(&gcra, &mut tat, now);
            prop_assert_eq!(bucket.decide(&mut spent, now), expected);
        }
    }

    #[test]
    fn whoever_asks_again_when_told_is_allowed_and_not_before(gaps in gaps(), permits in 1_u32..20) {
        let times = times(gaps);
        keeps_its_word(&FixedWindow::new(limit(permits), WINDOW), &times)?;
        keeps_its_word(&SlidingLog::new(limit(permits), WINDOW), &times)?;
        keeps_its_word(&SlidingCounter::new(limit(permits), WINDOW), &times)?;
        keeps_its_word(&TokenBucket::new(rate(7.3), burst(permits)), &times)?;
        keeps_its_word(&RenewedWindow::new(limit(permits), WINDOW), &times)?;
    }
}
