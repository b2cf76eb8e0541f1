//! Faults of the API server: whatever goes wrong, every Query ends, and none is executed twice.

use std::time::Duration;

use control_plane::controller::ControllerConfig;
use control_plane::queue::QueueConfig;
use query_api::dialect::Dialect;
use query_api::query::Phase;
use serde_json::json;
use testbed::kube_api::Verb;
use testbed::kube_api::{Effect, Fault, Lost};
use tokio::time::{Instant, sleep};

use super::stage::*;

const METADATA: &str = "queries";
const STATUS: &str = "queries/status";

fn add(stage: &Stage, effect: Effect, verb: Verb, resource: &str, rate: f64) {
    let fault = Fault::new(effect).on(verb).of(resource).at_rate(rate);
    stage.api.faults().add(fault);
}

/// Every target of every Query was asked exactly once.
fn assert_asked_once(stage: &Stage, n_targets: usize) {
    let calls = stage.players.all_calls();
    assert_eq!(calls.len(), n_targets);
    for (target, n_calls) in calls {
        assert_eq!(n_calls, 1, "{target:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_queries_end_once_each_among_conflicts_errors_lost_replies_and_lost_watches() {
    let stage = Stage::new(Dialect::Targets);
    for resource in [METADATA, STATUS] {
        add(&stage, Effect::Conflict, Verb::Patch, resource, 0.05);
        add(&stage, Effect::InternalError, Verb::Patch, resource, 0.02);
        for lost in [Lost::InternalError, Lost::Timeout, Lost::Disconnect] {
            add(&stage, Effect::LostReply(lost), Verb::Patch, resource, 0.01);
        }
    }
    add(&stage, Effect::Stale(5), Verb::Get, METADATA, 0.2);
    add(&stage, Effect::InternalError, Verb::Get, METADATA, 0.02);
    add(&stage, Effect::InternalError, Verb::Watch, METADATA, 0.1);
    add(&stage, Effect::DropWatch, Verb::Watch, METADATA, 0.005);
    add(&stage, Effect::ExpireWatch, Verb::Watch, METADATA, 0.005);
    let running = stage.start_with(ControllerConfig {
        queue: QueueConfig {
            max_in_flight: 50,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    });
    for index in 0..1000 {
        let name = format!("q{index}");
        match index % 4 {
            0 => {
                stage
                    .create(&name, "m1: wait 300; wait 20", &["m0", "m1"])
                    .await
            }
            1 => stage.create(&name, "fail", &["m0"]).await,
            _ => stage.create(&name, "wait 20", &["m0"]).await,
        };
    }
    for (index, query) in stage.until_ended().await.iter().enumerate() {
        let name = query.metadata.name.as_deref().unwrap();
        let number: usize = name[1..].parse().unwrap();
        let expected = if number % 4 == 1 {
            Phase::Error
        } else {
            Phase::Done
        };
        assert_eq!(query.phase(), expected, "{index}");
    }
    assert_asked_once(&stage, 1250);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_result_outlives_every_failed_write_and_its_query_is_not_executed_again() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("q", "wait 1000", &["m"]).await;
    stage.until_phase("q", Phase::Running).await;
    let fault = Fault::new(Effect::InternalError).on(Verb::Patch).of(STATUS);
    let outage = stage.api.faults().add(fault);
    sleep(Duration::from_secs(300)).await;
    assert!(stage.api.faults().n_struck(outage) > 10);
    assert_eq!(stage.get("q").await.phase(), Phase::Running);
    stage.api.faults().remove(outage);
    stage.until_phase("q", Phase::Done).await;
    assert_asked_once(&stage, 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_reply_is_lost_is_known_by_its_claim_and_phase() {
    for lost in [Lost::InternalError, Lost::Timeout, Lost::Disconnect] {
        for (resource, n_th) in [(METADATA, 1), (STATUS, 1), (STATUS, 2)] {
            let stage = Stage::new(Dialect::Targets);
            // The n-th write of the resource is lost, and the attempts after it are not.
            let fault = Fault::new(Effect::LostReply(lost))
                .on(Verb::Patch)
                .of(resource);
            let fault = stage.api.faults().add(fault.every(n_th));
            let running = stage.start();
            stage.create("q", "wait 1000", &["m"]).await;
            stage
                .until("the loss", |_| stage.api.faults().n_struck(fault) > 0)
                .await;
            stage.api.faults().remove(fault);
            stage.until_phase("q", Phase::Done).await;
            assert_asked_once(&stage, 1);
            running.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_gets_it() {
    let stage = Stage::new(Dialect::Targets);
    let fault = Fault::new(Effect::TooManyRequests(7))
        .on(Verb::Patch)
        .of(STATUS);
    stage.api.faults().add(fault.next(1));
    let running = stage.start();
    let started = Instant::now();
    stage.create("q", "hello", &["m"]).await;
    stage.until_phase("q", Phase::Done).await;
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(7), "{took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_lags_far_behind_makes_nothing_run_twice() {
    let stage = Stage::new(Dialect::Targets);
    let lag = Effect::WatchLag(Duration::from_millis(700));
    add(&stage, lag, Verb::Watch, METADATA, 0.3);
    let running = stage.start();
    for index in 0..100 {
        stage.create(&format!("q{index}"), "wait 50", &["m"]).await;
    }
    for query in stage.until_ended().await {
        assert_eq!(query.phase(), Phase::Done);
    }
    sleep(Duration::from_secs(100)).await;
    assert_asked_once(&stage, 100);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn edits_of_others_while_a_query_runs_do_not_lose_its_end() {
    for lag in [Duration::ZERO, Duration::from_secs(60)] {
        let stage = Stage::new(Dialect::Targets);
        let running = stage.start();
        stage.create("q", "wait 1000", &["m"]).await;
        stage.until_phase("q", Phase::Running).await;
        add(&stage, Effect::WatchLag(lag), Verb::Watch, METADATA, 1.0);
        for index in 0..10 {
            let label = json!({"metadata": {"labels": {"touched": index.to_string()}}});
            stage.edit("q", &label).await;
            sleep(Duration::from_millis(50)).await;
        }
        let query = stage.until_phase("q", Phase::Done).await;
        let labels = query.metadata.labels.unwrap();
        assert_eq!(labels["touched"], "9");
        assert_asked_once(&stage, 1);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_server_refuses_ends_as_an_error_that_says_why() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    // More than any API server takes in one request.
    stage.create("q", "shout 4000000", &["m"]).await;
    let query = stage.until_phase("q", Phase::Error).await;
    let (_, message) = completed(&query);
    assert!(
        message.contains("cannot be written") && message.contains("too large"),
        "{message}"
    );
    assert_asked_once(&stage, 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn cancel_and_deletion_get_through_after_an_outage_of_writes() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("canceled", "hang", &["m"]).await;
    stage.create("deleted", "hang", &["m"]).await;
    stage.until_phase("canceled", Phase::Running).await;
    stage.until_phase("deleted", Phase::Running).await;
    stage.cancel("canceled").await;
    stage.delete("deleted").await;
    for resource in [METADATA, STATUS] {
        let outage = Fault::new(Effect::InternalError).on(Verb::Patch);
        stage.api.faults().add(outage.of(resource).next(30));
    }
    stage.until_phase("canceled", Phase::Canceled).await;
    stage.until_gone("deleted").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_at_the_start_is_waited_out() {
    let stage = Stage::new(Dialect::Targets);
    let fault = Fault::new(Effect::InternalError)
        .on(Verb::List)
        .of(METADATA);
    stage.api.faults().add(fault.next(10));
    let running = stage.start();
    sleep(Duration::from_secs(120)).await;
    stage.create("q", "hello", &["m"]).await;
    stage.until_phase("q", Phase::Done).await;
    running.stop().await;
}
