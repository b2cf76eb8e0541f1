//! The life of a Query: from its creation to its end and its removal.

use std::time::Duration;

use control_plane::controller::{ControllerConfig, Listing, Scope};
use control_plane::error::ControllerError;
use control_plane::metrics::Metrics;
use control_plane::queue::QueueConfig;
use query_api::dialect::Dialect;
use query_api::go_duration::GoDuration;
use query_api::query::{Phase, QUERY_FINALIZER, QuerySpec, Target, TargetKind};
use serde_json::json;
use testbed::kube_api::Verb;
use tokio_util::sync::CancellationToken;

use super::stage::*;

#[tokio::test(start_paused = true)]
async fn a_query_of_either_dialect_is_answered_with_three_writes_and_one_execution() {
    for dialect in Dialect::ALL {
        let stage = Stage::new(dialect);
        let running = stage.start();
        stage.create("q", "hello", &["m"]).await;
        let query = stage.until_ended().await.remove(0);
        assert_eq!(query.phase(), Phase::Done);
        let status = query.status.clone().unwrap();
        let mut responses = status.responses.iter().chain(&status.response);
        assert_eq!(responses.next().unwrap().content, "m says hello");
        assert_eq!(completed(&query).0, "QuerySucceeded");
        assert_eq!(status.token_usage.unwrap().total_tokens, 3);
        running.stop().await;
        let counts = stage.api.counts();
        assert_eq!(counts.get(Verb::Patch, "queries"), 1, "{dialect}: claim");
        assert_eq!(
            counts.get(Verb::Patch, "queries/status"),
            2,
            "{dialect}: running and done"
        );
        assert_eq!(counts.get(Verb::Get, "queries"), 0, "{dialect}: no reads");
        assert_eq!(stage.players.calls("q"), 1, "{dialect}");
    }
}

