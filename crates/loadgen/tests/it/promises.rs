//! A failing promise fails the run, for every kind of promise; a kept one does not.

use std::collections::HashMap;
use std::time::Duration;

use loadgen::driver::null::Null;
use loadgen::driver::{Driver, Findings, Inside};
use loadgen::health::{Health, Reading, Reason, Verdict, Window};
use loadgen::invariants;
use loadgen::judging::{Conclusion, conclude, judgements};
use loadgen::outcome::Outcome;
use loadgen::recorder::Recorder;
use loadgen::run::Ran;
use loadgen::sample::{Sample, Times};
use loadgen::scenario::Scenario;
use loadgen::slo::judge::Standing;
use loadgen::usage::{Subject, Usage};

use crate::runs::scenario;

const N_QUERIES: u64 = 400;

fn with_promise(promise: &str) -> Scenario {
    answering_in("100ms", promise)
}

fn answering_in(latency: &str, promise: &str) -> Scenario {
    let load = format!("[closed]\nusers = 10\nqueries = {N_QUERIES}\n[[slo]]\n{promise}\n");
    scenario(&load, latency, "")
}

/// A run whose queries all took 100 ms, of which 20 before they began; some did not end rightly.
fn finished(scenario: &Scenario, others: &[(Outcome, u64)]) -> Ran {
    let mut recorder = Recorder::new(1);
    let mut rest: Vec<Outcome> = others
        .iter()
        .flat_map(|(outcome, count)| std::iter::repeat_n(*outcome, *count as usize))
        .collect();
    let every = N_QUERIES / (rest.len() as u64).max(1);
    let ms = Duration::from_millis;
    for number in 0..N_QUERIES {
        let intended = ms(10 * number);
        // Spread over the run: neighbours that share a fate would count as fewer samples.
        let other = number.is_multiple_of(every).then(|| rest.pop()).flatten();
        let outcome = other.unwrap_or(Outcome::Done);
        recorder.record(&Sample {
            operation: 0,
            outcome,
            times: Times {
                intended,
                sent: Some(intended),
                acknowledged: Some(intended + ms(5)),
                running: Some(intended + ms(20)),
                first_token: Some(intended + ms(50)),
                done: outcome.has_latency().then_some(intended + ms(100)),
                ..Times::default()
            },
        });
    }
    let usage = |seconds: u64| Usage {
        at: Duration::from_secs(seconds),
        resident_bytes: 100 << 20,
        cpu: Duration::from_millis(seconds * 500),
        n_files: 10,
        n_threads: 5,
        in_flight: 10,
        inside: Inside::default(),
    };
    Ran {
        plan: scenario.plan(),
        capabilities: Null::default().capabilities(),
        recorder,
        health: Health::default(),
        findings: Findings {
            executions: Some(HashMap::new()),
            ..Findings::default()
        },
        started: N_QUERIES,
        most_open: Some(10),
        duration: ms(10 * (N_QUERIES - 1) + 100),
        interrupted: false,
        left_over: 0,
        subject: Subject::Own,
        drained: None,
        usage: vec![usage(0), usage(4)],
    }
}

fn conclusion(promise: &str, others: &[(Outcome, u64)]) -> Conclusion {
    let scenario = with_promise(promise);
    let ran = finished(&scenario, others);
    let judged = judgements(&scenario, &ran);
    conclude(&ran, &judged, &invariants::check(&ran))
}

/// The promise is kept by the run as it is, and missed with the second bound.
fn check(kept: &str, missed: &str) {
    assert_eq!(conclusion(kept, &[]), Conclusion::Fine, "{kept}");
    assert_eq!(conclusion(missed, &[]), Conclusion::Missed, "{missed}");
}

#[test]
fn a_missed_latency_fails_the_run_whichever_it_is() {
    for (metric, kept, missed) in [
        ("response", "110ms", "90ms"),
        ("service", "110ms", "90ms"),
        ("create", "6ms", "4ms"),
        ("queue-wait", "16ms", "14ms"),
        ("start", "21ms", "19ms"),
        ("first-token", "55ms", "45ms"),
    ] {
        for quantile in ["0.5", "0.95", "0.99"] {
            let promise = |bound: &str| {
                format!("metric = \"{metric}\"\nquantile = {quantile}\nat_most = \"{bound}\"")
            };
            check(&promise(kept), &promise(missed));
        }
    }
}

