//! Verdicts of runs with a known truth.

use std::collections::BTreeMap;

use super::{MOST_ROUNDS, Terms, judge};
use crate::case_id::CaseId;
use crate::comparison::Outcome;
use crate::pairs::comparison::{Confirmation, ConfirmedOn, Next, PairComparison, PairRow, Way};
use crate::pairs::control::NullEstimates;
use crate::pairs::sample::{CaseFailure, Pair, PairCase, PairRun, Round};
use crate::pairs::synthetic::{around, case, judged, run, sample};
use crate::relevance::PairRelevance;
use crate::verdict::Verdict;

mod algebra;
mod layout;

/// Judges a run of this case alone.
fn row_of(case: PairCase) -> PairRow {
    judged(&run(vec![case])).rows.remove(0)
}

fn check_verdict(case: PairCase, verdict: Verdict, next: Next, reason: Option<&str>) {
    let row = row_of(case);
    assert_eq!((row.verdict, row.next), (verdict, next), "{row:?}");
    match (reason, &row.reason) {
        (None, None) => {}
        (Some(part), Some(reason)) if reason.contains(part) => {}
        (expected, found) => panic!("expected {expected:?}, found {found:?}"),
    }
}

#[test]
fn a_case_is_judged_by_size_and_noise() {
    let of = |percent, scatter, n_rounds| {
        case("suite/case").with_rounds(&around(percent, scatter, n_rounds))
    };
    for (case, verdict, next, reason) in [
        (of(0.0, 0.3, 15), Verdict::Unchanged, Next::Nothing, None),
        (of(0.5, 0.3, 15), Verdict::Unchanged, Next::Nothing, None),
        (
            of(-3.0, 0.3, 15),
            Verdict::Inconclusive,
            Next::Confirm {
                way: Way::Faster,
                n_more: 10,
            },
            Some("faster at first; no fresh rounds have confirmed it yet"),
        ),
        (
            of(3.0, 0.3, 15),
            Verdict::Inconclusive,
            Next::Confirm {
                way: Way::Slower,
                n_more: 15,
            },
            Some("no fresh rounds have confirmed it yet"),
        ),
        (
            of(0.0, 3.0, 15),
            Verdict::Inconclusive,
            Next::MoreRounds,
            Some("noise would hide a change of"),
        ),
        (
            of(0.0, 20.0, 35),
            Verdict::Inconclusive,
            Next::Nothing,
            Some("noise would hide a change of"),
        ),
        (
            // It lies on the edge, as near as the scatter lets it.
            of(1.0, 0.5, 55),
            Verdict::Inconclusive,
            Next::Nothing,
            Some("not surely by more than matters (1.00 %)"),
        ),
        (
            // Twice its standard error from the edge: more rounds may well tell.
            of(1.3, 1.0, 15),
            Verdict::Inconclusive,
            Next::MoreRounds,
            Some("not surely by more than matters"),
        ),
        (
            of(2.0, 3.0, 15),
            Verdict::Inconclusive,
            Next::MoreRounds,
            Some("not surely by more than matters"),
        ),
        (
            of(3.0, 0.3, 7),
            Verdict::Inconclusive,
            Next::MoreRounds,
            Some("its rounds do not settle it"),
        ),
        (
            of(3.0, 0.3, 3),
            Verdict::NotJudged,
            Next::MoreRounds,
            Some("too few rounds"),
        ),
        (
            of(0.0, 20.0, MOST_ROUNDS),
            Verdict::Inconclusive,
            Next::Nothing,
            Some("noise would hide"),
        ),
    ] {
        check_verdict(case, verdict, next, reason);
    }
}

