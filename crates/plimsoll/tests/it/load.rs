//! `plimsoll load`: exit codes, forms, and mistakes that are named.

use std::fs;

use crate::sandbox::{Outcome, Sandbox};

/// A load of a few tenths of a second. What is promised can be said behind it.
const SCENARIO: &str = r#"
text = "Five users; does not show anything."
[closed]
users = 5
queries = 25
[llm]
latency = ["20ms", "20ms"]
"#;

fn load(promises: &str, arguments: &[&str]) -> Outcome {
    let sandbox = Sandbox::new();
    let path = sandbox.path("five.toml");
    fs::write(&path, format!("{SCENARIO}{promises}")).expect("written");
    let path = path.display().to_string();
    sandbox.run(&[&["load", &path], arguments].concat(), &[])
}

/// On a machine with no time to spare the generator may say that it spoiled the run, whatever came of it.
fn assert_ends_with(outcome: &Outcome, code: i32) {
    let spoiled = outcome.stdout.contains("spoiled by the generator");
    let expected = if spoiled { 4 } else { code };
    assert_eq!(
        outcome.code,
        Some(expected),
        "{}\n{}",
        outcome.stdout,
        outcome.stderr
    );
}

#[test]
fn a_scenario_runs_in_process_without_any_service() {
    let outcome = load("[[slo]]\nmetric = \"failures\"\nat_most_count = 0\n", &[]);
    assert_ends_with(&outcome, 0);
    assert!(outcome.stdout.contains("25 done"), "{}", outcome.stdout);
    assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
}

#[test]
fn a_run_of_a_platform_is_told_with_all_its_calls_and_what_the_model_was_asked() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("runs.toml");
    let text = "text = \"Runs; does not show anything.\"\nplatform = \"agentmaestro\"\n\
        [closed]\nusers = 2\nqueries = 4\n\
        [runs]\nchildren = 2\npoll_interval = \"20ms\"\npoll_timeout = \"10s\"\n\
        [llm]\nlatency = [\"20ms\", \"20ms\"]\n\
        [[slo]]\nmetric = \"failures\"\nat_most_count = 0\n";
    fs::write(&path, text).expect("written");
    let outcome = sandbox.run(&["load", &path.display().to_string()], &[]);
    assert_ends_with(&outcome, 0);
    for line in [
        "create      4 done",
        "spawn       8 done",
        "tick        12 done",
        "run         4 done",
        "model       12 calls, 12 answered",
    ] {
        assert!(outcome.stdout.contains(line), "{line}: {}", outcome.stdout);
    }
}

#[test]
fn a_missed_promise_ends_with_1() {
    let promise = "[[slo]]\nmetric = \"response\"\nquantile = 0.5\nat_most = \"1ms\"\n";
    assert_ends_with(&load(promise, &[]), 1);
}

#[test]
fn a_promise_without_samples_enough_ends_with_3() {
    let promise = "[[slo]]\nmetric = \"response\"\nquantile = 0.99\nat_most = \"1h\"\n";
    assert_ends_with(&load(promise, &[]), 3);
}

