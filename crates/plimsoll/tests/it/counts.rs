//! Instruction counts: exact, so ten percent more work is seen at once, and only there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use results::baseline;
use results::baseline::functions::{self, CountedFunctions};
use results::callgrind;
use results::case_id::CaseId;
use results::functions::FunctionTable;
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
        // All that is more is in one function, which two of the cases call.
        let grown = counted as u64 - instructions.min(counted as u64) + 50;
        let profile = format!(
            "positions: line\nevents: Ir\nfn=quota::shared\n1 {grown}\nfn=quota::{case}\n2 {}\ntotals: {counted}\n",
            counted as u64 - grown
        );
        fs::write(folder.join(format!("callgrind.{case}.usual.out")), profile).expect("put");
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
    let repeats = [records.clone(), records.clone()];
    let baseline = baseline::of_counts("quota", &repeats, &[records]).expect("recordable");
    let folder = sandbox.path("baselines").join(baseline::INSTRUCTIONS);
    baseline::write_counts(&folder, machine, &[baseline]).expect("written");
    functions::write(&folder, "quota", &tables(&home)).expect("written");
    sandbox
}

/// Of which functions each case is made, as a recording keeps them.
fn tables(home: &Path) -> BTreeMap<CaseId, CountedFunctions> {
    let counts = iai::read(home).expect("readable");
    let tables = counts.into_values().map(|count| {
        let costs = callgrind::read_folder(&count.folder).expect("whole");
        let table = FunctionTable::most_costly(&costs.expect("put beside it"));
        let instructions = count.instructions;
        (
            count.id,
            CountedFunctions {
                instructions,
                table,
            },
        )
    });
    tables.collect()
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
fn a_regression_names_its_function_and_cases_that_share_it_have_one_cause() {
    let sandbox = with_counts(&CountMachine::here());
    put_counts(
        &sandbox.path("iai"),
        |case| {
            if case == "deny" { 1.0 } else { 1.1 }
        },
    );
    let outcome = sandbox.compare(&["--instructions"]);
    assert!(
        outcome
            .stdout
            .contains("functions: quota::shared +938 (+1876 %)"),
        "{}",
        outcome.stdout
    );
    let causes: Vec<&str> = outcome
        .stdout
        .lines()
        .filter(|line| line.contains(" cases, one cause: "))
        .collect();
    assert_eq!(
        causes,
        ["3 cases, one cause: quota::shared, which executes 1,371 more instructions in them"],
    );

    let json = sandbox.compare(&["--instructions", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(value["causes"][0]["function"], "quota::shared");
}

#[test]
fn a_regression_whose_profile_is_gone_says_so_and_stays_one() {
    for (gone, said) in [
        (
            "iai/benches/instructions/quota/acquire.usual/callgrind.acquire.usual.out",
            "callgrind.out of this run is not there",
        ),
        (
            "baselines/instructions/functions/quota.json",
            "no functions were recorded",
        ),
    ] {
        let sandbox = with_counts(&CountMachine::here());
        put_counts(&sandbox.path("iai"), |case| {
            if case == "acquire" { 1.1 } else { 1.0 }
        });
        fs::remove_file(sandbox.path(gone)).expect("removed");
        let outcome = sandbox.compare(&["--instructions"]);
        assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
        assert!(outcome.stdout.contains(said), "{}", outcome.stdout);
    }
}

#[test]
fn a_case_of_few_instructions_is_named_where_counts_are_compared() {
    let sandbox = with_counts(&CountMachine::here());
    let outcome = sandbox.compare(&["--instructions"]);
    let text = outcome.stdout.replace('\n', " ");
    assert!(text.contains("quota/release/usual (122)"), "{text}");
    assert!(!text.contains("quota/deny/usual ("), "{text}");
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
