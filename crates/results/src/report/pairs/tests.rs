//! Reports of pair mode: nothing is wider than the table, nothing is dropped, contamination comes first.

use super::{json, markdown, text, words};
use crate::case_id::CaseId;
use crate::pairs::comparison::PairComparison;
use crate::pairs::counts::{PairCounts, SideCount, SideCounts};
use crate::pairs::sample::{CaseFailure, PairCase, PairRun};
use crate::pairs::synthetic::{around, case, judged, run};
use crate::report::Colour;
use crate::report::text::WIDTH;

fn cases() -> Vec<PairCase> {
    let panicked = CaseFailure::PanickedInCandidate {
        message: "left | right\nand a second line".to_owned(),
    };
    let slow = around(3.0, 0.3, 15);
    vec![
        case("codec/encode/10_kb")
            .with_rounds(&slow)
            .with_confirm(&slow),
        case("codec/a_case_whose_name_is_longer_than_its_column/256_targets").with_rounds(&slow),
        case("codec/decode/10_kb").with_rounds(&around(-3.0, 0.3, 15)),
        case("fan_out/all_succeed/64_targets")
            .with_rounds(&around(0.0, 0.3, 15))
            .with_null(&around(0.0, 0.3, 15)),
        case("fan_out/one_fails/64_targets").with_rounds(&around(0.0, 3.0, 15)),
        case("fan_out/new/4_targets").failed(CaseFailure::MissingInBase),
        case("fan_out/gone/4_targets").failed(CaseFailure::MissingInCandidate),
        case("fan_out/panics/4_targets").failed(panicked),
    ]
}

fn comparison() -> PairComparison {
    judged(&run(cases()))
}

fn contaminated() -> PairComparison {
    let mut cases = cases();
    cases[3] = cases[3].clone().with_null(&around(2.0, 0.3, 15));
    judged(&run(cases))
}

