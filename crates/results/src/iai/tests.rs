//! Both schemas give the same `Count`; anything else is an error that names the file.

use std::path::PathBuf;

use super::{read, read_if_any};
use crate::case_id::CaseId;
use crate::error::Error;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/results/iai")
        .join(name)
}

fn id(text: &str) -> CaseId {
    CaseId::new(text).expect("well formed")
}

#[test]
fn schema_6_gives_the_new_count_with_and_without_an_old_one() {
    let counts = read(&fixture("schema_6")).expect("readable");
    assert_eq!(counts[&id("quota/allow/w1k")].instructions, 4210);
    assert_eq!(counts[&id("quota/deny/w1k")].instructions, 3801);
}

#[test]
fn schema_7_gives_the_same_shape() {
    let counts = read(&fixture("schema_7")).expect("readable");
    let count = &counts[&id("quota/allow/w1k")];
    assert_eq!(count.instructions, 4212);
    assert_eq!(count.events["L1hits"], 4612);
}

#[test]
fn rates_are_not_counts() {
    for schema in ["schema_6", "schema_7"] {
        let counts = read(&fixture(schema)).expect("readable");
        assert!(
            !counts[&id("quota/allow/w1k")]
                .events
                .contains_key("D1MissRate")
        );
    }
}

#[test]
fn an_unknown_schema_or_a_run_without_counts_names_the_file() {
    for (name, complaint) in [("schema_5", "\"5\""), ("no_counts", "no callgrind events")] {
        let error = read(&fixture(name)).expect_err(name).to_string();
        assert!(
            error.contains("summary.json") && error.contains(complaint),
            "{error}"
        );
    }
}

#[test]
fn no_counts_at_all_names_the_script_that_installs_the_tools() {
    let home = tempfile::tempdir().expect("a folder");
    let error = read(home.path()).expect_err("nothing").to_string();
    assert!(error.contains("scripts/setup-instructions"), "{error}");
    assert!(read_if_any(home.path()).expect("allowed").is_empty());
    assert!(matches!(read(home.path()), Err(Error::Empty { .. })));
}

#[test]
fn an_underscore_before_a_digit_belongs_to_the_identifier_alone() {
    assert_eq!(super::parameter("_10kb"), "10kb");
    assert_eq!(super::parameter("_small"), "_small");
    assert_eq!(super::parameter("w1k"), "w1k");
}