#[test]
fn a_missed_rate_fails_the_run() {
    check(
        "metric = \"throughput\"\nat_least = 0.95",
        "metric = \"throughput\"\nat_least = 1.0",
    );
    check(
        "metric = \"rate\"\nat_least = 97.0",
        "metric = \"rate\"\nat_least = 101.0",
    );
}

#[test]
fn a_missed_bound_on_resources_fails_the_run() {
    check(
        "metric = \"rss\"\nat_most_bytes = 134217728",
        "metric = \"rss\"\nat_most_bytes = 1048576",
    );
    check(
        "metric = \"cpu\"\nat_most_share = 1.0",
        "metric = \"cpu\"\nat_most_share = 0.001",
    );
}

#[test]
fn failures_of_every_kind_fail_the_run() {
    for outcome in Outcome::ALL
        .into_iter()
        .filter(|outcome| *outcome != Outcome::Done)
    {
        let others = [(outcome, 100)];
        let success = "metric = \"success\"\nat_least = 0.99";
        assert_eq!(
            conclusion(success, &others),
            Conclusion::Missed,
            "{outcome:?}"
        );
        let failures = "metric = \"failures\"\nat_most_count = 3";
        assert_eq!(
            conclusion(failures, &others),
            Conclusion::Missed,
            "{outcome:?}"
        );
    }
    assert_eq!(
        conclusion("metric = \"success\"\nat_least = 0.99", &[]),
        Conclusion::Fine
    );
    assert_eq!(
        conclusion("metric = \"failures\"\nat_most_count = 3", &[]),
        Conclusion::Fine
    );
}

#[test]
fn duplicates_fail_the_run() {
    let promise = "metric = \"duplicates\"\nat_most_count = 0";
    assert_eq!(conclusion(promise, &[]), Conclusion::Fine);
    assert_eq!(
        conclusion(promise, &[(Outcome::Duplicated, 1)]),
        Conclusion::Missed
    );
}

#[test]
fn what_never_came_misses_a_bound_on_a_latency() {
    let promise = "metric = \"response\"\nquantile = 0.95\nat_most = \"110ms\"";
    assert_eq!(
        conclusion(promise, &[(Outcome::TimedOut, 80)]),
        Conclusion::Missed
    );
    assert_eq!(
        conclusion(promise, &[(Outcome::Lost, 80)]),
        Conclusion::Missed
    );
}

#[test]
fn a_broken_invariant_fails_a_run_that_kept_its_promises() {
    let scenario = with_promise("metric = \"success\"\nat_least = 0.9");
    let broken: [fn(&mut Ran); 5] = [
        |ran| ran.started += 1,
        |ran| ran.left_over = 1,
        |ran| ran.findings.executions = Some(HashMap::from([(7, 2)])),
        |ran| ran.findings.most_at_once = Some((4, 3)),
        |ran| ran.findings.still_at_work = Some(1),
    ];
    for breaks in broken {
        let mut ran = finished(&scenario, &[]);
        breaks(&mut ran);
        let judged = judgements(&scenario, &ran);
        let invariants = invariants::check(&ran);
        assert_eq!(
            conclude(&ran, &judged, &invariants),
            Conclusion::Missed,
            "{invariants:?}"
        );
    }
}

#[test]
fn a_spoiled_run_neither_keeps_nor_misses_anything() {
    let scenario = with_promise("metric = \"response\"\nquantile = 0.5\nat_most = \"1ms\"");
    let mut ran = finished(&scenario, &[]);
    ran.health.verdict = Verdict::Invalid;
    let judged = judgements(&scenario, &ran);
    assert_eq!(
        conclude(&ran, &judged, &invariants::check(&ran)),
        Conclusion::Spoiled
    );
}

