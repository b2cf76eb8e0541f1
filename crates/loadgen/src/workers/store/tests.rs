//! Parts in ConfigMaps of the API stand-in.

use std::path::Path;

use results::machine::Machine;
use testbed::kube_api::{Effect, Fault, KubeApi, Verb};

use super::*;
use crate::driver::Driver;
use crate::driver::Findings;
use crate::driver::null::Null;
use crate::health::Health;
use crate::recorder::Recorder;
use crate::report::model::Circumstances;
use crate::scenario::Scenario;
use crate::share::Worker;
use crate::workers::part::{Belonging, fingerprint};

const RUN: &str = "load-test";

fn store(api: &KubeApi) -> Store {
    let patience = Duration::from_secs(30);
    Store::new(
        api.client("default"),
        "workers".to_owned(),
        RUN.to_owned(),
        patience,
    )
}

fn part(number: usize) -> Part {
    let text = "text = \"x\"\n[burst]\ncount = 4\n[llm]\nlatency = [\"1s\", \"1s\"]\n";
    let scenario = Scenario::parse(Path::new("test.toml"), text).expect("it is right");
    Part {
        of: Belonging {
            run: RUN.to_owned(),
            fingerprint: fingerprint(&scenario),
            seed: scenario.seed,
            begin: None,
            worker: Worker::new(number, 2).expect("below"),
        },
        capabilities: Null::default().capabilities(),
        circumstances: Circumstances {
            name: "test".to_owned(),
            time_scale: 1.0,
            settings: Vec::new(),
            machine: Machine::here(),
        },
        recorder: Recorder::new(1),
        health: Health::default(),
        findings: Findings::default(),
        started: 7,
        duration: Duration::ZERO,
        interrupted: false,
        left_over: 0,
    }
}

async fn put(store: &Store, part: &Part) -> Result<(), DriverError> {
    store.put(part, packed(part).expect("it is small")).await
}

async fn found(store: &Store) -> Result<Vec<Found>, WorkersError> {
    let kept = store.find().await.expect("the server answers");
    kept.iter().map(Kept::unpacked).collect()
}

#[tokio::test(start_paused = true)]
async fn what_workers_leave_is_what_the_gatherer_finds() {
    let api = KubeApi::new();
    let store = store(&api);
    for number in [0, 1] {
        put(&store, &part(number)).await.expect("the place is free");
    }
    let found = found(&store).await.expect("both are whole");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].place, "ConfigMap load-test-part-1");
    assert_eq!(found[1].part.json(), part(1).json());
    store.clear().await.expect("the server answers");
    assert_eq!(api.n_objects("configmaps"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_missing_is_waited_for_and_then_left_out() {
    let store = store(&KubeApi::new());
    put(&store, &part(1)).await.expect("the place is free");
    let late = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        put(&store, &part(0)).await.expect("the place is free");
    };
    let (found_both, ()) = tokio::join!(found(&store), late);
    assert_eq!(found_both.expect("both are whole").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_gets_what_there_is() {
    let store = store(&KubeApi::new());
    assert!(found(&store).await.expect("none is broken").is_empty());
    put(&store, &part(1)).await.expect("the place is free");
    assert_eq!(found(&store).await.expect("it is whole").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_handed_over_in_spite_of_a_server_that_stumbles() {
    let api = KubeApi::new();
    let stumble = Fault::new(Effect::InternalError).on(Verb::Create);
    api.faults().add(stumble.of("configmaps").next(3));
    put(&store(&api), &part(0)).await.expect("it tries again");
    assert_eq!(api.n_objects("configmaps"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_part_may_come_twice_and_another_one_may_not() {
    let store = store(&KubeApi::new());
    put(&store, &part(0)).await.expect("the place is free");
    put(&store, &part(0)).await.expect("it is the same");
    let mut other = part(0);
    other.started += 1;
    let error = put(&store, &other).await.expect_err("it is another");
    assert!(matches!(error, DriverError::Taken { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_cut_off_or_is_none_is_named() {
    let store = store(&KubeApi::new());
    let whole = packed(&part(0)).expect("it is small");
    let half = whole[..whole.len() / 2].to_vec();
    store.put(&part(0), half).await.expect("the place is free");
    let error = found(&store).await.expect_err("it is cut off");
    assert!(error.to_string().contains("load-test-part-0"), "{error}");
    let none = Kept {
        place: "ConfigMap x".to_owned(),
        packed: None,
    };
    let error = none.unpacked().expect_err("there is nothing");
    assert!(error.to_string().contains(KEY), "{error}");
}

#[test]
fn a_part_that_no_config_map_takes_is_refused_with_the_mend() {
    let mut part = part(0);
    // Digits of a multiplication that does not repeat: nothing to deflate.
    let executions = (0..200_000_u64).map(|id| (id, id.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    part.findings.executions = Some(executions.collect());
    let error = packed(&part).expect_err("it is large");
    assert!(matches!(error, WorkersError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("--part FILE"), "{error}");
}
