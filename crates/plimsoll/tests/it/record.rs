//! Recording with a Cargo that only pretends: what is written, and what is never touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use results::changes;

use crate::sandbox::{Outcome, Sandbox, contents, measure};

/// Knows two suites. `bench` copies what a real process would have measured; the word in `$FAKE/trouble` spoils it.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
metadata) read -r line < "$FAKE/metadata.json"; printf '%s\n' "$line"; exit 0 ;;
bench) ;;
*) exit 64 ;;
esac
suite=
while [ $# -gt 0 ]; do
    case "$1" in
    --no-run) exit 0 ;;
    --bench) suite=$2; shift ;;
    --list) printf '%s\n' "$suite/encode/10_kb: benchmark" "$suite/encode/100_kb: benchmark"; exit 0 ;;
    --profile-time) mkdir -p "$CRITERION_HOME/$suite/x/profile"; echo svg > "$CRITERION_HOME/$suite/x/profile/flamegraph.svg"; exit 0 ;;
    esac
    shift
done
process=$(basename "$CRITERION_HOME")
echo "$process $suite" >> "$FAKE/log"
if [ "$(cat "$FAKE/trouble" 2>/dev/null)" = "$process $suite fails" ]; then echo "assertion failed: 1 == 2"; exit 101; fi
if [ "$(cat "$FAKE/trouble" 2>/dev/null)" = "$process $suite kills" ]; then kill -9 "$PPID"; exit 1; fi
mkdir -p "$CRITERION_HOME"
cp -r "$FAKE/$process/$suite" "$CRITERION_HOME/$suite"
"#;

pub(crate) struct FakeCargo {
    pub(crate) sandbox: Sandbox,
}

impl FakeCargo {
    /// Our own workspace: a package of suites, each with the group of its name.
    pub(crate) fn new() -> Self {
        Self::with_package(
            "benches",
            &["quota", "codec", "instructions", "verdict"],
            |home, seed| {
                measure(home, seed, |id| {
                    (id.starts_with("codec/") || id.starts_with("quota/")).then_some(1.0)
                });
            },
        )
    }

    /// Somebody else's: one bench target of a library, with groups of other names.
    fn foreign() -> Self {
        Self::with_package("parser", &["all"], |home, seed| {
            measure(&home.join("all"), seed, |_| Some(1.0));
        })
    }

