//! The scenarios of the HTTP platforms hold the numbers of their documents, and are explained.

use std::path::{Path, PathBuf};
use std::time::Duration;

use control_plane::transport::causes;
use loadgen::explain::explain;
use loadgen::mix::Mix;
use loadgen::scenario::Scenario;
use loadgen::scenario::platform::Platform;
use loadgen::slo::{Metric, Slo};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scenarios")
}

fn scenario(name: &str) -> Scenario {
    Scenario::find(&folder(), name).unwrap_or_else(|error| panic!("{error}"))
}

/// The promise about an operation and a metric.
fn promise<'s>(scenario: &'s Scenario, operation: Option<&str>, metric: Metric) -> &'s Slo {
    let mut slos = scenario.slos.iter();
    let found = slos.find(|slo| slo.operation.as_deref() == operation && slo.metric == metric);
    found.unwrap_or_else(|| panic!("no promise about {operation:?} {metric:?}"))
}

/// The bound of a latency in milliseconds, with its quantile.
fn latency(scenario: &Scenario, operation: Option<&str>, metric: Metric) -> (f64, u128) {
    let slo = promise(scenario, operation, metric);
    let bound = slo.at_most.expect("a latency has a bound");
    (
        slo.quantile.expect("a latency has a quantile"),
        bound.0.as_millis(),
    )
}

#[test]
fn the_maestro_scenarios_have_the_options_of_their_document() {
    for (name, runs, children, at_once, interval_ms, timeout) in [
        ("maestro-smoke", 5, 1, 1, 200, 10),
        ("maestro-burst", 100, 2, 20, 1_000, 30),
        ("maestro-soak", 500, 1, 1, 1_000, 20),
    ] {
        let scenario = scenario(name);
        assert_eq!(scenario.platform, Platform::AgentMaestro, "{name}");
        let closed = scenario.closed.as_ref().expect("users who wait");
        let run = scenario.runs.as_ref().expect("each start is a run");
        assert_eq!((closed.queries, closed.users), (runs, at_once), "{name}");
        assert_eq!(run.children, children, "{name}");
        let interval = Duration::from_millis(interval_ms);
        assert_eq!(run.poll_interval.0, interval, "{name}");
        assert_eq!(run.poll_timeout.0, Duration::from_secs(timeout), "{name}");
        assert_eq!(
            latency(&scenario, Some("create"), Metric::Response).1,
            300,
            "{name}"
        );
        assert_eq!(
            latency(&scenario, Some("spawn"), Metric::Response).1,
            200,
            "{name}"
        );
    }
    let smoke = scenario("maestro-smoke");
    assert_eq!(
        promise(&smoke, Some("tick"), Metric::Rate).at_least,
        Some(5.0)
    );
    assert_eq!(
        promise(&smoke, None, Metric::Failures).at_most_count,
        Some(0)
    );
    let burst = scenario("maestro-burst");
    assert_eq!(promise(&burst, None, Metric::Success).at_least, Some(0.99));
    assert_eq!(
        latency(&burst, Some("run"), Metric::Response),
        (0.95, 30_000)
    );
}

#[test]
fn the_soak_lasts_about_the_documented_ninety_minutes_at_most() {
    let plan = scenario("maestro-soak").plan();
    let minutes = plan.duration.as_secs_f64() / 60.0;
    // The pause and the poll alone; the document's ten-second runs end in a time-out, ours do not.
    assert!((45.0..90.0).contains(&minutes), "{minutes}");
}

#[test]
fn the_calibration_climbs_the_rungs_of_its_script() {
    let calibrate = scenario("maestro-calibrate");
    let sizes: Vec<(&str, &[usize])> = calibrate
        .ladders
        .iter()
        .map(|ladder| (&*ladder.operation, &*ladder.sizes))
        .collect();
    assert_eq!(
        sizes,
        [
            ("create", &[1, 2, 3, 5, 10, 20, 40, 80][..]),
            ("spawn", &[1, 2, 3, 5, 10, 20, 40]),
            ("snapshot", &[5, 10, 20, 40]),
        ]
    );
    assert_eq!(calibrate.plan().starts, 161 + 81 + 75);
    assert_eq!(
        calibrate.samples(calibrate.plan().starts, Some("spawn")),
        81
    );
    assert_eq!(
        latency(&calibrate, Some("create"), Metric::Response),
        (0.95, 300)
    );
    assert_eq!(
        latency(&calibrate, Some("spawn"), Metric::Response),
        (0.95, 200)
    );
}

#[test]
fn the_modular_presets_have_the_users_rates_and_minutes_of_their_runner() {
    for (name, users, spawn_rate, minutes) in [
        ("modular-quick", 10, 5.0, 2),
        ("modular-standard", 50, 10.0, 5),
        ("modular-full", 100, 10.0, 10),
        ("modular-stress", 150, 15.0, 15),
        ("modular-shipped", 100, 10.0, 10),
    ] {
        let scenario = scenario(name);
        assert_eq!(scenario.platform, Platform::AgentCore, "{name}");
        let closed = scenario.closed.as_ref().expect("users who wait");
        assert_eq!(closed.users, users, "{name}");
        assert_eq!(closed.spawn_rate, Some(spawn_rate), "{name}");
        let duration = closed.duration.expect("the time ends it");
        assert_eq!(duration.0, Duration::from_secs(60 * minutes), "{name}");
        let think_time = closed.think_time.expect("users think");
        assert_eq!(think_time.map(|time| time.0.as_secs()), [1, 5], "{name}");
        assert_eq!(
            latency(&scenario, None, Metric::Response),
            (0.95, 4500),
            "{name}"
        );
        assert_eq!(
            promise(&scenario, None, Metric::Success).at_least,
            Some(0.95),
            "{name}"
        );
        let ranges = scenario.operations.iter().map(|operation| {
            let latency = operation.latency.expect("each class has a range");
            (&*operation.name, latency.map(|time| time.0.as_millis()))
        });
        let documented = [
            ("simple", [500, 2000]),
            ("moderate", [1000, 4000]),
            ("complex", [3000, 8000]),
        ];
        assert!(ranges.eq(documented), "{name}");
    }
}

