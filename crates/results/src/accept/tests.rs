//! Acceptances on disk, and in comparisons.

use std::fs;

use jiff::civil::{Date, date};

use super::{Acceptance, Acceptances, Answer, FILE, Metric};
use crate::case_id::CaseId;
use crate::comparison::Outcome;
use crate::pairs::comparison::PairComparison;
use crate::pairs::synthetic::{around, case, judged, run};
use crate::report::model::Report;
use crate::report::{Colour, text};
use crate::verdict::Verdict;

const TODAY: Date = date(2026, 12, 1);

fn acceptance(name: &str, percent: f64) -> Acceptance {
    Acceptance {
        case: CaseId::new(name).expect("well formed"),
        metric: Metric::Time,
        share: percent / 100.0,
        because: "the ledger is written before the answer".to_owned(),
        on: date(2026, 11, 21),
        until: date(2027, 1, 31),
    }
}

fn of(entries: &[Acceptance]) -> Acceptances {
    let mut acceptances = Acceptances::default();
    for entry in entries {
        acceptances.add(entry.clone());
    }
    acceptances
}

#[test]
fn what_is_stored_is_read_back_and_says_the_same_in_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let acceptances = of(&[
        acceptance("queue/order/30k", 4.0),
        acceptance("codec/decode/10kb", 0.5),
    ]);
    let path = acceptances.write(folder.path()).expect("written");
    let text = fs::read_to_string(&path).expect("there");
    assert_eq!(
        Acceptances::read(folder.path()).expect("readable"),
        acceptances
    );
    acceptances.write(folder.path()).expect("written");
    assert_eq!(fs::read_to_string(&path).expect("there"), text);
    let codec = text.find("codec/decode/10kb").expect("named");
    assert!(
        codec < text.find("queue/order/30k").expect("named"),
        "sorted: {text}"
    );
}

#[test]
fn no_file_is_no_acceptance() {
    let folder = tempfile::tempdir().expect("a folder");
    let acceptances = Acceptances::read(folder.path()).expect("readable");
    assert_eq!(acceptances, Acceptances::default());
}

#[test]
fn a_later_acceptance_of_the_same_case_takes_the_place_of_the_first() {
    let mut acceptances = of(&[acceptance("queue/order/30k", 4.0)]);
    let replaced = acceptances.add(acceptance("queue/order/30k", 6.0));
    assert_eq!(replaced, Some(acceptance("queue/order/30k", 4.0)));
    assert_eq!(acceptances, of(&[acceptance("queue/order/30k", 6.0)]));
}

#[test]
fn a_table_that_agrees_to_nothing_sensible_is_refused_with_its_file() {
    let entry = "[[accepted]]\ncase = \"queue/order/30k\"\nmetric = \"time\"\nallow_percent = 4.0\n\
        because = \"why\"\non = \"2026-11-21\"\nuntil = \"2027-01-31\"\n";
    for (table, told) in [
        (entry.replace("4.0", "0.0"), "0 %"),
        (entry.replace("4.0", "-3.0"), "-3 %"),
        (entry.replace("4.0", "400.0"), "400 %"),
        (entry.replace("4.0", "nan"), "NaN %"),
        (entry.replace("\"why\"", "\" \""), "no reason"),
        (entry.replace("2027-01-31", "2026-11-21"), "not after"),
        (entry.replace("2027-01-31", "2027-02-31"), "until"),
        (entry.replace("queue/order/30k", "queue"), "\"queue\""),
        (entry.replace("\"time\"", "\"heat\""), "heat"),
        (entry.replace("because", "reason"), "reason"),
        (format!("{entry}{entry}"), "twice"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), &table).expect("put");
        let error = Acceptances::read(folder.path()).expect_err("refused");
        let words = error.to_string();
        assert!(
            words.contains(FILE) && words.contains(told),
            "{told}: {words}"
        );
    }
}

#[test]
fn an_answer_depends_on_case_metric_size_and_day() {
    let acceptances = of(&[acceptance("queue/order/30k", 4.0)]);
    let entry = &acceptance("queue/order/30k", 4.0);
    for (name, metric, share, today, expected) in [
        (
            "queue/order/30k",
            Metric::Time,
            0.03,
            TODAY,
            Answer::Accepted(entry),
        ),
        (
            "queue/order/30k",
            Metric::Time,
            0.04,
            date(2027, 1, 31),
            Answer::Accepted(entry),
        ),
        (
            "queue/order/30k",
            Metric::Time,
            0.041,
            TODAY,
            Answer::Exceeded(entry),
        ),
        (
            "queue/order/30k",
            Metric::Time,
            0.03,
            date(2027, 2, 1),
            Answer::Expired(entry),
        ),
        (
            "queue/order/30k",
            Metric::Instructions,
            0.03,
            TODAY,
            Answer::Unknown,
        ),
        (
            "queue/order/31k",
            Metric::Time,
            0.03,
            TODAY,
            Answer::Unknown,
        ),
    ] {
        let case = CaseId::new(name).expect("well formed");
        let answer = acceptances.answer(&case, metric, share, today);
        assert_eq!(answer, expected, "{name} {share} {today}");
    }
}

/// One case that is 3 % slower by all its rounds, and one that is not.
fn pairs() -> PairComparison {
    let slower = around(3.0, 0.2, 20);
    let slower = case("queue/order/30k")
        .with_rounds(&slower)
        .with_confirm(&slower);
    let same = case("queue/order/1k").with_rounds(&around(0.0, 0.2, 20));
    judged(&run(vec![slower, same]))
}

#[test]
fn an_accepted_case_does_not_fail_a_run_and_is_named() {
    let mut comparison = pairs();
    assert_eq!(comparison.outcome(), Outcome::Regressed);
    of(&[acceptance("queue/order/30k", 4.0)]).apply_to_pairs(&mut comparison, TODAY);
    assert_eq!(comparison.count_of(Verdict::Accepted), 1);
    assert_eq!(comparison.outcome(), Outcome::Fine);
    assert_eq!(comparison.acceptances.used.len(), 1);
    let report = Report::of_pairs(&run(Vec::new()), &comparison);
    let text = text::render(&report, Colour::Never);
    assert!(
        text.contains("the ledger is written before the answer"),
        "{text}"
    );
}

#[test]
fn an_acceptance_that_is_too_small_or_over_does_not_help() {
    for (percent, today, told) in [
        (2.0, TODAY, "more than was accepted"),
        (4.0, date(2027, 2, 1), "no longer accepted"),
    ] {
        let mut comparison = pairs();
        of(&[acceptance("queue/order/30k", percent)]).apply_to_pairs(&mut comparison, today);
        assert_eq!(comparison.outcome(), Outcome::Regressed);
        let regressed = comparison
            .rows
            .iter()
            .find(|row| row.verdict == Verdict::Regressed);
        let reason = regressed
            .and_then(|row| row.reason.clone())
            .unwrap_or_default();
        assert!(reason.contains(told), "{reason}");
        assert_eq!(
            comparison.acceptances.expired.len(),
            usize::from(today != TODAY)
        );
    }
}

#[test]
fn an_acceptance_of_a_case_that_is_not_slower_is_flagged() {
    let mut comparison = pairs();
    let unused = acceptance("queue/order/1k", 4.0);
    of(std::slice::from_ref(&unused)).apply_to_pairs(&mut comparison, TODAY);
    assert_eq!(comparison.acceptances.unused, [unused]);
    assert_eq!(comparison.outcome(), Outcome::Regressed);
}