#[test]
fn wall_time_decides_and_cpu_time_helps() {
    let (slow, fast) = (around(3.0, 0.3, 15), around(-3.0, 0.3, 15));
    let (same, open) = (around(0.0, 0.3, 15), around(0.0, 5.0, 15));
    let (rather_slow, rather_fast) = (around(0.8, 0.7, 15), around(-0.8, 0.7, 15));
    for (wall, cpu, verdict, reason) in [
        (&fast, &fast, Verdict::Improved, Some("may be layout")),
        (&fast, &open, Verdict::Improved, Some("may be layout")),
        (&fast, &same, Verdict::Improved, Some("in wall time alone")),
        (&fast, &slow, Verdict::Inconclusive, Some("slower in CPU")),
        (
            &fast,
            &rather_slow,
            Verdict::Inconclusive,
            Some("slower in CPU"),
        ),
        (&slow, &fast, Verdict::Inconclusive, Some("faster in CPU")),
        (
            &slow,
            &rather_fast,
            Verdict::Inconclusive,
            Some("faster in CPU"),
        ),
        (&same, &same, Verdict::Unchanged, None),
        (&same, &open, Verdict::Unchanged, None),
        (&same, &slow, Verdict::Unchanged, Some("CPU time is slower")),
        (&same, &fast, Verdict::Unchanged, Some("CPU time is faster")),
        (&open, &fast, Verdict::Improved, Some("by CPU time")),
        (&open, &same, Verdict::Inconclusive, Some("noise")),
        (&open, &open, Verdict::Inconclusive, Some("noise")),
    ] {
        let case = case("suite/case").with_clocks(wall, cpu);
        let row = row_of(case.with_confirm(&fast));
        assert_eq!(row.verdict, verdict, "{row:?}");
        let is_said = match reason {
            None => row.reason.is_none(),
            Some(part) => row.reason.as_ref().is_some_and(|said| said.contains(part)),
        };
        assert!(is_said, "{row:?}");
    }
    for (wall, cpu) in [(&slow, &slow), (&slow, &same), (&open, &slow)] {
        let accused = case("suite/case").with_clocks(wall, cpu);
        let row = row_of(accused.with_confirm(&slow));
        assert_eq!(row.verdict, Verdict::Regressed, "{row:?}");
    }
    let contradiction = row_of(case("suite/case").with_clocks(&slow, &fast));
    assert_eq!(contradiction.next, Next::Nothing);
}

#[test]
fn in_blocks_the_thread_clock_is_not_asked_and_less_matters_not() {
    let slow = around(1.7, 0.2, 15);
    let row = row_of(case("suite/case").in_blocks().with_rounds(&slow));
    assert_eq!((row.verdict, row.cpu), (Verdict::Unchanged, None));
}

#[test]
fn only_fresh_rounds_that_agree_make_a_regression() {
    let accused = || case("suite/case").with_rounds(&around(3.0, 0.3, 15));
    let agreed = row_of(accused().with_confirm(&around(2.5, 0.3, 15)));
    assert_eq!(agreed.verdict, Verdict::Regressed);
    assert!(matches!(
        agreed.confirmation,
        Confirmation::Agreed { p, place: ConfirmedOn::OtherCores } if p < 0.001
    ));

    for fresh in [
        around(0.0, 0.3, 15),
        around(-3.0, 0.3, 15),
        around(0.9, 0.1, 15),
    ] {
        let row = row_of(accused().with_confirm(&fresh));
        assert_eq!(
            (row.verdict, row.next),
            (Verdict::Inconclusive, Next::Nothing)
        );
        assert!(matches!(row.confirmation, Confirmation::Disagreed { .. }));
    }

    let few = row_of(accused().with_confirm(&around(3.0, 0.3, 6)));
    assert_eq!(few.confirmation, Confirmation::Needed);
    assert_eq!(
        few.next,
        Next::Confirm {
            way: Way::Slower,
            n_more: 9
        }
    );
}

#[test]
fn fresh_rounds_that_lean_towards_slower_are_doubled_once() {
    let accused = || case("suite/case").with_rounds(&around(3.0, 0.3, 15));
    let leaning = |n_rounds: usize| around(3.0, 20.0, n_rounds);
    let once = row_of(accused().with_confirm(&leaning(15)));
    assert_eq!(once.verdict, Verdict::Inconclusive);
    assert!(matches!(once.confirmation, Confirmation::Disagreed { .. }));
    assert_eq!(
        once.next,
        Next::Confirm {
            way: Way::Slower,
            n_more: 15
        }
    );
    let half = row_of(accused().with_confirm(&leaning(22)));
    assert_eq!(
        half.next,
        Next::Confirm {
            way: Way::Slower,
            n_more: 8
        }
    );
    let twice = row_of(accused().with_confirm(&leaning(30)));
    assert_eq!(twice.verdict, Verdict::Inconclusive);
    assert_eq!(twice.next, Next::Nothing);

    let mut surer = leaning(15);
    surer.extend(around(9.0, 0.3, 15));
    assert_eq!(
        row_of(accused().with_confirm(&surer)).verdict,
        Verdict::Regressed
    );
}

