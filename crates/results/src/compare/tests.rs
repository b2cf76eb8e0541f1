//! Verdicts at the edges, and what must hold for any numbers.

use proptest::prelude::*;

use super::{TIME_RELEVANCE, TimePair, allocations, count, promise, ratio_within_run, times};
use crate::allocations::Allocations;
use crate::baseline::allocations::AllocationCase;
use crate::baseline::{CountCase, TimeCase};
use crate::figures::Bound;
use crate::verdict::{Promise, Verdict};

fn calm_case() -> TimeCase {
    TimeCase::new(&[990.0, 1000.0, 1010.0, 1005.0, 995.0], 0.005).expect("positive")
}

fn verdict_of(factor: f64) -> Verdict {
    let baseline = calm_case();
    let runs_ns = [factor * 1000.0];
    let pair = TimePair {
        baseline: &baseline,
        runs_ns: &runs_ns,
        within: 0.005,
        relevance: TIME_RELEVANCE,
    };
    times(&[pair], super::SPREAD_FLOOR, 1)[0].verdict
}

#[test]
fn the_verdict_follows_the_size_of_the_change() {
    for (factor, expected) in [
        (1.0, Verdict::Unchanged),
        (1.07, Verdict::Unchanged),
        (0.95, Verdict::Unchanged),
        (1.3, Verdict::Inconclusive),
        (1.4, Verdict::Inconclusive),
        (2.0, Verdict::Regressed),
        (0.5, Verdict::Improved),
    ] {
        assert_eq!(verdict_of(factor), expected, "{factor}");
    }
}

#[test]
fn a_badly_sampled_candidate_is_believed_less() {
    let baseline = calm_case();
    let runs_ns = [2000.0];
    let judged = |within| {
        let pair = TimePair {
            baseline: &baseline,
            runs_ns: &runs_ns,
            within,
            relevance: TIME_RELEVANCE,
        };
        times(&[pair], super::SPREAD_FLOOR, 1)[0].verdict
    };
    assert_eq!(judged(0.005), Verdict::Regressed);
    assert_eq!(judged(0.2), Verdict::Inconclusive);
}

#[test]
fn several_candidate_processes_see_what_one_cannot() {
    let baseline = calm_case();
    let judged = |runs_ns: &[f64]| {
        let pair = TimePair {
            baseline: &baseline,
            runs_ns,
            within: 0.005,
            relevance: TIME_RELEVANCE,
        };
        times(&[pair], super::SPREAD_FLOOR, 1)[0].verdict
    };
    assert_eq!(judged(&[1400.0]), Verdict::Inconclusive);
    assert_eq!(
        judged(&[1400.0, 1405.0, 1395.0, 1402.0, 1398.0]),
        Verdict::Regressed
    );
}

#[test]
fn a_run_that_moved_as_a_whole_accuses_no_single_case_and_says_so() {
    let baseline = calm_case();
    let runs_ns = [2100.0];
    let pair = TimePair {
        baseline: &baseline,
        runs_ns: &runs_ns,
        within: 0.005,
        relevance: TIME_RELEVANCE,
    };
    let judgements = times(&[pair; 12], super::SPREAD_FLOOR, 12);
    for judgement in judgements {
        assert_eq!(judgement.verdict, Verdict::Inconclusive);
        let reason = judgement.reason.expect("a reason");
        assert!(reason.contains("the whole run moved by +110 %"), "{reason}");
    }
}

#[test]
fn the_slow_half_of_a_run_is_accused_though_many_cases_share_the_slow_path() {
    let baseline = calm_case();
    let (slow, usual) = ([2100.0], [1000.0]);
    let pair = |runs_ns| TimePair {
        baseline: &baseline,
        runs_ns,
        within: 0.005,
        relevance: TIME_RELEVANCE,
    };
    let mut pairs = vec![pair(&slow[..]); 6];
    pairs.extend(vec![pair(&usual[..]); 6]);
    let judgements = times(&pairs, super::SPREAD_FLOOR, 12);
    assert!(
        judgements[..6]
            .iter()
            .all(|j| j.verdict == Verdict::Regressed)
    );
    assert!(
        judgements[6..]
            .iter()
            .all(|j| j.verdict == Verdict::Unchanged)
    );
}

