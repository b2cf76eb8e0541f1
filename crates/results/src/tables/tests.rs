//! A table says what it means, or is an error that names the entry.

use std::path::Path;

use super::{Relevance, read_ratios};
use crate::case_id::CaseId;
use crate::compare::{COUNT_RELEVANCE, TIME_RELEVANCE};
use crate::figures::Bound;

fn id(text: &str) -> CaseId {
    CaseId::new(text).expect("well formed")
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("put");
}

#[test]
fn an_entry_replaces_the_default_of_its_case_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    put(
        folder.path(),
        "relevance.toml",
        "[[case]]\nid = 'codec/encode/1_mb'\ntime = 0.5\nreason = 'memory bandwidth'\n",
    );
    let relevance = Relevance::read(folder.path()).expect("read");
    assert_eq!(relevance.of_time(&id("codec/encode/1_mb")), 0.5);
    assert_eq!(
        relevance.of_count(&id("codec/encode/1_mb")),
        COUNT_RELEVANCE
    );
    assert_eq!(relevance.of_time(&id("codec/encode/10_kb")), TIME_RELEVANCE);
}

#[test]
fn without_the_files_there_are_defaults_and_no_ratios() {
    let folder = tempfile::tempdir().expect("a folder");
    let relevance = Relevance::read(folder.path()).expect("none");
    assert_eq!(relevance.of_time(&id("a/b")), TIME_RELEVANCE);
    assert!(read_ratios(folder.path()).expect("none").is_empty());
}

#[test]
fn a_bad_entry_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for (text, complaint) in [
        ("[[case]]\nid='a/b'\ntime=0.5\n", "missing field `reason`"),
        (
            "[[case]]\nid='a/b'\ntime=0.5\nreason=' '\n",
            "has no reason",
        ),
        ("[[case]]\nid='a/b'\nreason='r'\n", "neither"),
        (
            "[[case]]\nid='a/b'\ntime=-1.0\nreason='r'\n",
            "not positive",
        ),
        (
            "[[case]]\nid='ab'\ntime=0.5\nreason='r'\n",
            "without a suite",
        ),
        (
            "[[case]]\nid='a/b'\ntime=0.5\nreason='r'\nwhy='?'\n",
            "unknown field `why`",
        ),
        (
            "[[case]]\nid='a/b'\ntime=0.5\nreason='r'\n[[case]]\nid='a/b'\ntime=0.5\nreason='r'\n",
            "there twice",
        ),
    ] {
        put(folder.path(), "relevance.toml", text);
        let error = Relevance::read(folder.path())
            .expect_err(complaint)
            .to_string();
        assert!(
            error.contains(complaint) && error.contains("relevance.toml"),
            "{error}"
        );
    }
}

#[test]
fn an_entry_for_a_case_that_does_not_exist_names_the_nearest() {
    let folder = tempfile::tempdir().expect("a folder");
    put(
        folder.path(),
        "relevance.toml",
        "[[case]]\nid='codec/encod/1_mb'\ntime=0.5\nreason='r'\n",
    );
    let relevance = Relevance::read(folder.path()).expect("read");
    let known = id("codec/encode/1_mb");
    let error = relevance
        .check(|id| *id == known, &[known.as_str()])
        .expect_err("unknown")
        .to_string();
    assert!(error.contains("nearest: codec/encode/1_mb"), "{error}");
}

#[test]
fn a_ratio_has_two_cases_one_bound_and_a_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let ratio = "[[ratio]]\nnumerator='q/a'\ndenominator='q/g'\n";
    put(
        folder.path(),
        "ratios.toml",
        &format!("{ratio}at_most=0.8\ntext='t'\n"),
    );
    let pairs = read_ratios(folder.path()).expect("read");
    assert_eq!(pairs[0].bound, Bound::AtMost(0.8));
    assert_eq!(pairs[0].numerator, id("q/a"));

    for bad in [
        "text='t'\n",
        "at_most=1.0\nat_least=1.0\ntext='t'\n",
        "at_most=1.0\n",
    ] {
        put(folder.path(), "ratios.toml", &format!("{ratio}{bad}"));
        let error = read_ratios(folder.path()).expect_err(bad).to_string();
        assert!(error.contains("ratios.toml"), "{error}");
    }
}