#[test]
fn an_improvement_takes_fewer_fresh_rounds_and_they_must_agree_too() {
    let praised = || case("suite/case").with_rounds(&around(-3.0, 0.3, 40));
    let few = row_of(praised().with_confirm(&around(-3.0, 0.3, 4)));
    let next = |n_more| Next::Confirm {
        way: Way::Faster,
        n_more,
    };
    assert_eq!((few.verdict, few.next), (Verdict::Inconclusive, next(6)));
    let agreed = row_of(praised().with_confirm(&around(-3.0, 0.3, 10)));
    assert_eq!(
        (agreed.verdict, agreed.next),
        (Verdict::Improved, Next::Nothing)
    );
    for (fresh, following) in [
        (around(0.0, 0.3, 10), Next::Nothing),
        (around(3.0, 0.3, 10), Next::Nothing),
        (around(-0.9, 0.05, 10), Next::Nothing),
        (around(-3.0, 20.0, 10), next(10)),
        (around(-1.5, 20.0, 20), Next::Nothing),
    ] {
        let row = row_of(praised().with_confirm(&fresh));
        assert_eq!((row.verdict, row.next), (Verdict::Inconclusive, following));
        assert!(matches!(row.confirmation, Confirmation::Disagreed { .. }));
    }
}

#[test]
fn where_fresh_rounds_agree_is_said_as_it_was() {
    let place = |cores: &[u32], percents: &[f64]| {
        let mut case = case("suite/case")
            .with_rounds(&around(3.0, 0.3, 15))
            .with_confirm(percents);
        let rounds = case.confirm_rounds.iter_mut().zip(cores.iter().cycle());
        rounds.for_each(|(round, core)| round.core = *core);
        match row_of(case).confirmation {
            Confirmation::Agreed { place, .. } => place,
            other => panic!("{other:?}"),
        }
    };
    let slower = around(3.0, 0.3, 15);
    let slower_on_the_first: Vec<f64> = (0..40)
        .map(|round| if round % 2 == 0 { 9.0 } else { -0.1 } * (1.0 + 0.001 * f64::from(round)))
        .collect();
    assert_eq!(place(&[1, 2], &slower), ConfirmedOn::OtherCores);
    assert_eq!(place(&[0, 1], &slower), ConfirmedOn::EachCore);
    assert_eq!(place(&[0], &slower), ConfirmedOn::SameCores);
    assert_eq!(place(&[0, 1], &slower_on_the_first), ConfirmedOn::SameCores);
}

#[test]
fn a_change_that_equal_programs_were_seen_to_make_is_below_the_floor() {
    let now = run(vec![case("suite/case").with_rounds(&around(3.0, 0.3, 15))]);
    let quiet = |name: &str| case(name).with_null(&around(0.0, 0.3, 15));
    let earlier = run(vec![
        case("suite/case").with_null(&around(-4.0, 0.3, 15)),
        quiet("suite/quiet"),
        quiet("suite/calm"),
    ]);
    let mut null_estimates = NullEstimates::default();
    null_estimates.add_run(&earlier);
    let terms = Terms {
        relevance: &PairRelevance::default(),
        null_estimates: &null_estimates,
        n_rounds_most: MOST_ROUNDS,
        count_ratios: &BTreeMap::new(),
    };
    let row = judge(&now, &terms).rows.remove(0);
    assert_eq!(row.verdict, Verdict::Inconclusive);
    let reason = row.reason.expect("a reason");
    assert!(reason.contains("than equal code does (4."), "{reason}");
}

/// Cases that all changed alike, and quiet ones.
fn run_of(n_changed: usize, changed: &[f64], n_quiet: usize) -> PairRun {
    let changed =
        (0..n_changed).map(|index| case(&format!("suite/changed_{index:02}")).with_rounds(changed));
    let quiet = (0..n_quiet)
        .map(|index| case(&format!("suite/quiet_{index:02}")).with_rounds(&around(0.0, 0.3, 10)));
    run(changed.chain(quiet).collect())
}

