//! `plimsoll ab` from end to end: what it says, how it ends, and what it leaves behind.
//!
//! Turns on one core are tested in `pairs`, on suites with a real Criterion.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::project::Project;
use crate::sandbox::{Outcome, Sandbox};

fn check(outcome: &Outcome, code: i32, told: &[&str]) {
    let all = format!("{}\n{}", outcome.stderr, outcome.stdout);
    assert_eq!(outcome.code, Some(code), "{all}");
    for part in told {
        assert!(all.contains(part), "{part:?} is not in\n{all}");
    }
}

/// The row of a case, by the JSON report.
fn row(outcome: &Outcome, id: &str) -> Value {
    let report: Value = serde_json::from_str(&outcome.stdout).expect("a report");
    let rows = report["cases"].as_array().expect("cases");
    let row = rows.iter().find(|row| row["id"] == id);
    row.unwrap_or_else(|| panic!("no {id} in {rows:?}")).clone()
}

/// A project whose commit `base` has the suite `sums` with these cases.
fn project(cases: &[(&str, &str)]) -> Project {
    let project = Project::new();
    project.suite("sums", cases);
    project.commit("base");
    project
}

#[test]
fn a_base_needs_a_repository_and_a_name_that_git_knows() {
    let sandbox = Sandbox::new();
    fs::write(
        sandbox.path("Cargo.toml"),
        "[package]\nname = 'toy'\n\n[workspace]\n",
    )
    .expect("a file");
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    let target = sandbox.path("target").display().to_string();
    let outcome = sandbox.run(&["ab", "main"], &[("CARGO_TARGET_DIR", &*target)]);
    check(&outcome, 2, &["git repository"]);
    assert_eq!(outcome.stdout, "");

    let project = project(&[]);
    let target = project.path("target").display().to_string();
    let folder = project.path(".").display().to_string();
    let elsewhere = ["ab", "nowhere", "--workspace", &folder];
    let outcome = sandbox.run(&elsewhere, &[("CARGO_TARGET_DIR", &*target)]);
    check(&outcome, 2, &["\"nowhere\""]);
}

#[test]
fn nothing_to_measure_is_no_pass_and_an_unknown_suite_is_wrong_usage() {
    let project = project(&[]);
    check(&project.ab(&[]), 3, &["no case to measure"]);
    check(
        &project.ab(&["--suites", "queue"]),
        2,
        &["\"queue\"", "sums"],
    );
}

#[test]
fn a_slower_candidate_fails_the_run_wherever_its_functions_lie_and_is_named() {
    let project = project(&[("slow", "1000.0"), ("steady", "1000.0")]);
    project.suite("sums", &[("slow", "1050.0"), ("steady", "1000.0")]);
    let outcome = project.ab(&[]);
    check(&outcome, 1, &["relinking sums", "over 12 orders"]);
    assert_eq!(outcome.regressed(), ["sums/slow"]);
    assert_eq!(project.n_worktrees(), 1);
}

#[test]
fn what_the_linker_did_is_told_from_what_the_code_does() {
    // Each side has a case that is slower for one order of two functions, and one that is for the other.
    let takes = |slow_if: &str| format!("if {slow_if} {{ 1100.0 }} else {{ 1000.0 }}");
    let (left, right) = (takes("is_left_first()"), takes("!is_left_first()"));
    let project = project(&[("a", &left), ("b", &right), ("steady", "1000.0")]);
    project.suite("sums", &[("a", &right), ("b", &left), ("steady", "1000.0")]);
    // Which function a link puts first depends on the project's path, too, and one draw of orders in thirty leans so far
    // to one side that it cannot tell.
    let could_tell = |outcome: &Outcome| !outcome.stdout.contains("cannot tell layout from code");
    let mut outcomes = (7..12).map(|seed| project.ab_drawn(seed, &["--format", "json"]));
    let outcome = outcomes.find(could_tell).expect("a draw that can tell");
    check(&outcome, 0, &["relinking sums"]);
    let rows = ["sums/a", "sums/b"].map(|id| row(&outcome, id));
    let mut verdicts = rows.map(|row| {
        let reason = row["remarks"][0].as_str().unwrap_or_default().to_owned();
        (row["verdict"].as_str().expect("a word").to_owned(), reason)
    });
    verdicts.sort();
    let [(improved, may_be), (unchanged, is_layout)] = verdicts;
    assert_eq!((&*improved, &*unchanged), ("improved", "unchanged"));
    assert!(may_be.contains("may be layout"), "{may_be}");
    assert!(is_layout.contains("layout, not code"), "{is_layout}");
}

