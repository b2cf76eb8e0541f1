//! `plimsoll selfcheck` and `power` before anything is built: what is refused, and with which code.

use std::fs;

use results::changes;

use crate::sandbox::{Outcome, Sandbox, git};

/// A Cargo workspace without suites, in a repository with one commit.
fn workspace() -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "[package]\nname = 'toy'\nversion = '0.0.0'\n\n[workspace]\n";
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    fs::write(sandbox.path("Cargo.toml"), manifest).expect("a file");
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &["commit", "--quiet", "-m", "first"],
    ] {
        git(&sandbox, arguments);
    }
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let target = sandbox.path("target").display().to_string();
    sandbox.run(arguments, &[("CARGO_TARGET_DIR", &*target)])
}

#[test]
fn nothing_that_was_measured_is_no_table() {
    let outcome = run(&workspace(), &["selfcheck", "--show"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("leave --show out"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_table_that_is_kept_has_its_line_among_the_changes() {
    let sandbox = workspace();
    let nothing = run(&sandbox, &["selfcheck", "--show"]).stderr;
    let (_, folder) = nothing
        .split_once("found no repetition in ")
        .expect("it names the folder");
    let (folder, _) = folder.split_once(';').expect("a mend follows");
    fs::create_dir_all(folder).expect("a folder");
    let repetition = r#"{"schema":1,"trial":{"means":"pairs","neighbour":"none","subject":{"is":"same"}},
        "took_ms":1000,"machine":"m","n_tests":2,"is_contaminated":false,"cases":[{"id":"toy/sum",
        "truth":"same","verdict":"unchanged","ratio":1.0,"criterion":"unchanged","base_ns":[1.0,2.0]}]}"#;
    fs::write(format!("{folder}/pairs-same-0000.json"), repetition).expect("a file");

    let outcome = run(&sandbox, &["selfcheck", "--show", "--store"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("0 of 1 "), "{}", outcome.stdout);
    let baselines = sandbox.path("baselines");
    let kept = fs::read_dir(baselines.join("selfcheck")).expect("a folder");
    assert_eq!(kept.count(), 2);
    let lines = fs::read_to_string(baselines.join("CHANGES.md")).expect("written");
    assert!(lines.contains("repetitions: 1"), "{lines}");
    assert_eq!(changes::unvouched(&baselines).expect("it is read"), []);
}

#[test]
fn a_workspace_without_suites_cannot_be_told_about() {
    let arguments = ["selfcheck", "--runs", "1", "--sizes="];
    let outcome = run(&workspace(), &[&arguments[..], &["--cases", "*"]].concat());
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("no case to measure"),
        "{}",
        outcome.stderr
    );
    let outcome = run(&workspace(), &arguments);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("\"codec\""), "{}", outcome.stderr);
}

#[test]
fn power_needs_rounds_of_equal_programs() {
    let outcome = run(&workspace(), &["power"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("plimsoll selfcheck"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_malformed_table_of_slowdowns_is_named() {
    let sandbox = workspace();
    fs::write(
        sandbox.path("benches/slowdowns.toml"),
        "[[path]]\nname = 'encode'\n",
    )
    .expect("a file");
    let outcome = run(&sandbox, &["selfcheck", "--show"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("slowdowns.toml"),
        "{}",
        outcome.stderr
    );
}