#[test]
fn counts_are_compared_exactly_beyond_the_floor() {
    let case = |instructions, band| CountCase {
        instructions,
        band,
        repeats: 0,
    };
    for (baseline, now, expected) in [
        (case(1_000_000, 0), 1_000_000, Verdict::Unchanged),
        (case(1_000_000, 0), 1_002_500, Verdict::Unchanged),
        (case(1_000_000, 0), 1_002_501, Verdict::Regressed),
        (case(1_000_000, 0), 997_499, Verdict::Improved),
        // The band that the case showed on unchanged code.
        (case(1_000_000, 20_000), 1_019_000, Verdict::Unchanged),
        (case(1_000_000, 20_000), 1_021_000, Verdict::Regressed),
        // Five instructions, for cases of a few.
        (case(100, 0), 105, Verdict::Unchanged),
        (case(100, 0), 106, Verdict::Regressed),
    ] {
        let judgement = count(&baseline, now, super::COUNT_RELEVANCE);
        assert_eq!(judgement.verdict, expected, "{baseline:?} and {now}");
    }
}

#[test]
fn more_allocations_bytes_or_bytes_at_once_regress_and_are_named() {
    let numbers = |[count, bytes, peak]: [u64; 3]| Allocations { count, bytes, peak };
    let none = [0, 0, 0];
    for (before, band, now, expected, named) in [
        (
            [100, 9_000, 400],
            none,
            [100, 9_000, 400],
            Verdict::Unchanged,
            "",
        ),
        (
            [100, 9_000, 400],
            none,
            [101, 9_090, 404],
            Verdict::Unchanged,
            "",
        ),
        (
            [100, 9_000, 400],
            none,
            [102, 9_000, 400],
            Verdict::Regressed,
            "allocations 100 → 102",
        ),
        (
            [100, 9_000, 400],
            none,
            [100, 9_091, 400],
            Verdict::Regressed,
            "bytes 9000 → 9091",
        ),
        (
            [100, 9_000, 400],
            none,
            [90, 9_000, 500],
            Verdict::Regressed,
            "allocations 100 → 90, bytes at once 400 → 500",
        ),
        (
            [100, 9_000, 400],
            none,
            [90, 9_000, 400],
            Verdict::Improved,
            "allocations 100 → 90",
        ),
        (
            [100, 9_000, 400],
            [9, 0, 0],
            [109, 9_000, 400],
            Verdict::Unchanged,
            "",
        ),
        (none, none, none, Verdict::Unchanged, ""),
        (
            none,
            none,
            [1, 16, 16],
            Verdict::Regressed,
            "allocations 0 → 1, bytes 0 → 16, bytes at once 0 → 16",
        ),
    ] {
        let case = AllocationCase {
            smallest: numbers(before),
            band: numbers(band),
        };
        let judgement = allocations(&case, &numbers(now));
        assert_eq!(judgement.verdict, expected, "{before:?} and {now:?}");
        assert_eq!(judgement.reason.unwrap_or_default(), named);
    }
}

#[test]
fn ten_percent_more_instructions_regress() {
    let baseline = CountCase {
        instructions: 53_211,
        band: 30,
        repeats: 30,
    };
    assert_eq!(count(&baseline, 58_532, 0.01).verdict, Verdict::Regressed);
}