#[test]
fn orders_that_cannot_tell_are_joined_by_as_many_more() {
    // An order of two functions moves it by more than the change does.
    let loud = |time: f64| {
        format!(
            "if is_left_first() {{ {time:?} }} else {{ {:?} }}",
            2.0 * time
        )
    };
    let project = project(&[("loud", &loud(1000.0)), ("steady", "1000.0")]);
    project.suite("sums", &[("loud", &loud(1300.0)), ("steady", "1000.0")]);
    // One draw of twelve orders in five happens to tell.
    let has_more = |outcome: &Outcome| {
        ["over 24 orders", "over 48 orders"]
            .iter()
            .any(|more| outcome.stdout.contains(more))
    };
    let mut outcomes = (7..12).map(|seed| project.ab_drawn(seed, &[]));
    let outcome = outcomes.find(has_more).expect("a draw that cannot tell");
    assert!(
        outcome.stderr.contains("relinking sums"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.n_worktrees(), 1);
}

#[test]
fn a_comment_alone_needs_no_round_unless_equal_programs_are_to_be_measured() {
    let project = project(&[("steady", "1000.0")]);
    let suite = fs::read_to_string(project.path("benches/sums.rs")).expect("there");
    let commented = suite.replace("fn main()", "/// Answers.\n// And no more.\nfn main()");
    project.write("benches/sums.rs", &commented);
    let outcome = project.ab(&["--format", "json"]);
    let said = "the same program on both sides, nothing to measure: sums";
    check(&outcome, 0, &[said]);
    let steady = row(&outcome, "sums/steady");
    assert_eq!(
        (&steady["verdict"], &steady["n_rounds"]),
        (&"unchanged".into(), &0.into())
    );

    let measured = project.ab(&["--measure-equal", "--format", "json"]);
    check(&measured, 0, &[]);
    assert!(row(&measured, "sums/steady")["n_rounds"].as_u64() >= Some(6));

    // The program is still the same, and might read this.
    project.write("fixtures/input.json", "[]");
    let outcome = project.ab(&["--format", "json"]);
    check(&outcome, 0, &["fixtures/input.json"]);
    assert!(row(&outcome, "sums/steady")["n_rounds"].as_u64() >= Some(6));
}

#[test]
fn a_base_that_does_not_build_says_so_and_nobody_can_tell() {
    let project = Project::new();
    project.suite("sums", &[("steady", "unfinished(")]);
    project.commit("base");
    project.suite("sums", &[("steady", "1000.0")]);
    let outcome = project.ab(&[]);
    check(&outcome, 3, &["failed to build the suites of base"]);
    assert_eq!((&*outcome.stdout, project.n_worktrees()), ("", 1));
}

#[test]
fn renamed_cases_and_suites_that_a_side_lacks_are_listed_on_either_side() {
    let project = project(&[("old", "1000.0"), ("steady", "1000.0")]);
    project.suite("sums", &[("new", "1000.0"), ("steady", "1000.0")]);
    project.suite("extra", &[("alone", "1000.0")]);
    let outcome = project.ab(&["--format", "json"]);
    check(&outcome, 3, &[]);
    for (id, verdict) in [
        ("sums/old", "missing"),
        ("sums/new", "new"),
        ("extra/alone", "new"),
        ("sums/steady", "unchanged"),
    ] {
        assert_eq!(row(&outcome, id)["verdict"], verdict, "{id}");
    }
}

#[test]
fn what_fails_inside_a_case_is_its_own_row_with_the_reason() {
    let project = project(&[
        ("breaks", "1000.0"),
        ("steady", "1000.0"),
        ("empty", "1000.0"),
    ]);
    project.suite(
        "sums",
        &[
            ("breaks", r#"panic!("wrong answer")"#),
            ("steady", "1000.0"),
            ("empty", "process::exit(0)"),
        ],
    );
    let outcome = project.ab(&["--format", "json"]);
    check(&outcome, 3, &[]);
    for (id, reason) in [
        ("sums/breaks", "wrong answer"),
        ("sums/empty", "left no samples in the candidate"),
    ] {
        let row = row(&outcome, id);
        assert_eq!(row["verdict"], "not_judged", "{id}");
        let said = row["remarks"][0].as_str().expect("a remark");
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(row(&outcome, "sums/steady")["verdict"], "unchanged");
}

#[test]
fn sides_that_choose_different_compilers_are_refused() {
    let project = Project::new();
    let compiler = r#"#!/bin/sh
if [ "$1" = -vV ] && [ -f flavour ]; then
    rustc "$@" | sed "1s/^rustc /rustc $(cat flavour) /"
else
    exec rustc "$@"
fi
"#;
    project.write("target/rustc", compiler);
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(project.path("target/rustc"), executable).expect("allowed");
    project.suite("sums", &[("steady", "1000.0")]);
    project.write("flavour", "stable");
    project.commit("base");
    project.write("flavour", "nightly");
    let target = project.path("target").display().to_string();
    let rustc = project.path("target/rustc").display().to_string();
    let variables = [("CARGO_TARGET_DIR", &*target), ("RUSTC", &*rustc)];
    let outcome = project.sandbox.run(&["ab", "base"], &variables);
    check(
        &outcome,
        2,
        &["rustc stable", "rustc nightly", "RUSTUP_TOOLCHAIN"],
    );
}

#[test]
fn an_interrupted_run_keeps_what_it_has_and_leaves_no_process_and_no_worktree() {
    let project = project(&[("steady", "1000.0"), ("stuck", "1000.0")]);
    project.suite("sums", &[("steady", "1000.0"), ("stuck", "hang()")]);
    let pids = project.path("target/pids");
    let mut run = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["ab", "base", "--seed", "7"])
        .current_dir(project.path("."))
        .env("CARGO_TARGET_DIR", project.path("target"))
        .env("PIDS", &pids)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut told = BufReader::new(run.stderr.take().expect("piped")).lines();
    let is_measuring = told.any(|line| line.is_ok_and(|line| line.contains("measuring")));
    assert!(is_measuring, "it ended before");
    let stuck = loop {
        match fs::read_to_string(&pids) {
            Ok(process) if !process.is_empty() => break process,
            _ => std::thread::yield_now(),
        }
    };
    let interrupt = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(interrupt.expect("there is a kill").success());
    let words: Vec<String> = told.map_while(Result::ok).collect();
    let ended = run.wait().expect("it ends");
    assert_eq!(ended.code(), Some(3), "{words:?}");
    assert!(
        words.iter().any(|line| line.contains("interrupted")),
        "{words:?}"
    );

    assert!(
        !Path::new("/proc").join(stuck).exists(),
        "a process is left"
    );
    assert_eq!(project.n_worktrees(), 1);
    let kept = fs::read_to_string(project.path("target/plimsoll/ab/last.json"));
    let kept: Value = serde_json::from_str(&kept.expect("kept")).expect("whole");
    assert_eq!(kept["is_complete"], false);
    assert_eq!(kept["cases"].as_array().expect("cases").len(), 2);
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
#[test]
fn a_full_disk_is_named_and_what_was_stored_before_stays() {
    let project = project(&[("steady", "1000.0")]);
    project.suite("sums", &[("steady", "1000.5")]);
    let small = project.path("small");
    fs::create_dir(&small).expect("a folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "none"])
        .arg(&small)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: only root may mount a small disk");
        return;
    }
    let output = small.join("pairs.json");
    fs::write(&output, "what was there").expect("it has room for that");
    let path = output.display().to_string();
    let outcome = project.ab(&["--output", &path]);
    let kept = fs::read_to_string(&output);
    let n_files = fs::read_dir(&small).map(Iterator::count);
    let unmounted = Command::new("umount").arg(&small).status();
    assert!(unmounted.expect("mounted").success());
    check(&outcome, 2, &["pairs.json", "No space left"]);
    assert_eq!(kept.expect("readable"), "what was there");
    assert_eq!(n_files.expect("readable"), 1);
    assert_eq!(project.n_worktrees(), 1);
}