#[tokio::test(start_paused = true)]
async fn queries_that_were_there_before_are_answered_by_either_way_of_listing() {
    for listing in [Listing::Pages(3), Listing::Stream] {
        let stage = Stage::new(Dialect::Targets);
        for index in 0..10 {
            stage.create(&format!("q{index}"), "hello", &["m"]).await;
        }
        let running = stage.start_with(ControllerConfig {
            listing,
            ..ControllerConfig::default()
        });
        for query in stage.until_ended().await {
            assert_eq!(query.phase(), Phase::Done, "{listing:?}");
        }
        assert_eq!(stage.players.all_calls().values().sum::<usize>(), 10);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_configured_namespaces_are_looked_after() {
    let stage = Stage::new(Dialect::Targets);
    let scope = |namespace: &str| ControllerConfig {
        scope: Scope::Namespaces(vec!["other".to_owned(), namespace.to_owned()]),
        ..ControllerConfig::default()
    };
    stage.create("q", "hello", &["m"]).await;
    let elsewhere = stage.start_with(scope("elsewhere"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.get("q").await.phase(), Phase::Pending);
    elsewhere.stop().await;
    let here = stage.start_with(scope(NS));
    stage.until_phase("q", Phase::Done).await;
    here.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_controller_for_no_namespace_does_not_start() {
    let stage = Stage::new(Dialect::Targets);
    let config = ControllerConfig {
        scope: Scope::Namespaces(Vec::new()),
        ..ControllerConfig::default()
    };
    let controller = stage.controller(config, Metrics::new());
    let run = controller.run(CancellationToken::new());
    let error = run.await.unwrap_err();
    assert!(matches!(error, ControllerError::NoNamespace));
    let mend = ": name at least one, or choose the whole cluster";
    assert!(error.to_string().ends_with(mend), "{error}");
}

#[tokio::test(start_paused = true)]
async fn answers_stand_in_the_order_of_the_spec_and_a_failure_among_them() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage
        .create(
            "q",
            "m0: wait 90; m1: fail; m2: wait 30; hello",
            &["m0", "m1", "m2", "m3"],
        )
        .await;
    let query = stage.until_phase("q", Phase::Error).await;
    let status = query.status.as_ref().unwrap();
    let contents: Vec<_> = status
        .responses
        .iter()
        .map(|r| r.content.as_str())
        .collect();
    assert_eq!(
        contents,
        [
            "m0 says wait 90",
            "what was asked is not supported by this controller",
            "m2 says wait 30",
            "m3 says hello"
        ]
    );
    assert_eq!(status.token_usage.unwrap().total_tokens, 9);
    let (reason, message) = completed(&query);
    assert_eq!(reason, "QueryErrored");
    assert!(message.contains("1 of 4 targets failed"), "{message}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn answers_are_recorded_while_others_are_awaited_and_together_if_they_come_together() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage
        .create(
            "q",
            "m0: wait 5000; m1: wait 100; m2: wait 104; m3: wait 1000",
            &["m0", "m1", "m2", "m3"],
        )
        .await;
    let recorded = |n: usize| {
        move |queries: &[query_api::query::Query]| {
            let status = queries[0].status.as_ref();
            status.is_some_and(|status| status.responses.len() == n)
        }
    };
    let queries = stage.until("two answers", recorded(2)).await;
    assert_eq!(queries[0].phase(), Phase::Running);
    let usage = queries[0].status.as_ref().unwrap().token_usage;
    assert_eq!(usage.unwrap().total_tokens, 6);
    stage.until("three answers", recorded(3)).await;
    stage.until_phase("q", Phase::Done).await;
    running.stop().await;
    let writes = stage.api.counts().get(Verb::Patch, "queries/status");
    assert_eq!(writes, 4, "running, two records, done");
}

#[tokio::test(start_paused = true)]
async fn answers_that_all_come_at_once_are_written_once() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage
        .create("q", "wait 100", &["m0", "m1", "m2", "m3"])
        .await;
    stage.until_phase("q", Phase::Done).await;
    running.stop().await;
    let writes = stage.api.counts().get(Verb::Patch, "queries/status");
    assert_eq!(writes, 2, "running and done");
}

#[tokio::test(start_paused = true)]
async fn a_query_canceled_in_the_queue_never_runs() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start_with(one_in_flight());
    stage.create("first", "hang", &["m"]).await;
    stage.until_phase("first", Phase::Running).await;
    stage.create("q", "hello", &["m"]).await;
    stage.cancel("q").await;
    let query = stage.until_phase("q", Phase::Canceled).await;
    assert_eq!(completed(&query).0, "QueryCanceled");
    assert_eq!(stage.players.calls("q"), 0);
    stage.cancel("first").await;
    stage.until_ended().await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_running_query_is_canceled_at_once_and_keeps_the_answers_it_had() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("q", "m0: hang; hello", &["m0", "m1"]).await;
    stage.until_phase("q", Phase::Running).await;
    stage.cancel("q").await;
    let query = stage.until_phase("q", Phase::Canceled).await;
    let responses = &query.status.as_ref().unwrap().responses;
    assert_eq!(responses.len(), 1);
    assert_eq!(responses[0].content, "m1 says hello");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn cancel_after_the_end_changes_nothing_and_a_canceled_query_stays_canceled() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("done", "hello", &["m"]).await;
    stage.create("canceled", "hang", &["m"]).await;
    let done = stage.until_phase("done", Phase::Done).await;
    stage.until_phase("canceled", Phase::Running).await;
    stage.cancel("canceled").await;
    stage.until_phase("canceled", Phase::Canceled).await;
    stage.cancel("done").await;
    stage
        .edit("canceled", &json!({"spec": {"cancel": false}}))
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.get("done").await.status, done.status);
    assert_eq!(stage.get("canceled").await.phase(), Phase::Canceled);
    assert_eq!(stage.players.all_calls().values().sum::<usize>(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_query_goes_whether_it_waits_runs_or_has_ended() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start_with(one_in_flight());
    stage.create("done", "hello", &["m"]).await;
    stage.until_phase("done", Phase::Done).await;
    stage.create("running", "hang", &["m"]).await;
    stage.until_phase("running", Phase::Running).await;
    stage.create("waiting", "hello", &["m"]).await;
    for name in ["waiting", "done", "running"] {
        stage.delete(name).await;
        stage.until_gone(name).await;
    }
    assert_eq!(stage.players.calls("waiting"), 0);
    assert_eq!(stage.players.calls("running"), 1);
    stage.create("after", "hello", &["m"]).await;
    stage.until_phase("after", Phase::Done).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn finalizers_of_others_outlive_ours() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("q", "hello", &["m"]).await;
    stage.until_phase("q", Phase::Done).await;
    stage
        .edit(
            "q",
            &json!({"metadata": {"finalizers": [QUERY_FINALIZER, "example.com/audit"]}}),
        )
        .await;
    stage.delete("q").await;
    stage
        .until("our finalizer to go", |queries| {
            queries[0].metadata.finalizers == Some(vec!["example.com/audit".to_owned()])
        })
        .await;
    stage
        .edit("q", &json!({"metadata": {"finalizers": null}}))
        .await;
    stage.until_gone("q").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_query_lives_for_its_ttl_from_its_end() {
    for dialect in Dialect::ALL {
        let stage = Stage::new(dialect);
        let running = stage.start();
        let spec = QuerySpec {
            ttl: Some(GoDuration(Duration::from_secs(60))),
            ..stage.spec("wait 30000", &["m"])
        };
        stage.create_spec("q", spec).await;
        stage.until_phase("q", Phase::Done).await;
        tokio::time::sleep(Duration::from_secs(57)).await;
        assert_eq!(stage.get("q").await.phase(), Phase::Done, "{dialect}");
        let before = tokio::time::Instant::now();
        stage.until_gone("q").await;
        assert!(before.elapsed() < Duration::from_secs(5), "{dialect}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ttl_that_ran_out_while_no_controller_was_there_is_kept_by_the_next() {
    let stage = Stage::new(Dialect::Targets);
    let first = stage.start();
    let spec = QuerySpec {
        ttl: Some(GoDuration(Duration::from_secs(2))),
        ..stage.spec("hello", &["m"])
    };
    stage.create_spec("q", spec).await;
    stage.until_phase("q", Phase::Done).await;
    first.stop().await;
    let second = stage.start();
    stage.until_gone("q").await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_query_of_the_newer_dialect_that_waits_too_long_is_not_started() {
    let stage = Stage::new(Dialect::Target);
    let running = stage.start_with(one_in_flight());
    stage.create("first", "hang", &["m"]).await;
    stage.until_phase("first", Phase::Running).await;
    let spec = QuerySpec {
        timeout: Some(GoDuration(Duration::from_secs(20))),
        ..stage.spec("hello", &["m"])
    };
    stage.create_spec("q", spec).await;
    let query = stage.until_phase("q", Phase::Error).await;
    assert_eq!(completed(&query).0, "TimedOutInQueue");
    assert_eq!(stage.players.calls("q"), 0);
    stage.cancel("first").await;
    stage.until_ended().await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_after_the_end_wakes_the_query_once() {
    let stage = Stage::new(Dialect::Target);
    let running = stage.start();
    let spec = QuerySpec {
        timeout: Some(GoDuration(Duration::from_secs(20))),
        ..stage.spec("hello", &["m"])
    };
    stage.create_spec("q", spec).await;
    stage.until_phase("q", Phase::Done).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let metrics = running.metrics.encode();
    let line =
        "controller_runtime_reconcile_total{controller=\"query\",result=\"requeue_after\"} 2";
    assert!(
        metrics.contains(line),
        "the end, and the deadline: {metrics}"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_selector_asks_what_it_finds_in_either_dialect() {
    for (dialect, expected) in [
        (
            Dialect::Targets,
            vec!["m says hello", "a1 says hello", "a2 says hello"],
        ),
        (Dialect::Target, vec!["a1 says hello"]),
    ] {
        let stage = Stage::new(dialect);
        for (name, label) in [("a2", "yes"), ("a1", "yes"), ("a3", "no")] {
            let agent = testbed::population::agent(name)
                .in_namespace(NS)
                .with_label("wanted", label)
                .build();
            let agents: kube::Api<query_api::agent::Agent> =
                kube::Api::namespaced(stage.client.clone(), NS);
            agents.create(&Default::default(), &agent).await.unwrap();
        }
        let selector = json!({"matchLabels": {"wanted": "yes"}});
        let named: &[&str] = match dialect {
            Dialect::Targets => &["m"],
            Dialect::Target => &[],
        };
        let spec = QuerySpec {
            selector: serde_json::from_value(selector).unwrap(),
            ..stage.spec("hello", named)
        };
        let running = stage.start();
        stage.create_spec("q", spec).await;
        let query = stage.until_phase("q", Phase::Done).await;
        let status = query.status.unwrap();
        let responses = status.responses.iter().chain(&status.response);
        let contents: Vec<_> = responses.clone().map(|r| r.content.as_str()).collect();
        assert_eq!(contents, expected, "{dialect}");
        let last = responses.last().unwrap().target.clone().unwrap();
        assert_eq!(last.kind, TargetKind::Agent);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_query_without_targets_ends_with_an_error_that_says_so() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    let spec = QuerySpec {
        selector: serde_json::from_value(json!({"matchLabels": {"a": "b"}})).unwrap(),
        ..stage.spec("hello", &[])
    };
    stage.create_spec("q", spec).await;
    let query = stage.until_phase("q", Phase::Error).await;
    assert_eq!(completed(&query).1, "it has no target");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_the_execution_ends_in_the_status() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    stage.create("q", "panic", &["m"]).await;
    let query = stage.until_phase("q", Phase::Error).await;
    assert_eq!(
        completed(&query),
        (
            "QueryErrored".to_owned(),
            "its execution panicked: as it was told".to_owned()
        )
    );
    stage.create("after", "hello", &["m"]).await;
    stage.until_phase("after", Phase::Done).await;
    let text = running.metrics.encode();
    let panics = r#"controller_runtime_reconcile_panics_total{controller="query"} 1"#;
    assert!(text.contains(panics), "{text}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_target_named_twice_is_asked_twice() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start();
    let twice = Target::new(TargetKind::Model, "m");
    let spec = QuerySpec {
        targets: vec![twice.clone(), twice],
        ..stage.spec("hello", &[])
    };
    stage.create_spec("q", spec).await;
    let query = stage.until_phase("q", Phase::Done).await;
    assert_eq!(query.status.unwrap().responses.len(), 2);
    assert_eq!(stage.players.calls("q"), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn never_more_queries_are_in_flight_than_configured_and_all_have_their_turn() {
    let stage = Stage::new(Dialect::Targets);
    let running = stage.start_with(ControllerConfig {
        queue: QueueConfig {
            max_in_flight: 3,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    });
    for index in 0..30 {
        stage.create(&format!("q{index}"), "wait 100", &["m"]).await;
    }
    let is_done = |queries: &[query_api::query::Query]| {
        let running = queries
            .iter()
            .filter(|query| query.phase() == Phase::Running);
        assert!(running.count() <= 3);
        queries.iter().all(|query| query.phase() == Phase::Done)
    };
    stage.until("the end of all", is_done).await;
    assert_eq!(stage.players.all_calls().len(), 30);
    running.stop().await;
}

fn one_in_flight() -> ControllerConfig {
    ControllerConfig {
        queue: QueueConfig {
            max_in_flight: 1,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    }
}
