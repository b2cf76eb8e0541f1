//! Reports of a comparison with baselines: nothing is wider than the table, nothing is dropped.

use crate::accept::AcceptanceCensus;
use crate::compare::Ratio;
use crate::comparison::{Comparison, Note, Outcome, PromiseRow, Row};
use crate::culprits::Culprits;
use crate::figures::Bound;
use crate::machine::Difference;
use crate::record::Unit;
use crate::report::model::{Reason, Report, SCHEMA};
use crate::report::{Colour, json, markdown, text, words};
use crate::verdict::{Promise, Verdict};

fn row(id: &str, verdict: Verdict) -> Row {
    let ratio = Ratio {
        estimate: 1.031,
        low: 0.92,
        high: 1.15,
    };
    let is_judged = !matches!(
        verdict,
        Verdict::Missing | Verdict::New | Verdict::NotJudged
    );
    Row {
        id: id.to_owned(),
        unit: Unit::Nanoseconds,
        now: (verdict != Verdict::Missing).then_some(101_234_567.0),
        baseline: (verdict != Verdict::New).then_some(98_100_000.0),
        ratio: is_judged.then_some(ratio),
        relevance: is_judged.then_some(0.2),
        verdict,
        reason: (verdict == Verdict::Inconclusive)
            .then(|| "noise would hide a change of +31 %".to_owned()),
    }
}

pub(super) fn comparison() -> Comparison {
    Comparison {
        machine: "intel-xeon-6-207-2c-24g-vm".to_owned(),
        rows: vec![
            row("fan_out/all_succeed/64_targets", Verdict::Unchanged),
            row(
                "fan_out/a_case_whose_name_is_longer_than_its_column/256_targets",
                Verdict::Regressed,
            ),
            row("fan_out/one_fails/4_targets", Verdict::Inconclusive),
            row("codec/encode/10_kb", Verdict::Improved),
            row("codec/gone/10_kb", Verdict::Missing),
            row("codec/added/10_kb", Verdict::New),
        ],
        promises: vec![PromiseRow {
            suite: "quota".to_owned(),
            name: "allow/1k ÷ governor_allow/1k".to_owned(),
            value: Some(0.512_34),
            interval: Some((0.48, 0.55)),
            unit: String::new(),
            bound: Some(Bound::AtMost(0.8)),
            promise: Promise::Met,
            text: "our check against governor's | on the same keys".to_owned(),
        }],
        not_run: vec!["codec/other/1_mb".to_owned()],
        unfinished: vec!["backlog".to_owned()],
        culprits: Culprits::default(),
        acceptances: AcceptanceCensus::default(),
        notes: vec![Note::Drifted {
            differences: vec![Difference {
                field: "kernel",
                baseline: "6.1".to_owned(),
                here: "6.18".to_owned(),
            }],
        }],
    }
}

pub(super) fn report() -> Report {
    Report::of_comparison(&comparison(), None)
}

#[test]
fn the_table_is_readable_at_100_columns_without_colour() {
    let text = text::render(&report(), Colour::Never);
    assert!(!text.contains('\u{1b}'), "no escape sequences");
    for line in text.lines() {
        assert!(line.chars().count() <= text::WIDTH, "{line}");
        assert_eq!(line.trim_end(), line);
    }
}

#[test]
fn every_case_and_figure_is_in_every_report() {
    let report = report();
    let text = text::render(&report, Colour::Never);
    let markdown = markdown::render(&report);
    let json = json::render(&report).expect("finite numbers");
    for row in &report.cases {
        let key = row.id.split_once('/').expect("a suite").1;
        assert!(text.contains(key) && markdown.contains(&row.id) && json.contains(&row.id));
    }
    for report in [&text, &markdown, &json] {
        assert!(report.contains("governor_allow/1k") && report.contains("backlog"));
    }
}

#[test]
fn the_last_line_counts_and_the_lines_before_name_the_accused() {
    let text = text::render(&report(), Colour::Never);
    let mut lines = text.lines().rev();
    assert_eq!(
        lines.next(),
        Some("WORSE: 1 REGRESSED, 1 improved, 1 unchanged, 1 inconclusive, 1 missing, 1 new")
    );
    assert_eq!(lines.next(), Some("promises: 1 met"));
    let accused = lines.next().expect("a line");
    assert!(
        accused.starts_with("REGRESSED: fan_out/a_case_whose_name"),
        "{accused}"
    );
}

