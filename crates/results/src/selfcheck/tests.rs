//! Tallies of repetitions with a known truth, and Criterion's rule on samples with a known difference.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::promise::{Promised, Standing};
use super::repetition::{
    CaseOutcome, Means, Neighbour, Repetition, SCHEMA, Subject, Trial, condensed, read_all, write,
};
use super::rule;
use super::slowdowns::{SlowPath, Slowdowns, Truth, value};
use super::tally::{Question, Rate, Tally, tally};
use crate::case_id::CaseId;
use crate::pairs::synthetic::{around, case, judged, run};
use crate::verdict::Verdict;

fn trial(subject: Subject) -> Trial {
    Trial {
        means: Means::Pairs,
        neighbour: Neighbour::None,
        subject,
    }
}

fn slower(path: &str, per_mille: u32) -> Trial {
    trial(Subject::Slower {
        path: path.to_owned(),
        per_mille,
    })
}

fn paths() -> Vec<SlowPath> {
    let path = |name: &str, cases: &str, beside: &[&str]| SlowPath {
        name: name.to_owned(),
        cases: vec![cases.to_owned()],
        beside: beside.iter().map(|pattern| (*pattern).to_owned()).collect(),
        twins: vec![cases.to_owned()],
        counted_percent: Some(1.0),
    };
    vec![
        path("encode", "codec/encode", &["codec/round_*"]),
        path("caps", "quota/caps", &[]),
    ]
}

/// A repetition in which these cases were said to be so.
fn said(trial: Trial, verdicts: &[(&str, Verdict)]) -> Repetition {
    let cases = verdicts.iter().map(|(id, verdict)| {
        let id = CaseId::new(*id).expect("well formed");
        CaseOutcome {
            truth: trial.truth(&id, &paths()),
            id,
            verdict: *verdict,
            is_layout: false,
            ratio: None,
            criterion: Some(Verdict::Improved),
            criterion_in_a_row: None,
            base_ns: Vec::new(),
        }
    });
    Repetition {
        schema: SCHEMA,
        took_ms: 15_000,
        machine: "a".to_owned(),
        n_tests: 2 * verdicts.len(),
        is_contaminated: false,
        cases: cases.collect(),
        run: None,
        trial,
    }
}

fn answer(tally: &Tally, question: &Question) -> (u64, u64, Option<Standing>) {
    let row = tally.rows.iter().find(|row| row.question == *question);
    let row = row.unwrap_or_else(|| panic!("no row for {question:?}"));
    (row.rate.n_events, row.rate.n_trials, row.standing)
}

#[test]
fn an_interval_is_clopper_and_pearsons() {
    // Published values of the exact interval at 95 %.
    for (n_events, n_trials, low, high) in [
        (0, 100, 0.0, 0.0362),
        (1, 100, 0.0003, 0.0545),
        (5, 10, 0.1871, 0.8129),
        (20, 20, 0.8316, 1.0),
    ] {
        let rate = Rate::of(n_events, n_trials);
        assert!((rate.low - low).abs() < 1e-4, "{rate:?}");
        assert!((rate.high - high).abs() < 1e-4, "{rate:?}");
    }
    let nothing = Rate::of(0, 0);
    assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
}

#[test]
fn a_promise_needs_trials_enough_to_be_kept_and_one_breach_to_be_broken() {
    let below = Promised::Below {
        rate: 0.01,
        n_trials: 100,
    };
    for (n_events, n_trials, expected) in [
        (0, 100, Standing::Kept),
        (0, 99, Standing::TooFewTrials),
        (1, 100, Standing::Broken),
        (1, 20, Standing::Broken),
        (1, 101, Standing::Kept),
    ] {
        let standing = below.standing(&Rate::of(n_events, n_trials));
        assert_eq!(standing, expected, "{n_events} of {n_trials}");
    }
    let least = Promised::AtLeast {
        rate: 0.8,
        n_trials: 20,
    };
    assert_eq!(least.standing(&Rate::of(16, 20)), Standing::Kept);
    assert_eq!(least.standing(&Rate::of(15, 20)), Standing::Broken);
    assert_eq!(
        Promised::Never { n_trials: 40 }.standing(&Rate::of(0, 39)),
        Standing::TooFewTrials
    );
}