#[test]
fn the_more_cases_share_the_budget_the_more_rounds_it_takes() {
    let slow = around(3.0, 0.3, 10);
    let alone = judged(&run_of(1, &slow, 0));
    assert_eq!(
        alone.rows[0].next,
        Next::Confirm {
            way: Way::Slower,
            n_more: 10
        }
    );
    let among_many = judged(&run_of(1, &slow, 29));
    assert_eq!(among_many.n_tests, 60);
    assert_eq!(among_many.rows[0].next, Next::MoreRounds);
    assert_eq!(among_many.open().count(), 1);
    assert_eq!(among_many.count_of(Verdict::Unchanged), 29);
}

/// Judged with so many more instructions in each of these cases.
fn judged_with_more_work(run: &PairRun, ids: &[&str]) -> PairComparison {
    let more = |id: &&str| (CaseId::new(*id).expect("well formed"), 1.05);
    let terms = Terms {
        relevance: &PairRelevance::default(),
        null_estimates: &NullEstimates::default(),
        n_rounds_most: MOST_ROUNDS,
        count_ratios: &ids.iter().map(more).collect(),
    };
    judge(run, &terms)
}

#[test]
fn a_slowdown_that_counts_let_expect_need_not_stand_out_among_all_others() {
    let run = run_of(1, &around(3.0, 0.3, 10), 29);
    let expected = judged_with_more_work(&run, &["suite/changed_00"]);
    assert_eq!(
        expected.rows[0].next,
        Next::Confirm {
            way: Way::Slower,
            n_more: 10
        }
    );
    // Two tests share half of the budget, and 58 the other half.
    let corrected = |row: &PairRow| row.wall.expect("tested").p_corrected;
    let p = expected.rows[0].wall.expect("tested").p;
    assert!((corrected(&expected.rows[0]) / (4.0 * p) - 1.0).abs() < 1e-9);
    // What the others may not spend, they do not.
    let unexpected = judged_with_more_work(&run, &["suite/quiet_00"]);
    assert!((corrected(&unexpected.rows[0]) / (116.0 * p) - 1.0).abs() < 1e-9);
}

#[test]
fn where_all_cases_do_more_they_share_the_whole_budget() {
    let run = run_of(2, &around(3.0, 0.3, 10), 0);
    let all = judged_with_more_work(&run, &["suite/changed_00", "suite/changed_01"]);
    assert_eq!(all.rows[0].wall, judged(&run).rows[0].wall);
}

#[test]
fn good_news_is_believed_sooner_than_bad_news_and_not_at_once() {
    // Ten cases of ten rounds: enough for a report in which one of twenty may be wrong, not for failing a run.
    let faster = judged(&run_of(10, &around(-3.0, 0.3, 10), 0));
    assert_eq!(faster.unconfirmed(Way::Faster).count(), 10);
    let slower = judged(&run_of(10, &around(3.0, 0.3, 10), 0));
    assert_eq!(slower.open().count(), 10);
    let among_many = judged(&run_of(1, &around(-3.0, 0.3, 6), 29));
    assert_eq!(among_many.unconfirmed(Way::Faster).count(), 0);
}

#[test]
fn the_more_cases_stand_accused_the_more_fresh_rounds_it_takes() {
    let slow = around(3.0, 0.3, 15);
    let n_confirmed = |n_accused: usize| {
        let mut run = run_of(n_accused, &slow, 0);
        let cases = std::mem::take(&mut run.cases).into_iter();
        run.cases = cases.map(|case| case.with_confirm(&slow[..8])).collect();
        judged(&run).count_of(Verdict::Regressed)
    };
    assert_eq!(n_confirmed(1), 1);
    assert_eq!(n_confirmed(5), 0);
}

fn contaminated() -> PairComparison {
    judged(&run(vec![
        case("suite/null")
            .with_rounds(&[0.0; 15])
            .with_null(&around(2.0, 0.3, 15)),
        case("suite/slow")
            .with_rounds(&around(9.0, 0.3, 15))
            .with_confirm(&around(9.0, 0.3, 15)),
        case("suite/new").failed(CaseFailure::MissingInBase),
    ]))
}

