//! The exposition text, held against the names that dashboards use.

use std::collections::BTreeSet;

use super::*;

/// Lines of the exposition that begin with `prefix`.
fn lines(metrics: &Metrics, prefix: &str) -> Vec<String> {
    let text = metrics.encode();
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    lines.map(str::to_owned).collect()
}

fn check(metrics: &Metrics, prefix: &str, expected: &[&str]) {
    assert_eq!(lines(metrics, prefix), expected);
}

#[test]
fn every_name_of_controller_runtime_is_there_before_anything_happened() {
    let text = Metrics::new().encode();
    let names: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    let expected = [
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_queue_duration_seconds_bucket",
        "workqueue_work_duration_seconds_bucket",
        "workqueue_unfinished_work_seconds",
        "workqueue_longest_running_processor_seconds",
        "workqueue_retries_total",
        "controller_runtime_reconcile_total",
        "controller_runtime_reconcile_errors_total",
        "controller_runtime_terminal_reconcile_errors_total",
        "controller_runtime_reconcile_panics_total",
        "controller_runtime_reconcile_timeouts_total",
        "controller_runtime_reconcile_time_seconds_bucket",
        "controller_runtime_max_concurrent_reconciles",
        "controller_runtime_active_workers",
        "ark_query_concurrent_executions",
        "ark_query_active_tenants",
        "plimsoll_stage_duration_seconds_bucket",
    ];
    for name in expected {
        assert!(names.contains(name), "{name} is missing among {names:?}");
    }
}

