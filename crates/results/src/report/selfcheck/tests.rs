//! What a reader needs is there: counts, intervals, promises, machine and day.

use std::collections::BTreeMap;

use super::{json, markdown, text};
use crate::pairs::synthetic::run;
use crate::selfcheck::check::Check;
use crate::selfcheck::promise::Promised;
use crate::selfcheck::repetition::{Means, Neighbour};
use crate::selfcheck::tally::{Question, Rate, Row, Tally};

fn check() -> Check {
    let row = |question, rate: Rate, promised: Option<Promised>| Row {
        means: Means::Pairs,
        neighbour: Neighbour::None,
        question,
        rate,
        promised,
        standing: promised.map(|promised| promised.standing(&rate)),
    };
    let found = Question::Found {
        per_mille: 5,
        path: None,
    };
    let least = Promised::AtLeast {
        rate: 0.8,
        n_trials: 20,
    };
    let below = Promised::Below {
        rate: 0.01,
        n_trials: 100,
    };
    let machine = run(Vec::new()).machine;
    Check {
        day: "2026-11-21".to_owned(),
        machine: machine.class(),
        fingerprint: machine,
        commit: "0123abcdef".to_owned(),
        cases: vec!["codec/*".to_owned()],
        budget_seconds: 15,
        n_rounds: 15,
        counted_percents: vec![("encode".to_owned(), Some(0.98)), ("caps".to_owned(), None)],
        tally: Tally {
            rows: vec![
                row(Question::FalseAlarm, Rate::of(0, 100), Some(below)),
                row(Question::ByCriterion, Rate::of(300, 600), None),
                row(found, Rate::of(15, 20), Some(least)),
            ],
            n_cases: 6,
            n_tests: 12,
            median_seconds: Some(14.6),
            accused: BTreeMap::from([("quota/caps".to_owned(), 1)]),
        },
    }
}

#[test]
fn every_form_says_what_was_counted_and_what_was_promised() {
    for text in [text(&check()), markdown(&check())] {
        for part in [
            "0 of 100",
            "0.0 to 3.6 %",
            "< 1 %",
            "kept",
            "0.5 % slower",
            "15 of 20",
            "NOT KEPT",
            "2026-11-21",
            "0123abcde",
            "Intel Xeon",
            "12 tests",
            "encode 0.98 %",
            "caps not counted",
            "quota/caps (1)",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
    let value: serde_json::Value =
        serde_json::from_str(&json(&check()).expect("plain")).expect("JSON");
    assert_eq!(value["tally"]["rows"][0]["rate"]["n_trials"], 100);
    assert_eq!(value["tally"]["rows"][2]["question"]["asks"], "found");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for line in text(&check()).lines() {
        assert!(line.chars().count() <= 110, "{line}");
    }
}
