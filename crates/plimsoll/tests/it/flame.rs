//! Flamegraphs with a Cargo that only pretends: the path, and the nearest names.

use crate::record::FakeCargo;

fn flame(case: &str) -> (Option<i32>, String, String) {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["flame", case, "--seconds", "1"]);
    (outcome.code, outcome.stdout, outcome.stderr)
}

#[test]
fn the_path_of_the_new_flamegraph_is_printed_and_nothing_else() {
    let cargo = FakeCargo::new();
    let home = cargo.sandbox.path("target/criterion").display().to_string();
    let outcome = cargo.run_with(
        &["flame", "codec/encode/10_kb", "--seconds", "1"],
        &[("CRITERION_HOME", &home)],
    );
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        format!("{home}/codec/x/profile/flamegraph.svg\n")
    );
}

#[test]
fn an_unknown_case_names_the_nearest() {
    let (code, stdout, stderr) = flame("codec/encod/10_kb");
    assert_eq!((code, &*stdout), (Some(2), ""));
    assert!(stderr.contains("nearest: codec/encode/10_kb"), "{stderr}");
}

#[test]
fn an_unknown_suite_names_the_nearest() {
    for case in ["codecs/encode/10_kb", "codec"] {
        let (code, _, stderr) = flame(case);
        assert_eq!(code, Some(2), "{case}");
        assert!(stderr.contains("nearest: codec"), "{stderr}");
    }
}
