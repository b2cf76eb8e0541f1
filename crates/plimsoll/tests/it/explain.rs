//! `plimsoll explain`: plans on stdout, and mistakes in a scenario named with code 2.

use std::fs;

use crate::sandbox::Sandbox;

const SCENARIO: &str = r#"
text = "Five users; shows nothing."
[closed]
users = 5
queries = 20
[llm]
latency = ["1s", "1s"]
"#;

#[test]
fn a_scenario_is_explained_without_a_workspace() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    fs::write(&path, SCENARIO).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["explain", &path], &[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("5 users"), "{}", outcome.stdout);
}

#[test]
fn an_unknown_scenario_field_ends_with_2_and_names_file_line_and_known_fields() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    fs::write(&path, SCENARIO.replace("users", "user")).expect("written");
    let path = path.display().to_string();
    let outcome = sandbox.run(&["explain", &path], &[]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stdout.is_empty());
    for part in ["five.toml", "line 4", "`user`", "`users`"] {
        assert!(
            outcome.stderr.contains(part),
            "{part:?}: {}",
            outcome.stderr
        );
    }
}