    fn with_package(package: &str, benches: &[&str], measure: impl Fn(&Path, u64)) -> Self {
        let sandbox = Sandbox::new();
        let fake = sandbox.path("fake");
        for process in 1..=5 {
            measure(&fake.join(format!("process_{process}")), process);
        }
        let program = fake.join("cargo");
        fs::write(&program, CARGO).expect("put");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
        let bench = |name: &&str| serde_json::json!({"name": name, "kind": ["bench"]});
        let mut targets: Vec<_> = benches.iter().map(bench).collect();
        targets.push(serde_json::json!({"name": package, "kind": ["lib"]}));
        let metadata = serde_json::json!({
            "workspace_root": sandbox.path(""),
            "target_directory": sandbox.path("target"),
            "packages": [{"name": package, "targets": targets}],
        });
        fs::write(fake.join("metadata.json"), format!("{metadata}\n")).expect("put");
        Self { sandbox }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Outcome {
        let fake = self.sandbox.path("fake").display().to_string();
        let cargo = self.sandbox.path("fake/cargo").display().to_string();
        let mut variables = vec![("FAKE", &*fake), ("CARGO", &*cargo)];
        variables.extend(more);
        self.sandbox.run(arguments, &variables)
    }

    fn trouble(&self, words: &str) {
        fs::write(self.sandbox.path("fake/trouble"), words).expect("put");
    }

    fn baselines(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        contents(&self.sandbox.path("baselines"))
    }
}

fn names(files: &[(std::path::PathBuf, Vec<u8>)]) -> Vec<&str> {
    files
        .iter()
        .filter_map(|(path, _)| path.file_name()?.to_str())
        .collect()
}

#[test]
fn the_groups_of_another_project_become_its_suites() {
    let cargo = FakeCargo::foreign();
    let recorded = cargo.run(&["baseline", "record", "--workspace", "."]);
    assert_eq!(recorded.code, Some(0), "{}", recorded.stderr);
    for suite in ["codec", "fan_out", "queue", "quota"] {
        assert!(
            cargo.sandbox.shelf().join(format!("{suite}.json")).exists(),
            "{suite}"
        );
    }

    let process = cargo
        .sandbox
        .path("fake/process_1/all")
        .display()
        .to_string();
    let compared = cargo.run(&["compare", "--workspace", ".", "--criterion", &process]);
    assert!(compared.stdout.contains("\nqueue "), "{}", compared.stdout);
    assert_eq!(compared.regressed(), [""; 0], "{}", compared.stdout);
}

#[test]
fn each_suite_runs_in_fresh_processes_and_the_files_are_printed() {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["baseline", "record"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(
        names(&cargo.baselines()),
        ["codec.json", "machine.json", "quota.json"]
    );
    let printed: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(printed.len(), 2);
    assert!(
        printed.iter().all(|line| Path::new(line).is_file()),
        "{printed:?}"
    );
    let log = fs::read_to_string(cargo.sandbox.path("fake/log")).expect("there");
    let runs: Vec<&str> = log.lines().collect();
    assert_eq!(runs.len(), 10);
    assert_eq!(
        &runs[..3],
        ["process_1 codec", "process_1 quota", "process_2 codec"]
    );
    assert!(
        outcome.stderr.contains("baselines/CHANGES.md"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_reason_becomes_the_line_that_vouches_for_what_was_recorded() {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["baseline", "record", "--because", "a new processor"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let baselines = cargo.sandbox.path("baselines");
    let lines = fs::read_to_string(baselines.join("CHANGES.md")).expect("written");
    assert!(lines.contains("a new processor"), "{lines}");
    assert_eq!(changes::unvouched(&baselines).expect("readable"), []);

    let again = cargo.run(&["baseline", "record", "--suites", "codec"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(changes::unvouched(&baselines).expect("readable"), []);
}

#[test]
fn recording_unchanged_data_again_gives_the_same_bytes() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let first = cargo.baselines();
    assert_eq!(cargo.run(&["baseline", "record"]).code, Some(0));
    assert_eq!(cargo.baselines(), first);
}

#[test]
fn chosen_suites_leave_the_others_as_they_are() {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&[
        "baseline",
        "record",
        "--suites",
        "quota",
        "--processes",
        "3",
    ]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(names(&cargo.baselines()), ["machine.json", "quota.json"]);
}

#[test]
fn records_stay_in_the_target_directory_and_nothing_else_does() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let left = contents(&cargo.sandbox.path("target"));
    let expected: Vec<String> = (1..=5).map(|n| format!("process_{n}.jsonl")).collect();
    assert_eq!(names(&left), expected);
}

#[test]
fn a_suite_that_fails_is_shown_with_its_words_and_nothing_is_overwritten() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let before = cargo.baselines();
    cargo.trouble("process_4 quota fails");
    let outcome = cargo.run(&["baseline", "record"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("assertion failed: 1 == 2"),
        "{}",
        outcome.stderr
    );
    assert_eq!(cargo.baselines(), before);
}

#[test]
fn a_recording_that_is_killed_leaves_the_old_baselines_whole() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let before = cargo.baselines();
    cargo.trouble("process_3 codec kills");
    let outcome = cargo.run(&["baseline", "record"]);
    assert_eq!(outcome.code, None, "killed by a signal");
    assert_eq!(cargo.baselines(), before);
}

#[test]
fn a_stored_baseline_that_is_not_understood_stops_the_recording_before_it_begins() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let path = cargo.sandbox.shelf().join("codec.json");
    fs::write(&path, "{").expect("put");
    fs::remove_file(cargo.sandbox.path("fake/log")).expect("removed");
    let outcome = cargo.run(&["baseline", "record", "--suites", "quota"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert_eq!(fs::read_to_string(&path).expect("there"), "{");
    assert!(!cargo.sandbox.path("fake/log").exists(), "nothing was run");
}

#[test]
fn too_few_processes_or_an_unknown_suite_end_with_2() {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["baseline", "record", "--processes", "2"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("take 3 or more"),
        "{}",
        outcome.stderr
    );
    let outcome = cargo.run(&["baseline", "record", "--suites", "qouta"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("nearest: quota"),
        "{}",
        outcome.stderr
    );
    assert!(cargo.baselines().is_empty());
}

#[test]
fn counting_without_its_tools_names_the_script_that_installs_them() {
    let cargo = FakeCargo::new();
    let nowhere = cargo.sandbox.path("nowhere").display().to_string();
    let outcome = cargo.run_with(
        &["baseline", "record", "--instructions"],
        &[("PATH", "/nowhere"), ("XDG_DATA_HOME", &nowhere)],
    );
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    for words in [
        "valgrind and iai-callgrind-runner",
        "scripts/setup-instructions",
    ] {
        assert!(
            outcome.stderr.contains(words),
            "{words}: {}",
            outcome.stderr
        );
    }
    assert!(cargo.baselines().is_empty());
}

#[test]
fn what_is_recorded_is_listed_and_judges_its_own_data_as_unchanged() {
    let cargo = FakeCargo::new();
    cargo.run(&["baseline", "record"]);
    let listed = cargo.run(&["baseline", "list"]);
    assert_eq!(listed.code, Some(0));
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].contains("codec") && lines[0].ends_with("4 cases  (this machine)"),
        "{lines:?}"
    );

    let home = cargo.sandbox.path("fake/process_2").display().to_string();
    let outcome = cargo.run(&["compare", "--criterion", &home]);
    assert_ne!(outcome.code, Some(1), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("unchanged"), "{}", outcome.stdout);
}

#[test]
fn an_empty_folder_of_baselines_lists_nothing() {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["baseline", "list"]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(0), ""));
    assert!(
        outcome.stderr.contains("no baselines"),
        "{}",
        outcome.stderr
    );
}
