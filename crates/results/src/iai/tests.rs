//! Both schemas give the same `Count`; anything else is an error that names the file.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{home_in, read, read_if_any};
use crate::callgrind;
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

/// As gungraun 0.20 left it, with its layout of folders.
#[test]
fn what_gungraun_leaves_is_read_with_its_profiles() {
    let counts = read(&fixture("gungraun_0_20")).expect("readable");
    let found: Vec<(&str, u64)> = counts
        .values()
        .map(|count| (count.id.as_str(), count.instructions))
        .collect();
    assert_eq!(found, [("toy/sort/1k", 48_488), ("toy/sum/small", 157)]);
    for count in counts.values() {
        let costs = callgrind::read_folder(&count.folder).expect("whole");
        assert_eq!(costs.expect("there").total, count.instructions);
    }
}

#[test]
fn the_folder_in_which_a_summary_was_written_last_is_meant() {
    let target = tempfile::tempdir().expect("a folder");
    assert_eq!(home_in(target.path()), target.path().join("iai"));
    let put = |name: &str, seconds: u64| {
        let folder = target.path().join(name).join("package/file/case");
        std::fs::create_dir_all(&folder).expect("made");
        let summary = std::fs::File::create(folder.join("summary.json")).expect("put");
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        summary.set_modified(time).expect("set");
    };
    put("gungraun", 1_000);
    assert_eq!(home_in(target.path()), target.path().join("gungraun"));
    put("iai", 2_000);
    assert_eq!(home_in(target.path()), target.path().join("iai"));
    put("gungraun", 3_000);
    assert_eq!(home_in(target.path()), target.path().join("gungraun"));
}

#[test]
fn a_summary_that_is_cut_short_or_of_a_newer_schema_names_the_file() {
    let whole = fixture("gungraun_0_20/toy/instructions/toy/sum.small/summary.json");
    let text = std::fs::read_to_string(whole).expect("there");
    let home = tempfile::tempdir().expect("a folder");
    for (broken, complaint) in [
        (text[..text.len() - 20].to_owned(), "EOF"),
        (String::new(), "EOF"),
        (
            text.replace(r#""version":"7""#, r#""version":"8""#),
            "\"8\", and 6 and 7 are known",
        ),
        (
            r#"{"version":"8"}"#.to_owned(),
            "\"8\", and 6 and 7 are known",
        ),
        (
            text.replace(r#""Ir":"#, r#""Il":"#),
            "no count of instructions",
        ),
    ] {
        std::fs::write(home.path().join("summary.json"), broken).expect("put");
        let error = read(home.path()).expect_err(complaint).to_string();
        assert!(
            error.contains("summary.json") && error.contains(complaint),
            "{error}"
        );
    }
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