#[test]
fn colours_only_paint_words_that_are_there_anyway() {
    let plain = text::render(&report(), Colour::Never);
    let painted = text::render(&report(), Colour::Always);
    let mut stripped = String::new();
    let mut in_code = false;
    for c in painted.chars() {
        match c {
            '\u{1b}' => in_code = true,
            'm' if in_code => in_code = false,
            _ if in_code => {}
            _ => stripped.push(c),
        }
    }
    assert_eq!(stripped, plain);
}

#[test]
fn json_carries_its_schema_the_codes_and_the_census() {
    let text = json::render(&report()).expect("finite");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["schema"], SCHEMA);
    assert_eq!(value["outcome"], "regressed");
    assert_eq!(value["cases"][0]["verdict"], "unchanged");
    assert_eq!(value["cases"][2]["reasons"][0], "undecided");
    assert_eq!(value["notes"][0]["about"], "drifted");
    assert_eq!(value["notes"][0]["differences"][0]["field"], "kernel");
    let report = report();
    let census = report.not_judged.iter();
    let census: Vec<(&str, Reason)> = census.map(|entry| (&*entry.name, entry.reason)).collect();
    assert_eq!(
        census,
        [
            ("codec/gone/10_kb", Reason::NotMeasured),
            ("codec/added/10_kb", Reason::NotInBaseline),
            ("codec/other/1_mb", Reason::NotRun),
            ("backlog", Reason::Unfinished),
        ]
    );
}

#[test]
fn quantities_carry_readable_units() {
    for (value, unit, expected) in [
        (31.456, Unit::Nanoseconds, "31.46 ns"),
        (1_234.5, Unit::Nanoseconds, "1.234 µs"),
        (101_234_567.0, Unit::Nanoseconds, "101.2 ms"),
        (2.5e9, Unit::Nanoseconds, "2.500 s"),
        (1_234_567.0, Unit::Instructions, "1,234,567"),
        (980.0, Unit::Instructions, "980"),
    ] {
        assert_eq!(words::quantity(value, unit), expected);
    }
}

#[test]
fn a_change_shows_its_interval_unless_it_is_exact() {
    let delta = |estimate, low, high| {
        words::delta(Ratio {
            estimate,
            low,
            high,
        })
    };
    assert_eq!(delta(1.031, 0.92, 1.15), "+3.1 % [-8.0, +15]");
    assert_eq!(delta(2.0, 2.0, 2.0), "+100 %");
    assert_eq!(delta(1.0, 1.0, 1.0), "0.0 %");
    assert_eq!(delta(0.9995, 0.9995, 0.9995), "-0.05 %");
}

#[test]
fn what_is_open_or_missing_or_failed_is_never_fine() {
    let only = |verdict| Comparison {
        rows: vec![row("a/b", Verdict::Unchanged), row("a/c", verdict)],
        promises: Vec::new(),
        unfinished: Vec::new(),
        ..comparison()
    };
    for (verdict, expected) in [
        (Verdict::Unchanged, Outcome::Fine),
        (Verdict::Improved, Outcome::Fine),
        (Verdict::New, Outcome::Fine),
        (Verdict::NotJudged, Outcome::Fine),
        (Verdict::Inconclusive, Outcome::CouldNotTell),
        (Verdict::Missing, Outcome::CouldNotTell),
        (Verdict::Regressed, Outcome::Regressed),
    ] {
        assert_eq!(only(verdict).outcome(), expected, "{verdict}");
    }
    let nothing = Comparison {
        rows: Vec::new(),
        ..only(Verdict::Unchanged)
    };
    assert_eq!(nothing.outcome(), Outcome::CouldNotTell);
    let failed = Comparison {
        unfinished: vec!["codec".to_owned()],
        ..only(Verdict::Unchanged)
    };
    assert_eq!(failed.outcome(), Outcome::CouldNotTell);
}
