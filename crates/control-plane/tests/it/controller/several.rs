//! One controller after another, and two at once.

use std::time::Duration;

use control_plane::controller::{ControllerConfig, Identity};
use control_plane::queue::QueueConfig;
use query_api::dialect::Dialect;
use query_api::query::Phase;
use serde_json::json;
use testbed::kube_api::Verb;
use testbed::kube_api::{Effect, Fault};
use tokio::time::{Instant, sleep};

use super::stage::*;

fn named(name: &str) -> ControllerConfig {
    ControllerConfig {
        identity: Identity::Named(name.to_owned()),
        ..ControllerConfig::default()
    }
}

fn without_grace() -> ControllerConfig {
    ControllerConfig {
        grace: Duration::ZERO,
        ..ControllerConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn two_controllers_at_once_execute_each_query_once() {
    for conflicts in [0.0, 0.2] {
        let stage = Stage::new(Dialect::Targets);
        let fault = Fault::new(Effect::Conflict).on(Verb::Patch).of("queries");
        stage.api.faults().add(fault.at_rate(conflicts));
        for index in 0..50 {
            stage
                .create(&format!("early{index}"), "wait 30", &["m"])
                .await;
        }
        let (first, second) = (stage.start(), stage.start());
        for index in 0..150 {
            stage
                .create(&format!("late{index}"), "wait 30", &["m"])
                .await;
        }
        for query in stage.until_ended().await {
            assert_eq!(query.phase(), Phase::Done);
        }
        let calls = stage.players.all_calls();
        assert_eq!(calls.len(), 200);
        assert!(calls.values().all(|n_calls| *n_calls == 1), "{calls:?}");
        first.stop().await;
        second.stop().await;
    }
}

/// What the documentation of `Identity::Sole` warns of, and its bound: asked twice, written once.
#[tokio::test(start_paused = true)]
async fn a_second_sole_controller_repeats_what_runs_and_the_first_result_stays() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start();
    stage.create("q", "wait 5000", &["m"]).await;
    stage.until_phase("q", Phase::Running).await;
    let second = stage.start();
    let done = stage.until_phase("q", Phase::Done).await;
    // Longer than the repetition takes, whose result is dropped.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.players.calls("q"), 2);
    let later = stage.get("q").await;
    assert_eq!(later.status, done.status);
    assert_eq!(
        later.metadata.resource_version,
        done.metadata.resource_version
    );
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_named_controller_leaves_the_running_queries_of_another_alone() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start_with(named("a"));
    stage.create("q", "wait 5000", &["m"]).await;
    stage.until_phase("q", Phase::Running).await;
    let second = stage.start_with(named("b"));
    stage.until_phase("q", Phase::Done).await;
    assert_eq!(stage.players.calls("q"), 1);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_named_controller_resumes_what_it_had_claimed_before_its_restart() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start_with(ControllerConfig {
        grace: Duration::ZERO,
        ..named("a")
    });
    stage.create("q", "wait 5000", &["m"]).await;
    stage.until_phase("q", Phase::Running).await;
    first.stop().await;
    let second = stage.start_with(named("a"));
    stage.until_phase("q", Phase::Done).await;
    assert_eq!(stage.players.calls("q"), 2);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_lets_running_queries_end_and_starts_no_other() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start_with(ControllerConfig {
        queue: QueueConfig {
            max_in_flight: 1,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    });
    stage.create("running", "wait 5000", &["m"]).await;
    stage.until_phase("running", Phase::Running).await;
    stage.create("waiting", "hello", &["m"]).await;
    let started = Instant::now();
    first.stop().await;
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(stage.get("running").await.phase(), Phase::Done);
    assert_eq!(stage.get("waiting").await.phase(), Phase::Pending);
    let second = stage.start();
    stage.until_phase("waiting", Phase::Done).await;
    assert_eq!(stage.players.calls("running"), 1);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_grace_leaves_queries_running_and_the_next_controller_asks_only_the_rest() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start_with(without_grace());
    stage
        .create("q", "m1: wait 3000; wait 100", &["m0", "m1", "m2"])
        .await;
    stage.until_phase("q", Phase::Running).await;
    sleep(Duration::from_millis(105)).await;
    first.stop().await;
    let left = stage.get("q").await;
    assert_eq!(left.phase(), Phase::Running);
    assert_eq!(
        left.status.unwrap().responses.len(),
        2,
        "recorded on the way out"
    );
    let second = stage.start();
    let query = stage.until_phase("q", Phase::Done).await;
    let status = query.status.unwrap();
    assert_eq!(status.responses.len(), 3);
    assert_eq!(status.token_usage.unwrap().total_tokens, 9);
    let calls = |model| stage.players.calls_of("q", model);
    assert_eq!((calls("m0"), calls("m1"), calls("m2")), (1, 2, 1));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn cancel_and_deletion_that_came_while_no_controller_was_there_are_done_by_the_next() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start_with(without_grace());
    stage.create("canceled", "hang", &["m"]).await;
    stage.create("deleted", "hang", &["m"]).await;
    stage.until_phase("canceled", Phase::Running).await;
    stage.until_phase("deleted", Phase::Running).await;
    first.stop().await;
    stage.cancel("canceled").await;
    stage.delete("deleted").await;
    let second = stage.start();
    stage.until_phase("canceled", Phase::Canceled).await;
    stage.until_gone("deleted").await;
    assert_eq!(stage.players.all_calls().values().sum::<usize>(), 2);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_query_that_another_kind_of_controller_runs_is_left_alone() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("first", "hello", &["m"]).await;
    stage.until_phase("first", Phase::Done).await;
    running.stop().await;
    // Started by somebody who leaves no claim, while this controller watches.
    let slow = ControllerConfig {
        queue: QueueConfig {
            max_in_flight: 1,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    };
    let running = stage.start_with(slow);
    stage.create("long", "wait 5000", &["m"]).await;
    stage.until_phase("long", Phase::Running).await;
    stage.create("q", "hello", &["m"]).await;
    let patch = json!({"status": {"phase": "running"}});
    let patch = kube::api::Patch::Merge(&patch);
    let (queries, params) = (stage.queries(), Default::default());
    queries.patch_status("q", &params, &patch).await.unwrap();
    stage.until_phase("long", Phase::Done).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.get("q").await.phase(), Phase::Running);
    assert_eq!(stage.players.calls("q"), 0);
    running.stop().await;
}
