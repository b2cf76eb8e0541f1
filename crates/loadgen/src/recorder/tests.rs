//! Merging, censoring and the width of windows.

use proptest::prelude::*;

use super::*;
use crate::sample::Times;

fn sample(intended_ms: u64, took_ms: u64, outcome: Outcome) -> Sample {
    let intended = Duration::from_millis(intended_ms);
    let done = intended + Duration::from_millis(took_ms);
    Sample {
        operation: 0,
        outcome,
        times: Times {
            intended,
            sent: Some(intended),
            acknowledged: Some(intended),
            running: Some(intended),
            done: outcome.has_latency().then_some(done),
            ..Times::default()
        },
    }
}

fn recorder(samples: &[Sample]) -> Recorder {
    let mut recorder = Recorder::new(1);
    for sample in samples {
        recorder.record(sample);
    }
    recorder
}

#[test]
fn a_timeout_is_censored_and_never_averaged() {
    let mut samples = vec![sample(0, 10, Outcome::Done); 9];
    samples.push(sample(0, 0, Outcome::TimedOut));
    let tally = recorder(&samples).all();
    assert_eq!(tally.response.came.len(), 9);
    assert_eq!(tally.response.censored, 1);
    let p90 = tally.response.quantile(0.9).expect("nine of ten came");
    assert_eq!(p90.as_millis(), 10);
    assert_eq!(tally.response.quantile(0.91), None, "the tenth never came");
}

#[test]
fn a_quick_refusal_makes_no_latency_look_better() {
    let tally = recorder(&[
        sample(0, 10, Outcome::Done),
        sample(0, 0, Outcome::DeniedByRate),
        sample(0, 0, Outcome::Failed),
    ])
    .all();
    assert_eq!(tally.response.count(), 1);
    assert_eq!(tally.outcomes.total(), 3);
}

#[test]
fn what_ended_unseen_counts_as_above_any_bound() {
    let mut unseen = sample(0, 10, Outcome::Done);
    unseen.times.done = None;
    let tally = recorder(&[unseen]).all();
    assert_eq!(tally.outcomes.get(Outcome::Done), 1);
    assert_eq!(tally.response.censored, 1);
}

#[test]
fn what_is_set_aside_ends_and_has_no_latency() {
    let mut recorder = recorder(&[sample(0, 10, Outcome::Done)]);
    recorder.set_aside(&sample(0, 5_000, Outcome::Done));
    recorder.set_aside(&sample(0, 0, Outcome::TimedOut));
    let tally = recorder.all();
    assert_eq!((tally.outcomes.total(), tally.set_aside), (3, 2));
    assert_eq!(tally.outcomes.get(Outcome::TimedOut), 1);
    assert_eq!(tally.acknowledged, 3);
    for latencies in [&tally.response, &tally.service, &tally.create, &tally.start] {
        assert_eq!((latencies.came.len(), latencies.censored), (1, 0));
    }
    let windows = recorder.windows();
    assert_eq!(windows.iter().map(|window| window.intended).sum::<u64>(), 3);
    assert_eq!(
        windows
            .iter()
            .map(|window| window.response.len())
            .sum::<u64>(),
        1
    );
}

#[test]
fn long_runs_have_wider_windows_and_not_more_of_them() {
    let hours: Vec<Sample> = (0..20_000)
        .map(|second| sample(second * 1000, 5, Outcome::Done))
        .collect();
    let recorder = recorder(&hours);
    let windows = recorder.windows();
    assert!(windows.iter().count() <= 512);
    assert_eq!(windows.width(), Duration::from_secs(64));
    assert_eq!(
        windows
            .iter()
            .map(|window| window.ended.total())
            .sum::<u64>(),
        20_000
    );
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let outcome = proptest::sample::select(Outcome::ALL.to_vec());
    (0..2_000_000_u64, 0..100_000_u64, outcome)
        .prop_map(|(intended, took, outcome)| sample(intended, took, outcome))
}

proptest! {
    // Each histogram has tens of thousands of buckets.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn parts_merge_to_what_one_recorder_keeps(
        samples in proptest::collection::vec(any_sample(), 0..80),
        cut in 0..80_usize,
    ) {
        let (first, second) = samples.split_at(cut.min(samples.len()));
        let mut merged = recorder(first);
        merged.merge(&recorder(second));
        let whole = recorder(&samples);
        let (merged_all, whole_all) = (merged.all(), whole.all());
        prop_assert_eq!(merged_all.outcomes, whole_all.outcomes);
        prop_assert_eq!(&merged_all.response.came, &whole_all.response.came);
        prop_assert_eq!(merged_all.response.censored, whole_all.response.censored);
        prop_assert_eq!(&merged_all.queue_wait.came, &whole_all.queue_wait.came);
        prop_assert_eq!(merged.windows().width(), whole.windows().width());
        for (ours, theirs) in merged.windows().iter().zip(whole.windows().iter()) {
            prop_assert_eq!(ours.intended, theirs.intended);
            prop_assert_eq!(ours.ended, theirs.ended);
            prop_assert_eq!(&ours.response, &theirs.response);
        }
    }

    #[test]
    fn a_quantile_is_off_by_a_thousandth_at_most(millis in 1..1_000_000_u64) {
        let tally = recorder(&[sample(0, millis, Outcome::Done)]).all();
        let median = tally.response.quantile(0.5).expect("one sample");
        let exact = millis as f64 / 1e3;
        prop_assert!((median.as_secs_f64() - exact).abs() <= exact / 999.0);
    }
}