#[test]
fn the_mix_is_the_documented_one_and_the_shipped_one_what_its_file_produces() {
    let shares = |name| {
        let scenario = scenario(name);
        let mix = Mix::new(scenario.operations.iter().map(|operation| operation.weight));
        let percent = mix
            .shares()
            .into_iter()
            .map(|share| (1000.0 * share).round() / 10.0);
        percent.collect::<Vec<f64>>()
    };
    assert_eq!(shares("modular-full"), [60.0, 30.0, 10.0]);
    assert_eq!(shares("modular-shipped"), [63.8, 31.9, 4.3]);
}

#[test]
fn the_full_preset_expects_the_throughput_of_its_document() {
    let pace = scenario("modular-full").plan().expected_throughput;
    // 100 users, three seconds of pause, and the ranges' means of 2.05 s.
    assert!((15.0..25.0).contains(&pace), "{pace}");
}

#[test]
fn the_roadmap_has_its_four_steps_and_the_table_of_latencies() {
    for users in [10, 50, 500, 1000] {
        let scenario = scenario(&format!("taskforce-{users}"));
        assert_eq!(scenario.platform, Platform::Taskforce);
        assert_eq!(
            scenario.closed.as_ref().expect("users who wait").users,
            users
        );
        for (operation, metric, bound) in [
            ("health", Metric::Response, 100),
            ("session-list", Metric::Response, 200),
            ("session-get", Metric::Response, 200),
            ("mission", Metric::Start, 500),
            ("mission", Metric::Response, 10_000),
            ("event", Metric::Response, 100),
            ("state-save", Metric::Response, 50),
            ("state-load", Metric::Response, 50),
        ] {
            let found = latency(&scenario, Some(operation), metric);
            assert_eq!(found, (0.95, bound), "{operation}");
        }
        assert_eq!(
            promise(&scenario, None, Metric::Cpu).at_most_share,
            Some(0.7)
        );
    }
    let fifty = scenario("taskforce-50");
    assert_eq!(
        promise(&fifty, None, Metric::Rss).at_most_bytes,
        Some(4 << 30)
    );
}

#[test]
fn each_is_explained_with_its_platform_and_what_cannot_be_decided() {
    for (name, parts) in [
        (
            "maestro-burst",
            &[
                "AgentMaestro",
                "2 child runs, polled every 1s for at most 30s",
                "20 users at a time",
                "create, spawn, snapshot, tick, run",
            ][..],
        ),
        (
            "maestro-smoke",
            &[
                "create: response time p50 ≤ 300ms",
                "tick: completions ≥ 5/s",
                "1 child run",
            ],
        ),
        (
            "maestro-calibrate",
            &["spawn 1, 2, 3, 5, 10, 20, 40 at once"],
        ),
        (
            "modular-full",
            &[
                "AgentCore",
                "100 users at a time, 10 more per second, each pausing 1s to 5s",
                "simple 60.0 %, expected to take 500ms to 2s",
            ],
        ),
        (
            "taskforce-500",
            &[
                "Taskforce",
                "500 users",
                "mission: time to start p95 ≤ 500ms",
            ],
        ),
    ] {
        let text = explain(name, &scenario(name));
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
    let soak = explain("maestro-soak", &scenario("maestro-soak"));
    assert!(!soak.contains("cannot be decided"), "{soak}");
}

#[test]
fn an_impossible_ladder_run_or_bound_is_refused_with_its_place() {
    let text =
        std::fs::read_to_string(folder().join("maestro-calibrate.toml")).expect("it is there");
    let burst = std::fs::read_to_string(folder().join("maestro-burst.toml")).expect("it is there");
    let quick = std::fs::read_to_string(folder().join("modular-quick.toml")).expect("it is there");
    for (text, from, to, place) in [
        (&text, "sizes = [5, 10", "sizes = [10, 5", "ladder snapshot"),
        (
            &text,
            "operation = \"snapshot\"",
            "operation = \"snap\"",
            "ladder snap",
        ),
        (&text, "at_most_count = 0", "at_most_share = 0.1", "slo 3"),
        (
            &burst,
            "poll_interval = \"1s\"",
            "poll_interval = \"0s\"",
            "runs.poll_interval",
        ),
        (
            &burst,
            "poll_timeout = \"30s\"",
            "poll_timeout = \"10ms\"",
            "runs.poll_timeout",
        ),
        (
            &burst,
            "operation = \"spawn\"",
            "operation = \"query\"",
            "create, spawn, snapshot",
        ),
        (
            &burst,
            "children = 2",
            "childs = 2",
            "unknown field `childs`",
        ),
        (
            &quick,
            "spawn_rate = 5.0",
            "spawn_rate = 0.0",
            "closed.spawn_rate",
        ),
        (
            &quick,
            "duration = \"2m\"",
            "duration = \"2m\"\nqueries = 5",
            "not both",
        ),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(&wrong, text, "{from}");
        let error = Scenario::parse(Path::new("s.toml"), &wrong).expect_err("it is wrong");
        let said = causes(&error);
        assert!(said.contains(place), "{to:?} gave {said}");
    }
}