#[test]
fn a_promise_is_decided_by_the_whole_interval() {
    for (interval, bound, expected) in [
        ((0.5, 0.7), Bound::AtMost(0.8), Promise::Met),
        ((0.5, 0.9), Bound::AtMost(0.8), Promise::Inconclusive),
        ((0.9, 1.1), Bound::AtMost(0.8), Promise::Missed),
        ((0.98, 0.99), Bound::AtLeast(0.97), Promise::Met),
        ((0.90, 0.96), Bound::AtLeast(0.97), Promise::Missed),
        ((1.0, 1.0), Bound::Exactly(1.0), Promise::Met),
        ((1.1, 1.1), Bound::Exactly(1.0), Promise::Missed),
    ] {
        assert_eq!(promise(interval, bound), expected, "{interval:?} {bound:?}");
    }
}

#[test]
fn a_ratio_of_one_run_has_an_interval_even_where_the_samples_have_none() {
    let ratio = ratio_within_run(&[50.0; 20], &[100.0; 20]).expect("both measured");
    assert!((ratio.estimate - 0.5).abs() < 1e-9);
    assert!(ratio.low < 0.47 && 0.53 < ratio.high && ratio.high < 0.6);
    assert_eq!(ratio_within_run(&[], &[1.0]), None);
}

proptest! {
    #[test]
    fn the_interval_holds_the_estimate_and_turns_round_with_the_sides(
        runs in prop::collection::vec(500.0_f64..2000.0, 3..8),
        candidate in 500.0_f64..2000.0,
    ) {
        let baseline = TimeCase::new(&runs, 0.01).expect("positive");
        let pair = TimePair {
            baseline: &baseline,
            runs_ns: &[candidate],
            within: 0.01,
            relevance: TIME_RELEVANCE,
        };
        let ratio = times(&[pair], super::SPREAD_FLOOR, 1)[0].ratio.expect("judged");
        prop_assert!(ratio.low < ratio.estimate && ratio.estimate < ratio.high);
        prop_assert!((ratio.estimate * baseline.estimate_ns() / candidate - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_unit_of_time_does_not_change_the_verdict(
        runs in prop::collection::vec(500.0_f64..2000.0, 5),
        candidate in 300.0_f64..6000.0,
        power in -2_i32..6,
    ) {
        // Powers of two keep every rounded digit.
        let scale = 10_f64.powi(power);
        let judged = |scale: f64| {
            let scaled: Vec<f64> = runs.iter().map(|run| run * scale).collect();
            let baseline = TimeCase::new(&scaled, 0.01).expect("positive");
            let pair = TimePair {
                baseline: &baseline,
                runs_ns: &[candidate * scale],
                within: 0.01,
                relevance: TIME_RELEVANCE,
            };
            times(&[pair], super::SPREAD_FLOOR, 1)[0].verdict
        };
        prop_assert_eq!(judged(1.0), judged(scale));
    }

    #[test]
    fn slower_is_never_judged_better(
        runs in prop::collection::vec(800.0_f64..1200.0, 5),
        factors in prop::collection::vec(0.2_f64..5.0, 2),
    ) {
        let baseline = TimeCase::new(&runs, 0.01).expect("positive");
        let rank = |factor: f64| {
            let pair = TimePair {
                baseline: &baseline,
                runs_ns: &[1000.0 * factor],
                within: 0.01,
                relevance: TIME_RELEVANCE,
            };
            match times(&[pair], super::SPREAD_FLOOR, 1)[0].verdict {
                Verdict::Improved => 0,
                Verdict::Regressed => 2,
                _ => 1,
            }
        };
        let (less, more) = (factors[0].min(factors[1]), factors[0].max(factors[1]));
        prop_assert!(rank(less) <= rank(more));
    }

    #[test]
    fn counts_judge_the_same_pair_opposite_ways_round(
        left in 10_000_u64..10_000_000,
        right in 10_000_u64..10_000_000,
    ) {
        let judged = |from: u64, to: u64| {
            count(&CountCase { instructions: from, band: 0, repeats: 0 }, to, 0.01).verdict
        };
        if judged(left, right) == Verdict::Regressed {
            prop_assert_ne!(judged(right, left), Verdict::Regressed);
        }
    }
}
