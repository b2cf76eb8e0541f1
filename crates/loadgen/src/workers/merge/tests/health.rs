//! Whether the run of several workers may be believed.

use std::time::Duration;

use super::{gathered, parts, read_again, samples, scenario};
use crate::health::{Reading, Reason, Verdict, Window, judge_run};
use crate::invariants;
use crate::judging::{Conclusion, conclude, judgements};
use crate::report::model::LoadRecord;
use crate::report::{junit, markdown, text};
use crate::workers::merge::Gathered;

#[test]
fn a_lost_worker_makes_the_run_invalid_and_is_named() {
    for lost in 0..3 {
        let mut found = parts(&samples(40), 3);
        found.remove(lost);
        let ran = gathered(found).expect("a lost worker is no error").ran;
        assert_eq!(ran.health.lost_workers, [lost]);
        assert_eq!(ran.health.reasons, [Reason::WorkerLost]);
        let scenario = scenario();
        let judged = judgements(&scenario, &ran);
        let conclusion = conclude(&ran, &judged, &invariants::check(&ran));
        assert_eq!(conclusion, Conclusion::Spoiled);
    }
}

/// Two workers of 20 starts in about 0.1 s each, who can make so many per second.
fn with_ceilings(ceilings: [Option<f64>; 2]) -> Gathered {
    let found = parts(&samples(40), 2).into_iter().zip(ceilings);
    let found = found.map(|(mut found, ceiling)| {
        found.part.health.ceiling = ceiling;
        read_again(&found.part, &found.place)
    });
    gathered(found.collect()).expect("they belong together")
}

#[test]
fn each_worker_is_held_against_its_own_ceiling() {
    let health = |ceilings| with_ceilings(ceilings).ran.health;
    let fine = health([Some(410.0), Some(1000.0)]);
    assert_eq!(fine.verdict, Verdict::Valid);
    assert_eq!(fine.ceiling, Some(1410.0));
    for (ceilings, overtaxed) in [
        ([Some(1000.0), Some(390.0)], vec![1]),
        ([Some(390.0), Some(1000.0)], vec![0]),
        ([Some(390.0), Some(10.0)], vec![0, 1]),
        ([None, Some(390.0)], vec![1]),
    ] {
        let spoiled = health(ceilings);
        assert_eq!(spoiled.overtaxed_workers, overtaxed);
        assert_eq!(spoiled.verdict, Verdict::Invalid);
        assert_eq!(spoiled.reasons, [Reason::Ceiling]);
    }
    assert_eq!(health([None, Some(1000.0)]).ceiling, None);
    assert_eq!(health([None, None]).verdict, Verdict::Valid);
}

#[test]
fn the_report_names_the_worker_who_made_more_than_half_of_what_it_can() {
    let Gathered { ran, circumstances } = with_ceilings([Some(1000.0), Some(390.0)]);
    let record = LoadRecord::new(&scenario(), &ran, circumstances);
    assert_eq!(record.conclusion, Conclusion::Spoiled);
    for form in [text::render, markdown::render, junit::render] {
        let said = form(&record);
        let named = "more than half of what it can was made by worker 1";
        assert!(said.contains(named), "{said}");
    }
}

#[test]
fn one_spoiled_worker_spoils_the_run() {
    let reading = Reading {
        offered: 10,
        achieved: 10,
        lag_p99: Duration::from_millis(9),
        cpu: f64::INFINITY,
        waiting: 0.25,
        throttled: Duration::from_nanos(7),
        steal: 0.125,
        loop_lag_p99: Duration::from_micros(3),
        watch_lag_p99: Some(Duration::from_micros(5)),
        socket_errors: 1,
    };
    let window = Window {
        begin: Duration::from_secs(1),
        reading,
        verdict: Verdict::Invalid,
        reasons: vec![Reason::Cpu, Reason::Sockets],
    };
    let spoiled = judge_run(vec![window], Some(Duration::from_millis(9)), None);
    let mut found = parts(&samples(40), 2);
    found[1].part.health = spoiled.clone();
    found[1] = read_again(&found[1].part, "second");
    assert_eq!(found[1].part.health, spoiled, "nothing is lost on the way");
    let health = gathered(found).expect("they belong together").ran.health;
    assert_eq!(health, spoiled);
}