#[test]
fn a_cluster_that_is_not_there_ends_with_5() {
    let arguments = ["--driver", "kubernetes", "--kubeconfig", "nowhere/config"];
    let outcome = load("", &arguments);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("nowhere/config"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_record_that_cannot_be_written_costs_no_number() {
    let outcome = load("", &["--report", "json=/dev/null/load.json"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("25 done"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("/dev/null"), "{}", outcome.stderr);
}

/// The system refuses bytes beyond a size, as it does on a full disk.
#[test]
fn a_full_disk_costs_neither_a_number_nor_the_record_that_was_there() {
    let sandbox = Sandbox::new();
    let (scenario, record) = (sandbox.path("five.toml"), sandbox.path("load.json"));
    fs::write(&scenario, SCENARIO).expect("written");
    fs::write(&record, "the last one").expect("written");
    let arguments = [
        "load".to_owned(),
        scenario.display().to_string(),
        format!("--report=json={}", record.display()),
    ];
    // The signal would end the tool before it is told.
    let outcome = sandbox.run_in("trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", &arguments);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("25 done"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("load.json"), "{}", outcome.stderr);
    let kept = fs::read_to_string(&record).expect("it is still there");
    assert_eq!(kept, "the last one");
}

#[test]
fn impossible_plans_end_with_2_before_anything_runs() {
    let promise = "[[slo]]\noperation = \"nope\"\nmetric = \"success\"\nat_least = 0.9\n";
    for (promises, arguments, part) in [
        (promise, &[][..], "nope"),
        ("", &["--rate", "5"][..], "no [open] load"),
        ("", &["--time-scale", "2"][..], "at most 1"),
        ("", &["--rate=-1"][..], "above 0"),
    ] {
        let outcome = load(promises, arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(
            outcome.stderr.contains(part),
            "{part:?}: {}",
            outcome.stderr
        );
        assert!(outcome.stdout.is_empty());
    }
}

#[test]
fn a_sweep_has_a_row_for_each_setting() {
    let outcome = load("", &["--driver", "null", "--sweep", "reconciles=1,5,20"]);
    assert_ends_with(&outcome, 0);
    for row in ["reconciles=1 ", "reconciles=5 ", "reconciles=20 "] {
        assert!(outcome.stdout.contains(row), "{row}: {}", outcome.stdout);
    }
}

#[test]
fn a_sweep_over_a_cgroup_bounds_it_and_puts_back_what_was() {
    let cgroup = tempfile::tempdir().expect("a folder");
    let folder = cgroup.path().display().to_string();
    for (name, text) in [("memory.current", "4096\n"), ("memory.max", "max\n")] {
        fs::write(cgroup.path().join(name), text).expect("written");
    }
    let sweep = ["--driver", "null", "--sweep", "memory-mib=64,128"];
    let watch = ["--watch-cgroup", &*folder];
    let outcome = load("", &[&sweep[..], &watch].concat());
    assert_ends_with(&outcome, 0);
    assert!(
        outcome.stdout.contains("memory-mib=64 "),
        "{}",
        outcome.stdout
    );
    let left = fs::read_to_string(cgroup.path().join("memory.max")).expect("there");
    assert_eq!(left, "max\n");
    let outcome = load("", &sweep);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("--watch-cgroup"),
        "{}",
        outcome.stderr
    );
    let outcome = load("", &["--watch-cgroup", "/nowhere"]);
    assert_eq!(outcome.code, Some(5), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("/nowhere"), "{}", outcome.stderr);
}

#[test]
fn a_scaled_run_is_marked() {
    let outcome = load(
        "",
        &[
            "--time-scale",
            "0.5",
            "--driver",
            "null",
            "--format",
            "json",
        ],
    );
    let record: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    assert_eq!(record["time_scale"], 0.5);
    assert_eq!(record["driver"]["name"], "null");
    assert_eq!(record["operations"][0]["count"], 25);
}

/// In a process of its own: other runs beside it would bring and take threads of the same name.
#[test]
fn the_last_look_at_the_generator_still_sees_the_thread_that_made_the_starts() {
    const OPEN: &str = r#"
text = "Half a second of starts; does not show anything."
[open]
start = 500.0
stages = [{ duration = "400ms", rate = 500.0 }]
[llm]
latency = ["1ms", "1ms"]
"#;
    let sandbox = Sandbox::new();
    let path = sandbox.path("open.toml");
    fs::write(&path, OPEN).expect("written");
    let path = path.display().to_string();
    let arguments = ["load", &path, "--driver", "null", "--format", "json"];
    let outcome = sandbox.run(&arguments, &[]);
    let record: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let windows = record["health"]["windows"].as_array().expect("windows");
    let last = windows.last().expect("a run has a window");
    assert!(last["cpu"].as_f64().is_some_and(|cpu| cpu > 0.0), "{last}");
}
