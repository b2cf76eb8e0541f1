//! The file of a pair run: what is written is read, and what cannot be read says why.

use std::fs;

use super::{CaseFailure, Engine, Pair, PairCase, PairRun, Round, SCHEMA, Sample, Side};
use crate::case_id::CaseId;
use crate::machine::Machine;

fn sample(wall_ns: f64) -> Sample {
    Sample {
        n_iterations: 1000,
        wall_ns,
        cpu_ns: wall_ns * 0.99,
        n_involuntary_switches: 1,
        n_page_faults: 0,
    }
}

fn case(id: &str, failure: Option<CaseFailure>) -> PairCase {
    let round = Round {
        core: 1,
        is_base_first: true,
        pairs: vec![Pair {
            base: sample(2.0e6),
            candidate: sample(2.1e6),
        }],
    };
    PairCase {
        id: CaseId::new(id).expect("well formed"),
        engine: Engine::Turns,
        rounds: vec![round.clone()],
        null_rounds: vec![round],
        confirm_rounds: Vec::new(),
        layout_rounds: Vec::new(),
        layout_failure: None,
        same_program: None,
        failure,
    }
}

fn run() -> PairRun {
    let side = |label: &str| Side {
        label: label.to_owned(),
        commit: Some("0123abc".to_owned()),
        is_dirty: false,
    };
    PairRun {
        schema: SCHEMA,
        seed: 7,
        base: side("main"),
        candidate: side("."),
        machine: Machine::here(),
        cases: vec![
            case("codec/encode/10_kb", None),
            case("codec/decode/10_kb", Some(CaseFailure::MissingInBase)),
            case(
                "codec/split/10_kb",
                Some(CaseFailure::PanickedInCandidate {
                    message: "an assertion failed".to_owned(),
                }),
            ),
            case(
                "codec/join/10_kb",
                Some(CaseFailure::TimedOut { after_ms: 30_000 }),
            ),
        ],
        is_complete: true,
    }
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pairs.json");
    super::write(&path, &run()).expect("writable");
    assert_eq!(super::read(&path).expect("readable"), run());
}

/// Changes the text of a good file and expects its reader to complain in these words, naming the file and the mend.
fn check_refused(from: &str, to: &str, complaint: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pairs.json");
    super::write(&path, &run()).expect("writable");
    let text = fs::read_to_string(&path).expect("readable");
    assert!(text.contains(from), "nothing to change: {from}");
    fs::write(&path, text.replacen(from, to, 1)).expect("writable");
    let error = super::read(&path).expect_err("refused").to_string();
    for part in [complaint, "pairs.json", "measure the pairs again"] {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

#[test]
fn a_file_that_cannot_be_judged_is_refused_with_the_reason() {
    for (from, to, complaint) in [
        (
            "\"schema\":3",
            "\"schema\":4,\"news\":0",
            "schema is 4, this build reads 3",
        ),
        (
            "\"seed\":7",
            "\"seed\":7,\"sead\":7",
            "unknown field `sead`",
        ),
        ("\"core\":1", "\"kore\":1", "unknown field `kore`"),
        (
            "\"after_ms\":30000",
            "\"after_ms\":30000,\"why\":0",
            "unknown field `why`",
        ),
        (
            "codec/encode/10_kb",
            "encode",
            "the id \"encode\" has no suite",
        ),
        (
            "codec/encode/10_kb",
            "codec/decode/10_kb",
            "codec/decode/10_kb is there twice",
        ),
        (
            "\"base\":[1000,",
            "\"base\":[0,",
            "codec/encode/10_kb has an impossible sample",
        ),
        ("[1000,2000000.0,", "[1000,-1.0,", "impossible sample"),
        ("[1000,2000000.0,", "[1000,", "a tuple of size 5"),
        ("{\"schema\"", "[{\"schema\"", "line 1"),
    ] {
        check_refused(from, to, complaint);
    }
}
