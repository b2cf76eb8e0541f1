//! Reports of pair mode: nothing is wider than the table, nothing is dropped, contamination comes first.

use crate::case_id::CaseId;
use crate::pairs::comparison::PairComparison;
use crate::pairs::counts::{PairCounts, SideCount, SideCounts};
use crate::pairs::sample::{CaseFailure, PairCase, PairRun, SameProgram};
use crate::pairs::synthetic::{around, case, judged, run};
use crate::report::model::{Reason, Report, SCHEMA};
use crate::report::text::WIDTH;
use crate::report::{Colour, json, markdown, text, words};

pub(super) fn cases() -> Vec<PairCase> {
    let panicked = CaseFailure::PanickedInCandidate {
        message: "left | right\nand a second line".to_owned(),
    };
    let (slow, fast) = (around(3.0, 0.3, 15), around(-3.0, 0.3, 15));
    vec![
        case("codec/encode/10_kb")
            .with_rounds(&slow)
            .with_confirm(&slow),
        case("codec/a_case_whose_name_is_longer_than_its_column/256_targets").with_rounds(&slow),
        case("codec/decode/10_kb")
            .with_rounds(&fast)
            .with_confirm(&fast),
        case("fan_out/all_succeed/64_targets")
            .with_rounds(&around(0.0, 0.3, 15))
            .with_null(&around(0.0, 0.3, 15)),
        case("fan_out/one_fails/64_targets").with_rounds(&around(0.0, 3.0, 15)),
        case("fan_out/new/4_targets").failed(CaseFailure::MissingInBase),
        case("fan_out/gone/4_targets").failed(CaseFailure::MissingInCandidate),
        case("fan_out/panics/4_targets").failed(panicked),
    ]
}

fn report_of(run: &PairRun) -> Report {
    Report::of_pairs(run, &judged(run))
}

pub(super) fn report() -> Report {
    report_of(&run(cases()))
}

pub(super) fn contaminated() -> Report {
    let mut cases = cases();
    cases[3] = cases[3].clone().with_null(&around(2.0, 0.3, 15));
    report_of(&run(cases))
}

#[test]
fn the_table_is_readable_at_100_columns_without_colour() {
    for report in [report(), contaminated()] {
        let text = text::render(&report, Colour::Never);
        assert!(!text.contains('\u{1b}'), "no escape sequences");
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }
}

#[test]
fn counts_are_said_of_each_changed_case_or_why_there_are_none() {
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
    let run = run(cases());
    let with = |counts| {
        let comparison = PairComparison {
            counts: Some(counts),
            ..judged(&run)
        };
        Report::of_pairs(&run, &comparison)
    };
    let taken = with(PairCounts::of(&side(10_000), &side(11_000)));
    let told = text::render(&taken, Colour::Never);
    assert!(told.contains("instructions: 1 of 2 twins equal."), "{told}");
    assert!(told.contains("instructions +10 %"), "{told}");
    assert!(told.contains("a side left no profile"), "{told}");
    let counted = taken
        .cases
        .iter()
        .filter(|case| case.instructions.is_some());
    assert_eq!(counted.count(), 2, "each twin has its counts in its row");

    let because = "valgrind not found".to_owned();
    let absent = with(PairCounts::NotAvailable { because });
    for told in [
        text::render(&absent, Colour::Never),
        markdown::render(&absent),
    ] {
        assert!(told.contains("instructions were not counted: valgrind not found."));
    }
}

#[test]
fn every_case_is_in_every_report() {
    for report in [report(), contaminated()] {
        let text = text::render(&report, Colour::Never);
        let markdown = markdown::render(&report);
        let json = json::render(&report).expect("finite numbers");
        for row in &report.cases {
            let id = &*row.id;
            assert!(text.contains(row.key()), "{id}");
            assert!(markdown.contains(id) && json.contains(id), "{id}");
        }
    }
}