#[test]
fn runs_are_counted_once_however_many_cases_are_wrong() {
    use Verdict::{Improved, Inconclusive, NotJudged, Regressed, Unchanged};
    let same = || trial(Subject::Same);
    let mut contaminated = said(same(), &[("quota/caps", NotJudged)]);
    contaminated.is_contaminated = true;
    let tally = tally(
        &[
            said(
                same(),
                &[("quota/caps", Regressed), ("codec/encode", Regressed)],
            ),
            said(
                same(),
                &[("quota/caps", Improved), ("codec/encode", Unchanged)],
            ),
            said(
                same(),
                &[
                    ("quota/caps", Inconclusive),
                    ("codec/encode", Unchanged),
                    ("codec/decode", NotJudged),
                ],
            ),
            contaminated,
        ],
        &paths(),
    );
    assert_eq!(
        answer(&tally, &Question::FalseAlarm),
        (1, 4, Some(Standing::Broken))
    );
    assert_eq!(answer(&tally, &Question::FalsePraise), (1, 4, None));
    assert_eq!(answer(&tally, &Question::Contaminated), (1, 4, None));
    assert_eq!(answer(&tally, &Question::Open), (1, 8, None));
    assert_eq!(answer(&tally, &Question::NotReached), (1, 7, None));
    assert_eq!(answer(&tally, &Question::ByCriterion), (8, 8, None));
    assert_eq!(tally.accused.values().sum::<u64>(), 2);
    assert_eq!(
        (tally.n_cases, tally.n_tests, tally.median_seconds),
        (3, 6, Some(15.0))
    );
}

#[test]
fn a_run_that_was_too_short_to_accuse_is_no_proof_of_innocence() {
    let mut short = said(
        trial(Subject::Same),
        &[("quota/caps", Verdict::Inconclusive)],
    );
    let mut rounds = run(vec![case("quota/caps").with_rounds(&around(0.0, 0.5, 4))]);
    rounds.is_complete = false;
    short.run = Some(rounds);
    let whole = said(trial(Subject::Same), &[("quota/caps", Verdict::Unchanged)]);
    let tally = tally(&[short, whole], &paths());
    let alarms = answer(&tally, &Question::FalseAlarm);
    assert_eq!(alarms, (0, 1, Some(Standing::TooFewTrials)));
    assert_eq!(answer(&tally, &Question::Incomplete), (1, 2, None));
}

#[test]
fn what_is_slowed_is_found_and_what_is_not_is_a_false_alarm() {
    use Verdict::{Inconclusive, Regressed, Unchanged};
    let tally = tally(
        &[
            said(
                slower("encode", 10),
                &[("codec/encode", Regressed), ("quota/caps", Unchanged)],
            ),
            said(
                slower("encode", 10),
                &[("codec/encode", Inconclusive), ("quota/caps", Regressed)],
            ),
            said(
                slower("encode", 10),
                &[("codec/encode", Regressed), ("codec/round_trip", Regressed)],
            ),
            said(
                slower("caps", 10),
                &[("quota/caps", Regressed), ("codec/encode", Unchanged)],
            ),
            said(slower("caps", 50), &[("quota/caps", Unchanged)]),
        ],
        &paths(),
    );
    let found = |per_mille, path: Option<&str>| Question::Found {
        per_mille,
        path: path.map(str::to_owned),
    };
    assert_eq!(
        answer(&tally, &found(10, None)),
        (3, 4, Some(Standing::Broken))
    );
    assert_eq!(answer(&tally, &found(10, Some("encode"))), (2, 3, None));
    assert_eq!(answer(&tally, &found(10, Some("caps"))), (1, 1, None));
    assert_eq!(
        answer(&tally, &found(50, None)),
        (0, 1, Some(Standing::Broken))
    );
    assert_eq!(
        answer(&tally, &Question::FoundByCriterion { per_mille: 10 }),
        (0, 4, None)
    );
    assert_eq!(answer(&tally, &Question::FalseAlarmElsewhere), (1, 5, None));
    assert!(
        tally
            .rows
            .iter()
            .all(|row| row.question != Question::FalseAlarm),
        "nothing was equal"
    );
}

#[test]
fn counts_and_a_busy_neighbour_have_rows_of_their_own() {
    let counts = |subject| Trial {
        means: Means::Counts,
        ..trial(subject)
    };
    let busy = Trial {
        neighbour: Neighbour::Busy,
        ..slower("caps", 20)
    };
    let half = Subject::Slower {
        path: "caps".to_owned(),
        per_mille: 5,
    };
    let slowed = [("quota/caps", Verdict::Regressed)];
    let tally = tally(
        &[
            said(counts(Subject::Same), &[("quota/caps", Verdict::Unchanged)]),
            said(counts(half), &slowed),
            said(busy, &slowed),
        ],
        &paths(),
    );
    let standings: Vec<_> = tally
        .rows
        .iter()
        .filter_map(|row| Some((row.means, row.neighbour, row.standing?)))
        .collect();
    assert_eq!(
        standings,
        [
            (Means::Pairs, Neighbour::Busy, Standing::TooFewTrials),
            (Means::Counts, Neighbour::None, Standing::TooFewTrials),
            (Means::Counts, Neighbour::None, Standing::TooFewTrials),
        ]
    );
}

#[test]
fn a_run_cut_down_to_medians_is_judged_as_the_whole() {
    let whole = run(vec![
        case("codec/encode").with_clocks(&around(3.0, 0.3, 15), &around(2.5, 0.3, 15)),
        case("quota/caps")
            .with_rounds(&around(0.0, 0.5, 15))
            .with_null(&around(0.1, 0.2, 15)),
    ]);
    let cut = condensed(&whole);
    let (of_whole, of_cut) = (judged(&whole), judged(&cut));
    for (left, right) in of_whole.rows.iter().zip(&of_cut.rows) {
        assert_eq!((left.verdict, left.next), (right.verdict, right.next));
        let ratio = |row: &crate::pairs::comparison::PairRow| row.wall.expect("tested").ratio;
        assert!((ratio(left).low - ratio(right).low).abs() < 1e-9);
    }
    assert_eq!(of_whole.control, of_cut.control);
}

