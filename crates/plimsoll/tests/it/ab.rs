//! `plimsoll ab` before anything is built: what is refused, and with which code. The rest is tested in `pairs`.

use std::fs;
use std::process::Command;

use crate::sandbox::Sandbox;

/// A Cargo workspace without suites, in a repository of its own unless there shall be none.
pub(crate) fn workspace(has_repository: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "[package]\nname = 'toy'\nversion = '0.0.0'\n\n[workspace]\n";
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    fs::write(sandbox.path("Cargo.toml"), manifest).expect("a file");
    if has_repository {
        git(&sandbox, &["init", "--quiet"]);
        git(&sandbox, &["add", "--all"]);
        git(&sandbox, &["commit", "--quiet", "-m", "first"]);
    }
    sandbox
}

pub(crate) fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(sandbox.path("."))
        .args(["-c", "user.name=toy", "-c", "user.email=toy@localhost"])
        .args(arguments)
        .status();
    assert!(status.expect("git is there").success(), "{arguments:?}");
}

/// Runs `ab` in the workspace, and checks how it ends and what it says of it.
fn check(sandbox: &Sandbox, arguments: &[&str], code: i32, told: &str) {
    // One of its own: runs in one target directory wait for each other's lock, and tests run at once.
    let target = sandbox.path("target").display().to_string();
    let variables = [("CARGO_TARGET_DIR", &*target)];
    let outcome = sandbox.run(&[&["ab"], arguments].concat(), &variables);
    assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_base_needs_a_repository_and_a_name_that_git_knows() {
    check(&workspace(false), &["main"], 2, "git repository");
    check(&workspace(true), &["nowhere"], 2, "\"nowhere\"");
}

#[test]
fn a_workspace_is_found_from_elsewhere() {
    let sandbox = Sandbox::new();
    let elsewhere = workspace(true);
    let folder = elsewhere.path(".").display().to_string();
    check(
        &sandbox,
        &["nowhere", "--workspace", &folder],
        2,
        "\"nowhere\"",
    );
}

#[test]
fn nothing_to_measure_is_no_pass() {
    check(&workspace(true), &["HEAD"], 3, "no case to measure");
}

#[test]
fn a_suite_that_neither_side_has_is_wrong_usage() {
    check(
        &workspace(true),
        &["HEAD", "--suites", "queue"],
        2,
        "\"queue\"",
    );
}
