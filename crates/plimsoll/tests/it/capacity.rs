//! `plimsoll capacity`, `quota` and `soak`: what follows from a search, and what is refused.

use std::fs;

use crate::sandbox::Sandbox;

/// A record as a search leaves it, cut to what a quota needs.
fn record(highest_pass: &str, ceiling: &str) -> String {
    format!(
        r#"{{"schema": 1, "scenario": "s", "axis": "rate", "highest_pass": {highest_pass},
            "first_fail": null, "ceiling": "{ceiling}", "service_p95_s": 0.24}}"#
    )
}

/// A scenario of five quick users with this promise.
fn scenario(promise: &str) -> String {
    format!(
        "text = \"Five users; shows nothing.\"\n[closed]\nusers = 5\nqueries = 50\n\
         [llm]\nlatency = [\"5ms\", \"5ms\"]\n[[slo]]\n{promise}\n"
    )
}

#[test]
fn a_capacity_gives_a_quarter_as_toml_and_talks_on_stderr() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("capacity.json");
    fs::write(&path, record("41.16", "slo")).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["quota", &path, "--workspaces", "8"], &[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for part in [
        "[rates.create_run]",
        "per_second = 10.29",
        "burst = 10",
        "parent_runs = 3",
    ] {
        assert!(
            outcome.stdout.contains(part),
            "{part:?}: {}",
            outcome.stdout
        );
    }
    assert!(outcome.stderr.contains("200 %"), "{}", outcome.stderr);
}

#[test]
fn refusals_are_limited_by_quota_and_never_by_capacity() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("capacity.json");
    fs::write(&path, record("41.16", "quota")).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["quota", &path], &[]);
    assert_eq!(outcome.code, Some(3));
    assert!(outcome.stdout.is_empty());
    assert!(
        outcome.stderr.contains("limited by quota"),
        "{}",
        outcome.stderr
    );
    assert!(
        !outcome.stderr.contains("by capacity"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_file_that_is_no_record_is_named_with_the_mend() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("other.json");
    fs::write(&path, "{}").expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["quota", &path], &[]);
    assert_eq!(outcome.code, Some(2));
    for part in ["other.json", "plimsoll capacity --format json"] {
        assert!(
            outcome.stderr.contains(part),
            "{part:?}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_scenario_without_a_promise_that_a_load_can_break_is_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    let promise = "metric = \"throughput\"\nat_least = 0.9";
    fs::write(&path, scenario(promise)).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["capacity", &path], &[]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("add an [[slo]]"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_platform_that_no_driver_reaches_is_said_to_have_none_and_what_runs_instead() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    let promise = "metric = \"success\"\nat_least = 0.9";
    let text = format!("platform = \"agentcore\"\n{}", scenario(promise));
    fs::write(&path, text).expect("written");
    let path = path.display().to_string();
    for command in ["load", "capacity", "soak"] {
        let there = [
            "--driver",
            "completions",
            "--model-url",
            "http://127.0.0.1:1/v1",
        ];
        let outcome = sandbox.run(&[&[command, &path], &there[..]].concat(), &[]);
        assert_eq!(outcome.code, Some(2), "{command}");
        assert!(
            outcome.stderr.contains("a real AgentCore"),
            "{}",
            outcome.stderr
        );
        let quotas = ["--quotas", "none.toml"];
        let outcome = sandbox.run(&[&[command, &path], &quotas[..]].concat(), &[]);
        assert_eq!(outcome.code, Some(2), "{command}");
        assert!(outcome.stderr.contains("none.toml"), "{}", outcome.stderr);
    }
}

#[test]
fn a_soak_too_short_for_a_trend_could_not_tell() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    let promise = "metric = \"success\"\nat_least = 0.9";
    fs::write(&path, scenario(promise)).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["soak", &path], &[]);
    // On a loaded machine the generator may spoil it; a leak must not be found either way.
    assert!(
        matches!(outcome.code, Some(3 | 4)),
        "{:?} {}",
        outcome.code,
        outcome.stderr
    );
    assert!(outcome.stdout.contains("too short"), "{}", outcome.stdout);
}
