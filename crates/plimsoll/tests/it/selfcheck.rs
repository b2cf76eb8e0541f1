//! `plimsoll selfcheck` and `power` before anything is built: what is refused, and with which code.

use std::fs;

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