#[test]
fn workqueue_metrics_carry_name_and_controller() {
    let metrics = Metrics::new();
    check(
        &metrics,
        "workqueue_adds_total",
        &[r#"workqueue_adds_total{name="query",controller="query"} 0"#],
    );
    check(
        &metrics,
        "workqueue_depth",
        &[r#"workqueue_depth{name="query",controller="query",priority="0"} 0"#],
    );
}

#[test]
fn all_results_of_a_reconcile_are_there_at_zero() {
    check(
        &Metrics::new(),
        "controller_runtime_reconcile_total",
        &[
            r#"controller_runtime_reconcile_total{controller="query",result="error"} 0"#,
            r#"controller_runtime_reconcile_total{controller="query",result="requeue_after"} 0"#,
            r#"controller_runtime_reconcile_total{controller="query",result="requeue"} 0"#,
            r#"controller_runtime_reconcile_total{controller="query",result="success"} 0"#,
        ],
    );
}

#[test]
fn a_panicked_reconcile_counts_as_panic_and_as_error() {
    let metrics = Metrics::new();
    metrics.reconciled(ReconcileResult::Panicked, Duration::from_millis(1));
    check(
        &metrics,
        "controller_runtime_reconcile_panics_total",
        &[r#"controller_runtime_reconcile_panics_total{controller="query"} 1"#],
    );
    check(
        &metrics,
        "controller_runtime_reconcile_errors_total",
        &[r#"controller_runtime_reconcile_errors_total{controller="query"} 1"#],
    );
}

#[test]
fn workqueue_buckets_are_twelve_decades_and_infinity() {
    let buckets = lines(&Metrics::new(), "workqueue_queue_duration_seconds_bucket");
    assert_eq!(buckets.len(), 13);
    assert!(buckets[0].contains(r#"le="1e-8""#), "{}", buckets[0]);
    assert!(buckets[12].contains(r#"le="+Inf""#), "{}", buckets[12]);
}

#[test]
fn ark_histograms_have_the_labels_and_buckets_of_the_capacity_document() {
    let metrics = Metrics::new();
    metrics.query_finished("team-a", TargetKind::Agent, "done", Duration::from_secs(1));
    metrics.llm_call("gpt", "openai", Duration::from_secs(600));
    metrics.tool_call("search", "http", Duration::from_millis(60));

    let query = lines(&metrics, "ark_query_execution_duration_seconds_bucket");
    assert_eq!(query.len(), 13);
    assert!(query[0].contains(r#"le="0.1""#), "{}", query[0]);
    assert!(query[11].contains(r#"le="204.8""#), "{}", query[11]);
    let labels = r#"namespace="team-a",target_type="agent",status="done"} 1"#;
    assert!(query[12].contains(labels), "{}", query[12]);

    let llm = lines(&metrics, "ark_llm_call_duration_seconds_bucket");
    assert_eq!(llm.len(), 11);
    assert!(llm[9].contains(r#"le="256.0""#), "{}", llm[9]);
    assert!(llm[9].ends_with(" 0"), "600 s are above the last bound");
    assert!(
        llm[10].ends_with(r#"model="gpt",provider="openai"} 1"#),
        "{}",
        llm[10]
    );

    let tool = lines(&metrics, "ark_tool_call_duration_seconds_bucket");
    assert_eq!(tool.len(), 11);
    assert!(tool[0].contains(r#"le="0.05""#) && tool[0].ends_with(" 0"));
    assert!(tool[1].contains(r#"le="0.1""#) && tool[1].ends_with(" 1"));
}

#[test]
fn calls_are_stages_too() {
    let metrics = Metrics::new();
    metrics.llm_call("gpt", "openai", Duration::from_secs(2));
    metrics.stage(Stage::StatusWrite, Duration::from_millis(3));
    let expected = |stage| match stage {
        Stage::LlmCall => (1, Duration::from_secs(2)),
        Stage::StatusWrite => (1, Duration::from_millis(3)),
        _ => (0, Duration::ZERO),
    };
    for (stage, total) in metrics.stage_totals() {
        assert_eq!((total.count, total.sum), expected(stage), "{stage:?}");
    }
}

#[test]
fn cached_and_cold_loads_have_labels_of_their_own() {
    let metrics = Metrics::new();
    let load = |served| Stage::Load(Loaded::Model, served);
    metrics.stage(load(Served::Cached), Duration::from_micros(20));
    metrics.stage(load(Served::Cold), Duration::from_millis(20));
    let prefix = r#"plimsoll_stage_duration_seconds_sum{stage="load_model"#;
    check(
        &metrics,
        prefix,
        &[
            r#"plimsoll_stage_duration_seconds_sum{stage="load_model_cached"} 0.00002"#,
            r#"plimsoll_stage_duration_seconds_sum{stage="load_model_cold"} 0.02"#,
        ],
    );
}

#[test]
fn guards_hold_their_gauge_up_even_across_a_panic() {
    let metrics = Metrics::new();
    let guard = metrics.execution_started();
    check(
        &metrics,
        "ark_query_concurrent_executions",
        &["ark_query_concurrent_executions 1"],
    );
    let panicked = std::panic::catch_unwind(move || {
        let _guard = guard;
        panic!("the execution fails");
    });
    assert!(panicked.is_err());
    check(
        &metrics,
        "ark_query_concurrent_executions",
        &["ark_query_concurrent_executions 0"],
    );
}

#[test]
fn the_text_ends_with_the_marker_that_scrapers_require() {
    assert!(Metrics::new().encode().ends_with("# EOF\n"));
}

#[test]
fn a_queue_is_asked_how_it_stands_at_the_scrape() {
    #[derive(Debug)]
    struct Fixed;
    impl Standing for Fixed {
        fn standing(&self) -> QueueStanding {
            QueueStanding {
                depth_by_priority: vec![(0, 3), (-100, 4)],
                in_flight_by_namespace: vec![("team-a".into(), 2)],
                active_tenants: 5,
                unfinished_work: Duration::from_millis(1_500),
                longest_running: Duration::from_secs(1),
            }
        }
    }
    let metrics = Metrics::new();
    let queue = Arc::new(Fixed);
    metrics.queue().show(&queue);
    check(
        &metrics,
        "workqueue_depth",
        &[
            r#"workqueue_depth{name="query",controller="query",priority="0"} 3"#,
            r#"workqueue_depth{name="query",controller="query",priority="-100"} 4"#,
        ],
    );
    check(
        &metrics,
        "ark_query_inflight",
        &[r#"ark_query_inflight{namespace="team-a"} 2"#],
    );
    check(
        &metrics,
        "workqueue_unfinished_work_seconds",
        &[r#"workqueue_unfinished_work_seconds{name="query",controller="query"} 1.5"#],
    );
    drop(queue);
    check(
        &metrics,
        "ark_query_active_tenants",
        &["ark_query_active_tenants 0"],
    );
}