#[test]
fn a_repetition_survives_its_file_and_a_strange_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = run(vec![
        case("codec/encode").with_rounds(&around(0.0, 0.5, 15)),
    ]);
    let before = said(trial(Subject::Same), &[]);
    let repetition = Repetition::of_pairs(
        &slower("encode", 10),
        &whole,
        &judged(&whole),
        &paths(),
        Some(&before),
        Duration::from_secs(3),
    );
    assert_eq!(repetition.cases[0].truth, Truth::Slower);
    assert_eq!(repetition.cases[0].criterion, Some(Verdict::Unchanged));
    write(&folder.path().join("b.json"), &repetition).expect("written");
    write(&folder.path().join("a.json"), &before).expect("written");
    assert_eq!(read_all(folder.path()).expect("read"), [before, repetition]);
    std::fs::write(folder.path().join("c.json"), "{\"schema\":1}").expect("written");
    let error = read_all(folder.path()).expect_err("cut short").to_string();
    assert!(error.contains("c.json"), "{error}");
    assert_eq!(read_all(&folder.path().join("nowhere")).expect("none"), []);
}

#[test]
fn criterions_rule_needs_both_significance_and_one_percent() {
    let mut random = StdRng::seed_from_u64(1);
    let mut sample = |mean: f64, scatter: f64| -> Vec<f64> {
        (0..40)
            .map(|_| mean * (1.0 + scatter * (random.random::<f64>() - 0.5)))
            .collect()
    };
    for (base, candidate, expected) in [
        (sample(100.0, 0.02), sample(100.0, 0.02), Verdict::Unchanged),
        (sample(100.0, 0.02), sample(103.0, 0.02), Verdict::Regressed),
        (sample(100.0, 0.02), sample(97.0, 0.02), Verdict::Improved),
        // Beyond chance, and within Criterion's noise threshold.
        (
            sample(100.0, 0.002),
            sample(100.8, 0.002),
            Verdict::Unchanged,
        ),
        // Large, and by chance.
        (sample(100.0, 4.0), sample(103.0, 4.0), Verdict::Unchanged),
    ] {
        assert_eq!(rule::verdict(&base, &candidate, 7), Some(expected));
    }
    assert_eq!(rule::verdict(&[1.0], &[1.0, 2.0], 7), None);
    assert_eq!(
        rule::verdict(&[1.0; 9], &[1.0; 9], 7),
        Some(Verdict::Unchanged)
    );
}

#[test]
fn equal_processes_that_differ_by_a_lasting_lean_mislead_criterions_rule() {
    let mut random = StdRng::seed_from_u64(2);
    let mut n_wrong = 0;
    for _ in 0..8 {
        let mut process = || -> Vec<f64> {
            let lean = 1.0 + 0.06 * (random.random::<f64>() - 0.5);
            (0..15)
                .map(|_| lean * (1.0 + 0.01 * random.random::<f64>()))
                .collect()
        };
        let (base, candidate) = (process(), process());
        n_wrong += u32::from(rule::verdict(&base, &candidate, 3) != Some(Verdict::Unchanged));
    }
    assert!(n_wrong >= 3, "{n_wrong} of 8");
}

#[test]
fn the_table_of_slowdowns_is_read_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(
        Slowdowns::read(folder.path()).expect("none"),
        Slowdowns::default()
    );
    let table = |text: &str| {
        std::fs::write(folder.path().join("slowdowns.toml"), text).expect("written");
        Slowdowns::read(folder.path())
    };
    let read =
        table("[[path]]\nname = 'encode'\ncases = ['codec/encode/*']\ncounted_percent = 0.98\n");
    let paths = read.expect("well formed").paths;
    let id = CaseId::new("codec/encode/10kb").expect("well formed");
    assert_eq!(paths[0].truth(&id, Means::Pairs), Truth::Slower);
    // Its twin takes too few turns for a count to show anything.
    assert_eq!(paths[0].truth(&id, Means::Counts), Truth::Beside);
    for text in [
        "[[path]]\nname = 'encode'\ncases = []\ncounted_percent = 1.0\n",
        "[[path]]\nname = 'encode'\ncases = ['a/b']\ncounted_percent = 0\n",
        "[[path]]\nname = 'encode'\n",
        "[[paths]]\n",
    ] {
        assert!(table(text).is_err(), "{text}");
    }
}

#[test]
fn the_variable_is_as_long_for_every_size() {
    assert_eq!(value("encode", 0), "encode=00.0");
    assert_eq!(value("encode", 5), "encode=00.5");
    assert_eq!(value("encode", 100), "encode=10.0");
}