#[test]
fn a_contaminated_run_judges_nothing_and_asks_for_nothing() {
    let comparison = contaminated();
    assert_eq!(comparison.outcome(), Outcome::CouldNotTell);
    assert_eq!(comparison.count_of(Verdict::NotJudged), 2);
    assert_eq!(comparison.count_of(Verdict::New), 1);
    assert!(comparison.rows.iter().all(|row| row.next == Next::Nothing));
}

#[test]
fn a_case_that_could_not_be_measured_says_why() {
    let message = "index out of bounds".to_owned();
    for (failure, verdict, reason) in [
        (CaseFailure::MissingInBase, Verdict::New, None),
        (CaseFailure::MissingInCandidate, Verdict::Missing, None),
        (
            CaseFailure::PanickedInBase {
                message: message.clone(),
            },
            Verdict::NotJudged,
            Some("in the base: index"),
        ),
        (
            CaseFailure::PanickedInCandidate { message },
            Verdict::NotJudged,
            Some("in the candidate: index"),
        ),
        (
            CaseFailure::TimedOut { after_ms: 30_000 },
            Verdict::NotJudged,
            Some("within 30000 ms"),
        ),
        (
            CaseFailure::NoSamplesInCandidate {
                message: "nothing stored".to_owned(),
            },
            Verdict::NotJudged,
            Some("no samples in the candidate: nothing"),
        ),
        (
            CaseFailure::AmbiguousId {
                names: vec!["case".to_owned(), "suite/case".to_owned()],
            },
            Verdict::NotJudged,
            Some("have this id: case, suite/case"),
        ),
        (
            CaseFailure::SettingsDiffer,
            Verdict::NotJudged,
            Some("other settings"),
        ),
    ] {
        let partly = case("suite/case").with_rounds(&around(9.0, 0.1, 15));
        check_verdict(partly.failed(failure), verdict, Next::Nothing, reason);
    }
}

#[test]
fn what_is_open_missing_failed_empty_or_interrupted_is_never_fine() {
    let same = || case("suite/same").with_rounds(&around(0.0, 0.3, 15));
    let fast = || {
        let fast = around(-3.0, 0.3, 15);
        case("suite/fast").with_rounds(&fast).with_confirm(&fast)
    };
    let slow = || case("suite/slow").with_rounds(&around(3.0, 0.3, 15));
    let new = || case("suite/new").failed(CaseFailure::MissingInBase);
    let gone = || case("suite/gone").failed(CaseFailure::MissingInCandidate);
    let late = || case("suite/late").failed(CaseFailure::TimedOut { after_ms: 1 });
    let confirmed = || slow().with_confirm(&around(3.0, 0.3, 15));
    let outcome = |cases| judged(&run(cases)).outcome();
    for (cases, expected) in [
        (vec![same()], Outcome::Fine),
        (vec![same(), fast(), new()], Outcome::Fine),
        (vec![], Outcome::CouldNotTell),
        (vec![new()], Outcome::CouldNotTell),
        (vec![same(), gone()], Outcome::CouldNotTell),
        (vec![same(), late()], Outcome::CouldNotTell),
        (vec![same(), slow()], Outcome::CouldNotTell),
        (vec![same(), confirmed()], Outcome::Regressed),
        (vec![late(), confirmed()], Outcome::Regressed),
    ] {
        assert_eq!(outcome(cases), expected);
    }
    let interrupted = PairRun {
        is_complete: false,
        ..run(vec![same()])
    };
    assert_eq!(judged(&interrupted).outcome(), Outcome::CouldNotTell);
}

#[test]
fn preempted_turns_and_page_faults_are_counted_by_side() {
    let mut base = sample(2e6, 2e6);
    base.n_involuntary_switches = 3;
    let mut candidate = sample(2e6, 2e6);
    candidate.n_page_faults = 5;
    let pair = Pair { base, candidate };
    let quiet = Pair {
        base: candidate,
        candidate,
    };
    let mut case = case("suite/case");
    case.rounds = vec![Round {
        core: 0,
        is_base_first: true,
        pairs: vec![pair, quiet],
    }];
    let disturbance = row_of(case).disturbance.expect("rounds");
    assert_eq!(
        (disturbance.preempted_base, disturbance.preempted_candidate),
        (0.5, 0.0)
    );
    assert_eq!(
        (
            disturbance.page_faults_base,
            disturbance.page_faults_candidate
        ),
        (2.5, 5.0)
    );
}
