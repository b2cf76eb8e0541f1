//! `plimsoll baseline accept`: what is written, what is refused, and what a comparison makes of it.

use std::fs;

use crate::sandbox::{Outcome, Sandbox, contents};

const CASE: &str = "codec/encode/10_kb";

fn accept(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let baselines = sandbox.path("baselines").display().to_string();
    let given = ["baseline", "accept", "--baseline", &baselines];
    sandbox.run(&[&given, arguments].concat(), &[])
}

fn usual<'a>(case: &'a str, allow: &'a str, because: &'a str, until: &'a str) -> Vec<&'a str> {
    vec![
        case,
        "--allow",
        allow,
        "--because",
        because,
        "--until",
        until,
    ]
}

#[test]
fn an_acceptance_and_its_line_are_written_in_one_change_and_keep_a_comparison_from_failing() {
    let sandbox = Sandbox::with_baseline();
    let slower = |id: &str| Some(if id == CASE { 1.95 } else { 1.0 });
    sandbox.measure(7, slower);
    let before = sandbox.compare(&[]);
    assert_eq!(before.code, Some(1), "{}", before.stdout);
    assert_eq!(before.regressed(), [CASE]);

    let accepted = accept(
        &sandbox,
        &usual(CASE, "100%", "it checks the sums now", "2999-01-31"),
    );
    assert_eq!(accepted.code, Some(0), "{}", accepted.stderr);
    let lines = fs::read_to_string(sandbox.path("baselines/CHANGES.md")).expect("written");
    let line = lines
        .lines()
        .find(|line| line.contains("`accepted.toml` `sha256:"));
    let line = line.expect("a line that vouches for it");
    assert!(
        line.contains(CASE) && line.contains("it checks the sums now"),
        "{line}"
    );

    let after = sandbox.compare(&[]);
    assert_eq!(after.regressed(), [] as [&str; 0]);
    assert_ne!(after.code, Some(1), "{}", after.stdout);
    assert!(
        after.stdout.contains("it checks the sums now"),
        "{}",
        after.stdout
    );
}

#[test]
fn an_acceptance_is_flagged_once_it_is_not_needed_and_counts_for_nothing_once_it_has_ended() {
    let sandbox = Sandbox::with_baseline();
    let slower = |id: &str| Some(if id == CASE { 1.95 } else { 1.0 });
    sandbox.measure(7, slower);
    let entry = "[[accepted]]\ncase = \"codec/encode/10_kb\"\nmetric = \"time\"\nallow_percent = 100.0\n\
        because = \"until the release\"\non = \"2020-01-01\"\nuntil = \"2020-02-01\"\n";
    fs::write(sandbox.path("baselines/accepted.toml"), entry).expect("put");
    let outcome = sandbox.compare(&[]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("its end has passed"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn what_is_no_agreement_is_refused_and_changes_nothing() {
    let sandbox = Sandbox::with_baseline();
    let before = contents(&sandbox.path("baselines"));
    for (arguments, told) in [
        (usual("codec/encode/10_k", "4%", "why", "2999-01-31"), CASE),
        (usual("codec", "4%", "why", "2999-01-31"), "codec"),
        (usual(CASE, "4%", "why", "2020-01-31"), "not after"),
        (usual(CASE, "4%", "  ", "2999-01-31"), "no reason"),
        (usual(CASE, "4", "why", "2999-01-31"), "such as 4%"),
        (usual(CASE, "much%", "why", "2999-01-31"), "no number"),
        (usual(CASE, "400%", "why", "2999-01-31"), "100 %"),
        (
            usual(CASE, "4%", "why", "2999-02-31"),
            "day of the calendar",
        ),
        (
            vec![CASE, "--allow", "4%", "--until", "2999-01-31"],
            "--because",
        ),
    ] {
        let outcome = accept(&sandbox, &arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
    assert_eq!(contents(&sandbox.path("baselines")), before);
}

#[test]
fn a_damaged_table_is_no_silence() {
    let sandbox = Sandbox::with_baseline();
    sandbox.measure(7, |_| Some(1.0));
    fs::write(
        sandbox.path("baselines/accepted.toml"),
        "[[accepted]]\ncase = 3\n",
    )
    .expect("put");
    for outcome in [
        sandbox.compare(&[]),
        accept(&sandbox, &usual(CASE, "4%", "why", "2999-01-31")),
    ] {
        assert_eq!(outcome.code, Some(2));
        assert!(
            outcome.stderr.contains("accepted.toml"),
            "{}",
            outcome.stderr
        );
    }
}
