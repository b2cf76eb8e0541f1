//! The names of runs.

use std::path::Path;

use super::*;

fn scenario(load: &str, seed: u64) -> Scenario {
    let text = format!(
        "text = \"A test; does not show anything.\"\nseed = {seed}\n{load}\n[llm]\nlatency = [\"1s\", \"1s\"]\n"
    );
    Scenario::parse(Path::new("test.toml"), &text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn names_of_runs_are_labels() {
    for (name, expected) in [
        ("load-0a1b2c3d", true),
        ("a", true),
        ("", false),
        ("Load", false),
        ("load_1", false),
        ("-load", false),
        ("load-", false),
        ("7", false),
        ("a-name-of-more-than-forty-characters-is-too-long", false),
    ] {
        assert_eq!(is_run_name(name), expected, "{name:?}");
    }
    assert!(is_run_name(&run_name(&scenario("[burst]\ncount = 1", 1))));
}

#[test]
fn another_scenario_is_another_run() {
    let name = |load: &str, seed| run_name(&scenario(load, seed));
    assert_eq!(name("[burst]\ncount = 9", 1), name("[burst]\ncount = 9", 1));
    assert_ne!(name("[burst]\ncount = 9", 1), name("[burst]\ncount = 9", 2));
    assert_ne!(name("[burst]\ncount = 9", 1), name("[burst]\ncount = 8", 1));
}
