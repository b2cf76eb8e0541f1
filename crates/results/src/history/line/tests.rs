//! Lines on disk: the stored form of every version, and what a run leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Effect, Line, Run, lines};
use crate::case_id::CaseId;
use crate::pairs::synthetic::{around, case, judged, run};

#[test]
fn the_stored_form_of_the_first_version_is_read_and_written_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/history/v1.jsonl");
    let text = fs::read_to_string(path).expect("the golden file is there");
    let lines: Vec<Line> = text
        .lines()
        .map(|line| Line::parse(line).expect("readable"))
        .collect();
    assert_eq!(lines[0].counts["instructions"], 45_071);
    assert_eq!(lines[1].cpu, None);
    let written: Vec<String> = lines
        .iter()
        .map(|line| serde_json::to_string(line).expect("writable"))
        .collect();
    assert_eq!(written, text.lines().collect::<Vec<_>>());
}

#[test]
fn a_run_leaves_a_line_for_each_case_that_has_an_effect() {
    let slower = case("codec/encode/10kb").with_rounds(&around(3.0, 0.2, 15));
    let blocks = case("lifecycle/done/10")
        .with_rounds(&around(0.0, 0.2, 15))
        .in_blocks();
    let comparison = judged(&run(vec![slower, blocks, case("queue/never/1")]));
    let night = Run {
        time: "2026-11-21T02:00:00Z".parse().expect("a time"),
        id: "a run".to_owned(),
        reference: "0123abc".to_owned(),
        commit: "4567def".to_owned(),
    };
    let id = CaseId::new("codec/encode/10kb").expect("well formed");
    let counts = BTreeMap::from([(id, BTreeMap::from([("instructions".to_owned(), 7)]))]);
    let lines = lines(&night, &comparison, &counts);
    let cases: Vec<&str> = lines.iter().map(|line| line.case.as_str()).collect();
    assert_eq!(cases, ["codec/encode/10kb", "lifecycle/done/10"]);
    let Effect {
        log_ratio,
        low,
        high,
    } = lines[0].wall;
    assert!((log_ratio - 0.03_f64.ln_1p()).abs() < 1e-3, "{log_ratio}");
    assert!(low < log_ratio && log_ratio < high);
    assert_eq!(lines[0].counts["instructions"], 7);
    assert!(lines[1].counts.is_empty() && lines[1].cpu.is_none());
    assert_eq!(lines[1].relevance, 0.02);
}