#[test]
fn a_late_burst_that_was_open_at_once_keeps_or_misses_its_counts_and_nothing_else() {
    let standing = |promise: &str, most_open, reason| {
        let load = format!("[burst]\ncount = {N_QUERIES}\n[[slo]]\n{promise}\n");
        let scenario = scenario(&load, "100ms", "");
        let mut ran = finished(&scenario, &[(Outcome::Failed, 1)]);
        ran.most_open = most_open;
        ran.health.verdict = Verdict::Invalid;
        ran.health.reasons = vec![Reason::ScheduleLag, reason];
        let judged = judgements(&scenario, &ran);
        let conclusion = conclude(&ran, &judged, &invariants::check(&ran));
        (judged[0].standing, conclusion)
    };
    let spoiled = (Standing::Invalid, Conclusion::Spoiled);
    let (all, most) = (
        "metric = \"success\"\nat_least = 1.0",
        "metric = \"success\"\nat_least = 0.9",
    );
    let latency = "metric = \"response\"\nquantile = 0.5\nat_most = \"1m\"";
    for (promise, most_open, reason, expected) in [
        (
            most,
            Some(N_QUERIES),
            Reason::Waiting,
            (Standing::Met, Conclusion::Fine),
        ),
        (
            all,
            Some(N_QUERIES),
            Reason::Waiting,
            (Standing::Missed, Conclusion::Missed),
        ),
        (most, Some(N_QUERIES - 1), Reason::Waiting, spoiled),
        (most, None, Reason::Waiting, spoiled),
        (most, Some(N_QUERIES), Reason::Sockets, spoiled),
        (latency, Some(N_QUERIES), Reason::Waiting, spoiled),
    ] {
        assert_eq!(
            standing(promise, most_open, reason),
            expected,
            "{promise}, {most_open:?}, {reason:?}"
        );
    }
}

#[test]
fn a_pace_that_the_hypervisor_may_have_slowed_is_met_or_open_and_never_missed() {
    let stolen = |seconds: u64| Window {
        begin: Duration::from_secs(seconds),
        reading: Reading {
            steal: 0.5,
            ..Reading::default()
        },
        verdict: Verdict::Stolen,
        reasons: vec![Reason::Steal],
    };
    let standing = |promise: &str| {
        let scenario = with_promise(promise);
        let mut ran = finished(&scenario, &[]);
        ran.health.windows = vec![
            stolen(0),
            Window {
                verdict: Verdict::Valid,
                ..stolen(1)
            },
        ];
        let judged = judgements(&scenario, &ran);
        let conclusion = conclude(&ran, &judged, &invariants::check(&ran));
        (judged[0].standing, conclusion)
    };
    let latency = standing("metric = \"response\"\nquantile = 0.5\nat_most = \"1m\"");
    assert_eq!(latency, (Standing::Met, Conclusion::Fine));
    // About 100 per second were done, in time of which a half was not the system's own.
    for (at_least, expected) in [
        (50, (Standing::Met, Conclusion::Fine)),
        (150, (Standing::Inconclusive, Conclusion::CouldNotTell)),
        (250, (Standing::Missed, Conclusion::Missed)),
    ] {
        let pace = standing(&format!("metric = \"rate\"\nat_least = {at_least}.0"));
        assert_eq!(pace, expected, "{at_least} per second");
    }
}

#[test]
fn what_a_shortened_run_breaks_is_missed_only_if_the_whole_scenario_would_break_it() {
    let standing = |promise: &str| {
        let scenario = answering_in("500ms", promise).scaled(0.2);
        judgements(&scenario, &finished(&scenario, &[]))[0].standing
    };
    // 97.8 % of the pace; with as much added to five times the duration it were 99.6 %.
    for (at_least, expected) in [
        (0.95, Standing::Met),
        (0.99, Standing::Inconclusive),
        (0.999, Standing::Missed),
    ] {
        let pace = standing(&format!("metric = \"throughput\"\nat_least = {at_least}"));
        assert_eq!(pace, expected, "{at_least} of the pace");
    }
    // Answers came after 100 ms, a fifth of which bounds are held at.
    for (at_most, expected) in [
        ("600ms", Standing::Met),
        ("450ms", Standing::Inconclusive),
        ("90ms", Standing::Missed),
    ] {
        let latency = standing(&format!(
            "metric = \"response\"\nquantile = 0.5\nat_most = \"{at_most}\""
        ));
        assert_eq!(latency, expected, "{at_most}");
    }
    let rate = standing("metric = \"rate\"\nat_least = 101.0");
    assert_eq!(rate, Standing::Missed, "a bound that is not shortened");
}

#[test]
fn a_run_that_was_broken_off_cannot_be_told() {
    let scenario = with_promise("metric = \"response\"\nquantile = 0.5\nat_most = \"1ms\"");
    let mut ran = finished(&scenario, &[]);
    ran.interrupted = true;
    let judged = judgements(&scenario, &ran);
    assert_eq!(
        conclude(&ran, &judged, &invariants::check(&ran)),
        Conclusion::CouldNotTell
    );
}
