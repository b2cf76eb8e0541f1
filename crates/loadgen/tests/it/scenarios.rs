//! The scenario files in `fixtures/scenarios/`, and the messages for files that are wrong.

use std::path::{Path, PathBuf};
use std::time::Duration;

use control_plane::transport::causes;
use loadgen::error::ScenarioError;
use loadgen::scenario::Scenario;

const GOOD: &str = r#"
text = "Ten users who wait; shows nothing."
[closed]
users = 10
queries = 100
[llm]
latency = ["1s", "1s"]
[[slo]]
metric = "response"
quantile = 0.95
at_most = "1.2s"
"#;

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scenarios");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of scenarios is part of the repository")
        .map(|entry| entry.expect("a readable folder entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    paths
}

/// The message for `text`, without the name of the file.
fn message(text: &str) -> String {
    let error = Scenario::parse(Path::new("s.toml"), text).expect_err("the text is wrong");
    causes(&error)
}

#[test]
fn every_shipped_scenario_parses_and_says_what_it_does_not_show() {
    let paths = shipped();
    assert!(!paths.is_empty());
    for path in paths {
        let scenario = Scenario::read(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(scenario.text.contains(" not "), "{}", path.display());
        assert!(scenario.plan().starts > 0, "{}", path.display());
    }
}

#[test]
fn the_ark_scenarios_expect_what_their_document_expects() {
    for (name, queries, throughput) in [
        ("ark-baseline", 100, 1.0),
        ("ark-concurrent", 100, 10.0),
        ("ark-high-load", 1000, 50.0),
    ] {
        let path = shipped()
            .into_iter()
            .find(|path| path.file_stem().is_some_and(|stem| stem == name))
            .unwrap_or_else(|| panic!("{name} is missing"));
        let plan = Scenario::read(&path).expect("it parses").plan();
        assert_eq!(plan.starts, queries, "{name}");
        assert!(
            (plan.expected_throughput - throughput).abs() < 1e-9,
            "{name}"
        );
    }
}

#[test]
fn a_plan_is_a_function_of_its_file() {
    let scenario = Scenario::parse(Path::new("s.toml"), GOOD).expect("it parses");
    let plan = scenario.plan();
    assert_eq!(plan.starts, 100);
    assert_eq!(plan.duration, Duration::from_secs(10));
    assert!(scenario.decidable(&plan, &scenario.slos[0]).holds());
}

#[test]
fn an_slo_without_samples_enough_is_known_before_the_run() {
    let scenario = Scenario::parse(Path::new("s.toml"), &GOOD.replace("0.95", "0.99"));
    let scenario = scenario.expect("it parses");
    let decidable = scenario.decidable(&scenario.plan(), &scenario.slos[0]);
    assert_eq!((decidable.expected, decidable.needed), (100, 299));
    assert!(!decidable.holds());
}

#[test]
fn an_unknown_field_is_named_with_its_line_and_the_known_ones() {
    let message = message(&GOOD.replace("users = 10", "user = 10"));
    for part in ["s.toml", "line 4", "unknown field `user`", "`users`"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
}

#[test]
fn an_impossible_plan_is_refused_with_the_place() {
    for (from, to, place) in [
        ("users = 10", "users = 0", "closed.users"),
        ("queries = 100", "queries = 0", "closed.queries"),
        ("[\"1s\", \"1s\"]", "[\"2s\", \"1s\"]", "llm.latency"),
        ("0.95", "95", "slo 1"),
        (
            "metric = \"response\"",
            "metric = \"response\"\noperation = \"nope\"",
            "nope",
        ),
        ("[closed]\nusers = 10\nqueries = 100", "", "exactly one"),
        (
            "[closed]\nusers = 10\nqueries = 100",
            "[open]\nstart = -1.0\nstages = [{ duration = \"1m\", rate = 1.0 }]",
            "open",
        ),
    ] {
        let message = message(&GOOD.replace(from, to));
        assert!(message.contains(place), "{to:?} gave {message}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Scenario::read(Path::new("nowhere.toml")).expect_err("there is no such file");
    assert!(matches!(error, ScenarioError::Unreadable { .. }));
    assert!(error.to_string().contains("nowhere.toml"));
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/scenarios");
    let error = Scenario::find(&folder, "ark-basline").expect_err("there is no such scenario");
    assert!(error.to_string().contains("ark-baseline, ark-concurrent"));
    assert!(Scenario::find(&folder, "ark-baseline").is_ok());
}

#[test]
fn an_explanation_names_the_load_and_the_promises_that_cannot_be_decided() {
    let text = GOOD.replace("0.95", "0.99");
    let scenario = Scenario::parse(Path::new("s.toml"), &text).expect("it parses");
    let explanation = loadgen::explain::explain("ten", &scenario);
    for part in [
        "ten: Ten users who wait",
        "closed, 10 users at a time",
        "100 within 10s",
        "10.00 queries per second",
        "p99 ≤ 1.2s (cannot be decided: 100 samples expected, 299 needed)",
    ] {
        assert!(
            explanation.contains(part),
            "{part:?} is not in\n{explanation}"
        );
    }
}
