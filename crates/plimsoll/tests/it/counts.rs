//! Instruction counts: exact, so ten percent more work is seen at once, and only there.

use std::fs;
use std::path::Path;

use results::baseline;
use results::iai;
use results::machine::CountMachine;
use results::record::{Origin, Record};

use crate::sandbox::Sandbox;

const CASES: [(&str, u64); 4] = [
    ("allow", 4_210),
    ("deny", 3_801),
    ("acquire", 9_377),
    ("release", 122),
];

fn put_counts(home: &Path, factor: impl Fn(&str) -> f64) {
    for (case, instructions) in CASES {
        let folder = home.join(format!("benches/instructions/quota/{case}.usual"));
        fs::create_dir_all(&folder).expect("made");
        let counted = (instructions as f64 * factor(case)).round();
        let summary = serde_json::json!({
            "version": "6",
            "module_path": format!("instructions::quota::{case}"),
            "function_name": case,
            "id": "usual",
            "profiles": [{"summaries": {"total": {"summary": {"Callgrind": {
                "Ir": {"diffs": null, "metrics": {"Left": {"Int": counted as u64}}}
            }}}}}],
        });
        fs::write(folder.join("summary.json"), summary.to_string()).expect("put");
    }
}

fn with_counts(machine: &CountMachine) -> Sandbox {
    let sandbox = Sandbox::new();
    let home = sandbox.path("iai");
    put_counts(&home, |_| 1.0);
    let origin = Origin {
        machine: "m".to_owned(),
        toolchain: "t".to_owned(),
        commit: None,
    };
    let records: Vec<Record> = iai::read(&home)
        .expect("readable")
        .values()
        .map(|count| Record::of_count(count, &origin))
        .collect();
    let baseline = baseline::of_counts("quota", &[records.clone(), records]).expect("recordable");
    let folder = sandbox.path("baselines").join(baseline::INSTRUCTIONS);
    baseline::write_counts(&folder, machine, &[baseline]).expect("written");
    sandbox
}

#[test]
fn ten_percent_more_work_ends_with_1_and_names_that_case_and_no_other() {
    let sandbox = with_counts(&CountMachine::here());
    put_counts(&sandbox.path("iai"), |case| {
        if case == "acquire" { 1.1 } else { 1.0 }
    });
    let outcome = sandbox.compare(&["--instructions"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    assert_eq!(outcome.regressed(), ["quota/acquire/usual"]);
}

#[test]
fn the_same_counts_end_with_0_and_a_thousandth_more_is_no_change() {
    let sandbox = with_counts(&CountMachine::here());
    for factor in [1.0, 1.001, 0.999] {
        put_counts(&sandbox.path("iai"), |_| factor);
        let outcome = sandbox.compare(&["--instructions"]);
        assert_eq!(outcome.code, Some(0), "{factor}: {}", outcome.stdout);
    }
}

#[test]
fn counts_of_other_tools_are_not_judged_and_the_tools_are_named() {
    let sandbox = with_counts(&CountMachine {
        valgrind: "2.0".to_owned(),
        ..CountMachine::here()
    });
    put_counts(&sandbox.path("iai"), |_| 3.0);
    let outcome = sandbox.compare(&["--instructions"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("valgrind: 2.0 there"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn without_counts_the_script_that_installs_the_tools_is_named() {
    let sandbox = with_counts(&CountMachine::here());
    fs::remove_dir_all(sandbox.path("iai")).expect("removed");
    let outcome = sandbox.compare(&["--instructions"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("scripts/setup-instructions"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_count_that_is_gone_is_missing() {
    let sandbox = with_counts(&CountMachine::here());
    fs::remove_dir_all(sandbox.path("iai/benches/instructions/quota/deny.usual")).expect("removed");
    let outcome = sandbox.compare(&["--instructions"]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("1 missing"), "{}", outcome.stdout);
}