#[test]
fn the_text_says_change_interval_p_rounds_floor_and_verdict_in_a_line() {
    let text = text::render(&report(), Colour::Never);
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
        "may be layout: nobody relinked it; CPU time +3.0 % [+2.9, +3.1], p <0.001; fresh rounds on",
        "another core agree, p <0.001",
        "slower at first; no fresh rounds have confirmed it yet",
        "it panicked in the candidate: left | right and a second line",
        "null control: base differed from base in 0 of 1 cases, as chance allows.",
        "slower or faster cases that wait for fresh rounds: 1.",
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
fn cases_of_the_same_program_are_one_line_and_no_case_disappears() {
    let mut same = case("codec/encode/10_kb");
    same.same_program = Some(SameProgram::ButForLines);
    let mut also = case("queue/take/1_namespace");
    also.same_program = Some(SameProgram::Wholly);
    let run = run(vec![same, also]);
    let report = Report::of_pairs(&run, &judged(&run));
    let text = text::render(&report, Colour::Never);
    for part in [
        "both sides are the same program, but for line numbers in the messages of panics",
        "2 cases of codec, queue.",
        "fine: 2 unchanged",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    for part in ["nobody checked", "rounds"] {
        assert!(!text.contains(part), "{part:?} is in\n{text}");
    }
    assert!(markdown::render(&report).contains("codec/encode/10_kb"));
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
    assert_eq!(value["outcome"], "could_not_tell");
    let control = &value["method"]["pairs"]["control"];
    assert_eq!(control["is_contaminated"], true);
    assert_eq!(control["fired"][0], "fan_out/all_succeed/64_targets");
}

#[test]
fn json_carries_its_schema_and_the_terms_of_its_verdicts() {
    let json = json::render(&report()).expect("finite");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["schema"], SCHEMA);
    assert_eq!(value["outcome"], "regressed");
    for (field, expected) in [
        ("/method/false_alarm_budget", "0.01"),
        ("/method/confidence", "0.95"),
        ("/method/pairs/report_rate", "0.05"),
        ("/method/pairs/n_tests", "10"),
        ("/method/pairs/seed", "\"7\""),
        ("/method/pairs/control/is_contaminated", "false"),
        ("/machine_details/kernel", "\"6.18\""),
        ("/sides/base/commit", "\"0123abc\""),
        ("/cases/2/id", "\"codec/encode/10_kb\""),
        ("/cases/2/n_rounds", "15"),
        ("/cases/2/change/floor", "0.01"),
        ("/cases/2/confirmation/agrees", "true"),
        ("/cases/0/reasons/0", "\"unconfirmed\""),
    ] {
        let found = value.pointer(field).expect(field);
        assert_eq!(found.to_string(), expected, "{field}");
    }
}

#[test]
fn times_are_medians_over_rounds_with_their_interval() {
    let report = report();
    let case = &report.cases[2];
    let (low, high) = case.now_interval.expect("measured");
    let (before, now) = (case.before.expect("measured"), case.now.expect("measured"));
    // A thousand iterations took 2 ms in the base, and about 3 % more in the candidate.
    assert_eq!(before, 2_000.0);
    assert!(low <= now && now <= high, "{low} {now} {high}");
    assert!((now / before - 1.03).abs() < 0.002, "{now}");
}

#[test]
fn the_census_names_the_reason_of_each_case_that_was_not_judged() {
    let reasons = |report: &Report| -> Vec<Reason> {
        report.not_judged.iter().map(|entry| entry.reason).collect()
    };
    let own = [
        Reason::MissingInCandidate,
        Reason::MissingInBase,
        Reason::PanickedInCandidate,
    ];
    assert_eq!(reasons(&report()), own);
    let of_contaminated = reasons(&contaminated());
    let n_taken_back = of_contaminated.iter();
    let n_taken_back = n_taken_back.filter(|reason| **reason == Reason::Contaminated);
    assert_eq!(n_taken_back.count(), 5);
    assert!(own.iter().all(|reason| of_contaminated.contains(reason)));
}

#[test]
fn markdown_keeps_each_case_in_one_row_of_its_table() {
    let markdown = markdown::render(&report());
    assert!(
        markdown.contains("left \\| right and a second line |"),
        "{markdown}"
    );
    let folded = markdown.split("<details>").nth(2).expect("a folded part");
    assert!(
        folded.starts_with("<summary>Quiet cases: 1</summary>"),
        "{folded}"
    );
    assert!(folded.contains("all_succeed") && !folded.contains("encode"));
}

#[test]
fn the_same_run_gives_the_same_bytes_and_colours_only_paint() {
    let plain = text::render(&report(), Colour::Never);
    let painted = text::render(&report(), Colour::Always);
    assert_eq!(painted, text::render(&report(), Colour::Always));
    let mut stripped = painted;
    for code in ["\u{1b}[1;31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"] {
        stripped = stripped.replace(code, "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn what_a_reader_must_know_is_noted() {
    let notes_of = |run: &PairRun| {
        let notes = report_of(run).notes;
        let texts: Vec<String> = notes.into_iter().map(|note| note.text).collect();
        texts.join("\n")
    };
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
    let notes = Report::of_pairs(&interrupted, &idle).notes;
    let is_told = |text: &str| text.contains("\"gone/*\" decided about no case");
    assert!(notes.iter().any(|note| is_told(&note.text)));
}

#[test]
fn a_side_is_what_was_typed_and_what_is_known_of_it() {
    let mut report = report();
    let sides = report.sides.as_mut().expect("pairs have sides");
    sides.candidate.is_dirty = true;
    sides.base.commit = None;
    assert_eq!(
        words::sides(&report),
        "candidate HEAD (4567def, with changes) against base main"
    );
}

#[test]
fn small_p_values_are_not_shown_as_nothing() {
    for (p, expected) in [(0.000_1, "<0.001"), (0.001, "0.001"), (1.0, "1.000")] {
        assert_eq!(words::p_value(p), expected);
    }
}
