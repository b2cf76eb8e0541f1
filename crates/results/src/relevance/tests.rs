//! The table of pair mode: which entry decides, and which tables are refused.

use std::path::Path;

use super::{BLOCKS_RELEVANCE, PairRelevance, TURNS_RELEVANCE, fits};
use crate::case_id::CaseId;
use crate::pairs::sample::Engine;
use crate::tables::Relevance;

const TABLE: &str = r#"
[[case]]
id = "codec/encode/10_kb"
time = 0.4
reason = "for stored baselines alone"

[[pairs]]
cases = "lifecycle/create_to_done/*"
percent = 5
reason = "timers round up to 1 ms"

[[pairs]]
cases = "lifecycle/*"
percent = 3
reason = "threads"

[[pairs]]
cases = "*/gone/*"
percent = 0.5
reason = "a renamed case left it behind"
"#;

fn id(text: &str) -> CaseId {
    CaseId::new(text).expect("well formed")
}

fn parsed(text: &str) -> Result<PairRelevance, crate::error::Error> {
    PairRelevance::parse(Path::new("relevance.toml"), text)
}

#[test]
fn the_first_entry_that_fits_decides_and_the_engine_otherwise() {
    let relevance = parsed(TABLE).expect("well formed");
    for (case, engine, expected) in [
        ("lifecycle/create_to_done/1", Engine::Blocks, 0.05),
        ("lifecycle/cancel/1", Engine::Turns, 0.03),
        ("codec/encode/10_kb", Engine::Turns, TURNS_RELEVANCE),
        ("backlog/drain/10k", Engine::Blocks, BLOCKS_RELEVANCE),
    ] {
        assert_eq!(relevance.of(&id(case), engine), expected, "{case}");
    }
}

#[test]
fn an_entry_that_decides_about_no_case_is_named() {
    let relevance = parsed(TABLE).expect("well formed");
    let ids = [id("lifecycle/create_to_done/1"), id("codec/encode/10_kb")];
    assert_eq!(relevance.idle(&ids), ["lifecycle/*", "*/gone/*"]);
}

#[test]
fn a_star_stands_for_anything_and_nothing_else_does() {
    for (pattern, text, expected) in [
        ("a/b", "a/b", true),
        ("a/b", "a/bc", false),
        ("a/*", "a/b/c", true),
        ("*/c", "a/b/c", true),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("*", "", true),
        ("a?", "ab", false),
    ] {
        assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn a_table_that_says_too_little_or_too_much_is_refused() {
    let entry = |rest: &str| format!("[[pairs]]\ncases = \"a/*\"\n{rest}");
    for (text, complaint) in [
        (entry("percent = 2"), "missing field `reason`"),
        (
            entry("percent = 2\nreason = \" \""),
            "\"a/*\" has no reason",
        ),
        (entry("percent = 0\nreason = \"r\""), "not above 0"),
        (entry("percent = 101\nreason = \"r\""), "at most 100"),
        (entry("percent = nan\nreason = \"r\""), "not above 0"),
        (
            entry("percent = 2\nreason = \"r\"\nshare = 1"),
            "unknown field `share`",
        ),
        ("[[pair]]\n".to_owned(), "unknown field `pair`"),
        (
            entry("percent = 2\nreason = \"r\"\n").repeat(2),
            "is there twice",
        ),
        (
            "[[pairs]]\ncases = \"\"\npercent = 1\nreason = \"r\"".to_owned(),
            "names no case",
        ),
    ] {
        let error = parsed(&text).expect_err(complaint).to_string();
        for part in [complaint, "relevance.toml", "mend the table"] {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }
}

#[test]
fn the_two_readers_of_the_file_leave_each_other_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(
        PairRelevance::read(folder.path()).expect("no file is no entry"),
        PairRelevance::default()
    );
    std::fs::write(folder.path().join("relevance.toml"), TABLE).expect("writable");
    let stored = Relevance::read(folder.path()).expect("well formed");
    assert_eq!(stored.of_time(&id("codec/encode/10_kb")), 0.4);
    let pairs = PairRelevance::read(folder.path()).expect("well formed");
    assert_eq!(pairs.of(&id("lifecycle/x/1"), Engine::Turns), 0.03);
}
