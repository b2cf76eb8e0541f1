//! The reader against hand-made outputs, each with one thing a reader must cope with.

use std::path::PathBuf;

use super::{read, read_if_any};
use crate::case_id::CaseId;
use crate::error::Error;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/results/criterion")
        .join(name)
}

#[test]
fn cases_are_known_by_their_whole_id_however_their_folders_are_called() {
    let measurements = read(&fixture("usual")).expect("readable");
    let ids: Vec<&str> = measurements.keys().map(CaseId::as_str).collect();
    assert_eq!(
        ids,
        [
            "fan_out/all_succeed/64_targets",
            "fan_out/one_fails_and_its_name_is_longer_than_the_sixty_four_bytes_that_criterion_keeps/4_targets",
            "quota/allow/1k_workspaces",
            "quota/governor_allow/1k_workspaces",
        ]
    );
}

#[test]
fn times_are_per_iteration_in_both_sampling_modes() {
    let measurements = read(&fixture("usual")).expect("readable");
    let of = |id: &str| &measurements[&CaseId::new(id).expect("well formed")];
    let linear = of("quota/allow/1k_workspaces");
    assert_eq!(linear.sampling_mode, "Linear");
    assert_eq!(linear.times_ns.len(), 20);
    assert!(
        linear
            .times_ns
            .iter()
            .all(|time| (29.9..31.5).contains(time))
    );
    let flat = of("fan_out/all_succeed/64_targets");
    assert_eq!(flat.sampling_mode, "Flat");
    assert_eq!(flat.times_ns[0], 101_200_000.0);
    assert!(flat.mean_ns > flat.times_ns[0]);
}

#[test]
fn a_file_that_was_cut_short_is_named_with_the_place_and_the_mend() {
    let error = read(&fixture("cut_short"))
        .expect_err("cut short")
        .to_string();
    for part in [
        "codec/encode/10_kb/new/sample.json",
        "line 1 column",
        "cargo bench",
    ] {
        assert!(error.contains(part), "{part:?} in {error}");
    }
}

#[test]
fn two_folders_with_one_id_are_both_named() {
    let error = read(&fixture("twice")).expect_err("collision");
    let Error::Collision { id, first, second } = error else {
        panic!("another error: {error}");
    };
    assert_eq!(id, "codec/encode/10_kb");
    assert_ne!(first, second);
}

#[test]
fn a_case_without_a_group_gets_a_suite_of_its_own() {
    let measurements = read(&fixture("no_group")).expect("Criterion allows it");
    let ids: Vec<&str> = measurements.keys().map(CaseId::as_str).collect();
    assert_eq!(ids, ["(ungrouped)/fib"]);
}

#[test]
fn an_empty_or_absent_home_is_an_error_unless_that_is_allowed() {
    let home = tempfile::tempdir().expect("a folder");
    for home in [home.path().to_owned(), home.path().join("absent")] {
        assert!(matches!(read(&home), Err(Error::Empty { .. })));
        assert!(read_if_any(&home).expect("allowed").is_empty());
    }
}

#[test]
fn a_measurement_that_lacks_a_file_or_has_impossible_times_is_an_error() {
    let home = tempfile::tempdir().expect("a folder");
    let latest = home.path().join("g/f/new");
    std::fs::create_dir_all(&latest).expect("made");
    let put = |name: &str, text: &str| std::fs::write(latest.join(name), text).expect("put");
    put("benchmark.json", r#"{"full_id":"g/f"}"#);
    let error = read(home.path()).expect_err("no sample").to_string();
    assert!(error.contains("sample.json"), "{error}");

    put("estimates.json", r#"{"mean":{"point_estimate":1.0}}"#);
    for (sample, complaint) in [
        (
            r#"{"sampling_mode":"Flat","iters":[1.0],"times":[1.0,2.0]}"#,
            "1 counts of iterations",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[],"times":[]}"#,
            "0 counts",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[1.0],"times":[0.0]}"#,
            "a time of 0 ns",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[0.0],"times":[1.0]}"#,
            "a time of inf ns",
        ),
    ] {
        put("sample.json", sample);
        let error = read(home.path()).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