#[test]
fn the_table_is_readable_at_100_columns_without_colour() {
    for comparison in [comparison(), contaminated()] {
        let text = text::render(&comparison, Colour::Never);
        assert!(!text.contains('\u{1b}'), "no escape sequences");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn counts_are_one_line_per_changed_case_or_the_reason_why_there_are_none() {
    let side = |encode| {
        let count = |instructions| SideCount {
            instructions,
            costs: None,
        };
        let id = |text| CaseId::new(text).expect("well formed");
        SideCounts::from([
            (id("codec/encode/10_kb"), count(encode)),
            (id("codec/decode/10_kb"), count(500)),
        ])
    };
    let with = |counts| PairComparison {
        counts: Some(counts),
        ..comparison()
    };
    let taken = with(PairCounts::of(&side(10_000), &side(11_000)));
    let text = text::render(&taken, Colour::Never);
    assert!(text.contains("instructions: 1 of 2 twins equal."), "{text}");
    assert!(
        text.contains("codec/encode/10_kb: 10,000 → 11,000 instructions, +10 %"),
        "{text}"
    );
    assert!(!text.contains("decode/10_kb: "), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
    assert!(markdown::render(&taken).contains("- codec/encode/10_kb: 10,000 → 11,000"));
    let json = json::render(&taken).expect("finite");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["counts"]["cases"][1]["candidate"], 11_000);

    let because = "valgrind not found".to_owned();
    let absent = with(PairCounts::NotAvailable { because });
    for report in [
        text::render(&absent, Colour::Never),
        markdown::render(&absent),
    ] {
        assert!(report.contains("instructions were not counted: valgrind not found."));
    }
    assert!(!text::render(&comparison(), Colour::Never).contains("instructions"));
}

#[test]
fn every_case_is_in_every_report() {
    for comparison in [comparison(), contaminated()] {
        let text = text::render(&comparison, Colour::Never);
        let markdown = markdown::render(&comparison);
        let json = json::render(&comparison).expect("finite numbers");
        for row in &comparison.rows {
            let id = row.id.as_str();
            assert!(text.contains(row.id.key()), "{id}");
            assert!(markdown.contains(id) && json.contains(id), "{id}");
        }
    }
}

#[test]
fn the_text_says_change_interval_p_rounds_floor_and_verdict_in_a_line() {
    let text = text::render(&comparison(), Colour::Never);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "candidate HEAD (4567def) against base main (0123abc)"
    );
    let row = lines.iter().find(|line| line.contains("encode/10_kb"));
    let cells: Vec<&str> = row.expect("a row").split_whitespace().collect();
    assert_eq!(
        cells,
        [
            "encode/10_kb",
            "+3.0",
            "%",
            "[+2.9,",
            "+3.1]",
            "<0.001",
            "15",
            "1.0",
            "%",
            "REGRESSED"
        ]
    );
    for part in [
        "CPU time +3.0 % [+2.9, +3.1], p <0.001; fresh rounds on another core agree, p <0.001",
        "slower at first; no fresh rounds have confirmed it yet",
        "it panicked in the candidate: left | right and a second line",
        "null control: base differed from base in 0 of 1 cases, as chance allows.",
        "accused cases that wait for fresh rounds: 1.",
        "open cases that more rounds could decide: 1.",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(
        lines[lines.len() - 2..],
        [
            "REGRESSED: codec/encode/10_kb +3.0 % [+2.9, +3.1]",
            "WORSE: 1 REGRESSED, 1 improved, 1 unchanged, 2 inconclusive, 1 missing, 1 new, 1 not judged",
        ]
    );
}

#[test]
fn a_contaminated_run_says_so_before_anything_else() {
    let text = text::render(&contaminated(), Colour::Never);
    assert!(
        text.starts_with("CONTAMINATED: this run says nothing.\n"),
        "{text}"
    );
    assert!(!text.contains("REGRESSED"), "{text}");
    assert!(text.contains("it panicked in the candidate"), "{text}");
    let last = text.lines().last().expect("lines");
    assert_eq!(last, "contaminated: 1 missing, 1 new, 6 not judged");
    assert!(
        markdown::render(&contaminated())
            .starts_with("## Plimsoll pairs: contaminated\n\n> CONTAMINATED: ")
    );
    let json = json::render(&contaminated()).expect("finite");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["is_contaminated"], true);
    assert_eq!(value["outcome"], "could_not_tell");
    assert_eq!(
        value["control"]["fired"][0],
        "fan_out/all_succeed/64_targets"
    );
}

#[test]
fn json_carries_its_schema_and_the_terms_of_its_verdicts() {
    let json = json::render(&comparison()).expect("finite");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    for (field, expected) in [
        ("schema", "1"),
        ("outcome", "\"regressed\""),
        ("is_contaminated", "false"),
        ("false_alarm_budget", "0.01"),
        ("report_rate", "0.05"),
        ("confidence", "0.95"),
        ("n_tests", "10"),
    ] {
        assert_eq!(value[field].to_string(), expected, "{field}");
    }
    let row = &value["rows"][2];
    assert_eq!(row["id"], "codec/encode/10_kb");
    assert_eq!(row["confirmation"]["is"], "agreed");
    assert_eq!(row["wall"]["finding"], "slower");
    assert_eq!(value["rows"][0]["next"]["do"], "confirm");
}

#[test]
fn markdown_keeps_each_case_in_one_row_of_its_table() {
    let markdown = markdown::render(&comparison());
    assert!(
        markdown.contains("left \\| right and a second line |"),
        "{markdown}"
    );
    assert!(markdown.contains("<summary>1 unchanged cases</summary>"));
    let folded = markdown.split("<details>").nth(1).expect("a folded part");
    assert!(folded.contains("all_succeed") && !folded.contains("encode"));
}

#[test]
fn the_same_run_gives_the_same_bytes_and_colours_only_paint() {
    let plain = text::render(&comparison(), Colour::Never);
    let painted = text::render(&comparison(), Colour::Always);
    assert_eq!(painted, text::render(&comparison(), Colour::Always));
    let mut stripped = painted;
    for code in ["\u{1b}[1;31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn what_a_reader_must_know_is_noted() {
    let notes_of = |run: &PairRun| words::notes(&judged(run)).join("\n");
    let unchecked = run(vec![
        case("codec/encode/10_kb").with_rounds(&around(0.0, 0.3, 15)),
    ]);
    assert!(notes_of(&unchecked).contains("nobody checked"));
    let interrupted = PairRun {
        is_complete: false,
        ..unchecked
    };
    assert!(notes_of(&interrupted).contains("interrupted"));
    let mut idle = judged(&interrupted);
    idle.idle_relevances.push("gone/*".to_owned());
    assert!(
        words::notes(&idle)
            .join("\n")
            .contains("\"gone/*\" decided about no case")
    );
}

#[test]
fn a_side_is_what_was_typed_and_what_is_known_of_it() {
    let mut comparison = comparison();
    comparison.candidate.is_dirty = true;
    comparison.base.commit = None;
    assert_eq!(
        words::sides(&comparison),
        "candidate HEAD (4567def, with changes) against base main"
    );
}

#[test]
fn small_p_values_are_not_shown_as_nothing() {
    for (p, expected) in [(0.000_1, "<0.001"), (0.001, "0.001"), (1.0, "1.000")] {
        assert_eq!(words::p_value(p), expected);
    }
}
