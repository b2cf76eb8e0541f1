//! Nothing is lost, nothing is made up, and what does not belong together is refused.

use std::path::Path;
use std::time::Duration;

use hdrhistogram::serialization::{Serializer as _, V2Serializer};
use hdrhistogram::{Counter, Histogram};
use proptest::prelude::*;
use results::machine::Machine;

use super::*;
use crate::driver::Driver;
use crate::driver::null::Null;
use crate::outcome::Outcome;
use crate::recorder::{Latencies, Tally};
use crate::sample::{Sample, Times};

mod health;

const RUN: &str = "load-test";

fn scenario() -> Scenario {
    let text = "text = \"A test; does not show anything.\"\n\
        [[operation]]\nname = \"big\"\nweight = 1.0\n[[operation]]\nname = \"small\"\nweight = 3.0\n\
        [burst]\ncount = 40\n[llm]\nlatency = [\"1s\", \"1s\"]\n\
        [[slo]]\nmetric = \"success\"\nat_least = 0.5\n";
    Scenario::parse(Path::new("test.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

fn machine() -> Machine {
    Machine {
        processor: "a processor".to_owned(),
        cores: 2,
        memory_gib: 4,
        virtualised: true,
        architecture: "x".to_owned(),
        kernel: "6".to_owned(),
        rustc: "1".to_owned(),
        flags: String::new(),
        governor: None,
        turbo: None,
    }
}

fn recorded<'s>(samples: impl IntoIterator<Item = &'s Sample>) -> Recorder {
    let mut recorder = Recorder::new(2);
    for sample in samples {
        recorder.record(sample);
    }
    recorder
}

/// What a worker with these samples has to hand over.
fn part(worker: Worker, recorder: Recorder) -> Part {
    let started = recorder.all().outcomes.total();
    let scenario = scenario();
    Part {
        of: Belonging {
            run: RUN.to_owned(),
            fingerprint: fingerprint(&scenario),
            seed: scenario.seed,
            begin: Some("2026-01-02T03:04:05.678901Z".to_owned()),
            worker,
        },
        capabilities: Null::default().capabilities(),
        circumstances: Circumstances {
            name: "test".to_owned(),
            time_scale: 1.0,
            settings: vec![("timeout_s".to_owned(), "20".to_owned())],
            machine: machine(),
        },
        recorder,
        health: Health::default(),
        findings: Findings::default(),
        started,
        duration: Duration::from_millis(100 + worker.number() as u64),
        interrupted: false,
        left_over: worker.number(),
    }
}

/// The parts of all workers, who take turns with the samples as they do with a schedule, by way of their text.
fn parts(samples: &[Sample], workers: usize) -> Vec<Found> {
    let parts = (0..workers).map(|number| {
        let worker = Worker::new(number, workers).expect("below");
        let part = part(worker, recorded(worker.share(samples)));
        read_again(&part, &format!("part {number}"))
    });
    parts.collect()
}

fn read_again(part: &Part, place: &str) -> Found {
    let part = Part::parse(place, &part.json()).unwrap_or_else(|error| panic!("{error}"));
    Found {
        place: place.to_owned(),
        part,
    }
}

fn gathered(found: Vec<Found>) -> Result<Gathered, WorkersError> {
    merged(&scenario(), RUN, found)
}

fn error_of(found: Vec<Found>) -> String {
    let error = gathered(found).expect_err("these make no run");
    error.to_string()
}

fn sample(operation: usize, intended_ms: u64, took_us: u64, outcome: Outcome) -> Sample {
    let intended = Duration::from_millis(intended_ms);
    let after = |share: u64| Some(intended + Duration::from_micros(took_us * share / 4));
    Sample {
        operation,
        outcome,
        times: Times {
            intended,
            sent: Some(intended),
            acknowledged: after(1),
            running: after(2).filter(|_| outcome != Outcome::Stuck),
            first_token: after(3).filter(|_| operation == 1),
            done: after(4).filter(|_| outcome.has_latency()),
            ..Times::default()
        },
    }
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let outcome = proptest::sample::select(Outcome::ALL.to_vec());
    let numbers = (0..2_usize, 0..3_000_000_u64, 0..100_000_000_u64, outcome);
    numbers
        .prop_map(|(operation, intended, took, outcome)| sample(operation, intended, took, outcome))
}

fn samples(count: u64) -> Vec<Sample> {
    let samples = (0..count).map(|number| sample(0, number, 7_000 + number, Outcome::Done));
    samples.collect()
}

/// Every count of every bucket, as other tools read them.
fn bits<C: Counter>(histogram: &Histogram<C>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(histogram, &mut bytes)
        .expect("memory takes it");
    bytes
}

fn latencies(tally: &Tally) -> [&Latencies; 6] {
    [
        &tally.response,
        &tally.service,
        &tally.create,
        &tally.queue_wait,
        &tally.start,
        &tally.first_token,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_merged_parts_of_any_number_of_workers_are_what_one_recorder_keeps(
        samples in proptest::collection::vec(any_sample(), 0..60),
        workers in 1..9_usize,
    ) {
        let single = recorded(&samples);
        let found = parts(&samples, workers);
        let merged = gathered(found).expect("they belong together").ran;
        prop_assert_eq!(merged.started, samples.len() as u64);
        prop_assert_eq!(merged.recorder.tallies().len(), single.tallies().len());
        for (ours, theirs) in merged.recorder.tallies().iter().zip(single.tallies()) {
            prop_assert_eq!(ours.outcomes, theirs.outcomes);
            prop_assert_eq!(ours.acknowledged, theirs.acknowledged);
            for (ours, theirs) in latencies(ours).into_iter().zip(latencies(theirs)) {
                prop_assert_eq!(&ours.came, &theirs.came);
                prop_assert_eq!(bits(&ours.came), bits(&theirs.came));
                prop_assert_eq!(ours.censored, theirs.censored);
            }
        }
        let (ours, theirs) = (merged.recorder.windows(), single.windows());
        prop_assert_eq!(ours.width(), theirs.width());
        prop_assert_eq!(ours.iter().count(), theirs.iter().count());
        for (ours, theirs) in ours.iter().zip(theirs.iter()) {
            prop_assert_eq!(ours.intended, theirs.intended);
            prop_assert_eq!(ours.ended, theirs.ended);
            prop_assert_eq!(bits(&ours.response), bits(&theirs.response));
        }
    }

    #[test]
    fn a_part_that_is_cut_off_is_refused_wherever_the_cut_is(share in 0.0..1.0_f64) {
        let text = part(Worker::ALONE, recorded(&samples(9))).json();
        let whole = text.trim_end().len();
        let cut = (whole as f64 * share) as usize;
        let error = Part::parse("p.json", &text[..cut]).expect_err("it is not whole");
        prop_assert!(error.to_string().starts_with("part p.json"), "{}", error);
    }
}

#[test]
fn times_are_the_longest_and_counts_the_sum() {
    let gathered = gathered(parts(&samples(40), 3)).expect("they belong together");
    let ran = gathered.ran;
    assert_eq!(ran.duration, Duration::from_millis(102));
    assert_eq!(ran.left_over, 3);
    assert_eq!(ran.plan.starts, 40);
    assert_eq!(ran.health.verdict, Verdict::Valid);
    let workers = ("workers".to_owned(), "3".to_owned());
    assert!(gathered.circumstances.settings.contains(&workers));
}

#[test]
fn executions_are_those_of_all_and_unknown_as_soon_as_one_worker_cannot_count() {
    let counted = |executions: &[(u64, u64)], still| Findings {
        executions: Some(executions.iter().copied().collect()),
        most_at_once: Some((3, 8)),
        still_at_work: Some(still),
        model: None,
    };
    let mut found = parts(&samples(40), 2);
    found[0].part.findings = counted(&[(0, 1), (2, 2)], 1);
    found[1].part.findings = counted(&[(1, 1), (2, 1)], 2);
    let found: Vec<Found> = found
        .iter()
        .map(|found| read_again(&found.part, "again"))
        .collect();
    let findings = gathered(found.clone()).expect("one run").ran.findings;
    let executions = HashMap::from([(0, 1), (1, 1), (2, 2)]);
    assert_eq!(findings.executions, Some(executions));
    assert_eq!(findings.still_at_work, Some(3));
    assert_eq!(findings.most_at_once, None, "of each, but not of all");
    let mut found = found;
    found[1].part.findings = Findings::default();
    let findings = gathered(found).expect("one run").ran.findings;
    assert_eq!(findings, Findings::default());
}

#[test]
fn an_interrupted_worker_interrupts_the_run() {
    let mut found = parts(&samples(40), 2);
    found[1].part.interrupted = true;
    assert!(gathered(found).expect("one run").ran.interrupted);
}

#[test]
fn a_worker_that_is_there_twice_is_named_with_both_places() {
    let mut found = parts(&samples(40), 2);
    let mut again = found[1].clone();
    again.place = "copy".to_owned();
    found.push(again);
    let error = error_of(found);
    assert!(error.contains("worker 1 of 2"), "{error}");
    assert!(
        error.contains("part 1") && error.contains("copy"),
        "{error}"
    );
}

#[test]
fn parts_of_different_runs_are_refused_with_what_differs() {
    type Change = fn(&mut Part);
    let changes: [(&str, Change); 6] = [
        ("run", |part| part.of.run = "another".to_owned()),
        ("seed", |part| part.of.seed += 1),
        ("scenario", |part| part.of.fingerprint = "0".repeat(32)),
        ("number of workers", |part| {
            part.of.worker = Worker::new(1, 5).expect("below");
        }),
        ("begin", |part| part.of.begin = None),
        ("setting", |part| part.circumstances.settings.clear()),
    ];
    for (what, change) in changes {
        let mut found = parts(&samples(40), 2);
        change(&mut found[1].part);
        let error = error_of(found);
        assert!(error.contains(&format!("another {what}")), "{error}");
        assert!(error.contains("part 1"), "{error}");
    }
}

#[test]
fn a_part_with_another_mix_is_refused() {
    let mut found = parts(&samples(40), 2);
    found[1].part.recorder = Recorder::new(1);
    assert!(error_of(found).contains("1 operations"));
}

#[test]
fn nothing_at_all_is_no_run() {
    assert!(error_of(Vec::new()).contains("no part of run load-test"));
}

#[test]
fn a_part_of_another_version_is_named() {
    let text = part(Worker::ALONE, recorded(&samples(9))).json();
    let newer = text.replacen("\"version\":3", "\"version\":4", 1);
    let parsed = Part::parse("p.json", &newer).map(drop);
    let error = parsed.expect_err("it is newer");
    assert!(matches!(error, WorkersError::Version { found: 4, .. }));
    assert!(error.to_string().contains("p.json"), "{error}");
}

#[test]
fn a_part_whose_numbers_no_recorder_has_is_refused() {
    let text = part(Worker::ALONE, recorded(&samples(9))).json();
    let width = "\"window_width_ns\":1000000000";
    let histogram = "\"hdr\":\"";
    for (from, to) in [
        (width, "\"window_width_ns\":1500000000"),
        (width, "\"window_width_ns\":3000000000"),
        (histogram, "\"hdr\":\"AAAA"),
        ("\"worker\":0", "\"worker\":1"),
        ("\"run\":", "\"more\":1,\"run\":"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Part::parse("p.json", &text.replacen(from, to, 1));
        assert!(
            matches!(error, Err(WorkersError::Malformed { .. })),
            "{to}: {error:?}"
        );
    }
}
