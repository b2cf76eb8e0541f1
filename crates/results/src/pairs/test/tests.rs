//! Known values, agreement with plain enumeration, and the algebra of the test.

use proptest::prelude::*;

use super::{Clock, Tail, estimate, interval, log_ratios, p_value};
use crate::pairs::sample::{Pair, Round, Sample};

fn check_p(values: &[f64], tail: Tail, expected: f64) {
    let p = p_value(values, 0.0, tail);
    assert!((p - expected).abs() < 1e-12, "{values:?}: {p}");
}

#[test]
fn the_p_values_are_the_known_ones() {
    let ten: Vec<f64> = (1..=10).map(f64::from).collect();
    check_p(&ten, Tail::Both, 2.0 / 1024.0);
    check_p(&ten, Tail::Slower, 1.0 / 1024.0);
    check_p(&ten, Tail::Faster, 1.0);
    // Only the assignments {} and {1} are as lopsided.
    check_p(&[-1.0, 2.0, 3.0, 4.0], Tail::Both, 4.0 / 16.0);
    // The tables' critical value of ten rounds at 5 % two-sided is a sum of eight.
    check_p(
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, -8.0, 9.0, 10.0],
        Tail::Both,
        50.0 / 1024.0,
    );
}

#[test]
fn rounds_at_equal_distances_share_a_rank_and_those_on_the_shift_say_nothing() {
    for tail in [Tail::Both, Tail::Slower, Tail::Faster] {
        check_p(&[], tail, 1.0);
        check_p(&[0.0; 12], tail, 1.0);
    }
    check_p(&[1.0, -1.0, 1.0, -1.0], Tail::Both, 1.0);
    // Three rounds share rank two; eight assignments put four or less on a side.
    check_p(&[1.0, 1.0, 1.0, -2.0, 3.0], Tail::Both, 16.0 / 32.0);
    // A round on the shift is one round less.
    check_p(&[0.0, 1.0, 2.0, 3.0], Tail::Both, 2.0 / 8.0);
    check_p(&[0.5; 10], Tail::Both, 2.0 / 1024.0);
}

#[test]
fn forty_rounds_are_counted_exactly_too() {
    check_p(&[0.01; 40], Tail::Both, 2.0_f64.powi(-39));
}

#[test]
fn the_interval_has_the_ends_of_the_tables() {
    // Ten rounds at 95 %: eight averages are left out at each end of the 55.
    let rounds: Vec<f64> = (0..10).map(|round| f64::from(round).exp2()).collect();
    let mut averages = super::averages(&rounds);
    averages.sort_by(f64::total_cmp);
    assert_eq!(interval(&rounds, 0.95), Some((averages[8], averages[46])));
    assert_eq!(interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95), None);
    assert_eq!(interval(&[0.02; 6], 0.95), Some((0.02, 0.02)));
    assert_eq!(interval(&[], 0.95), None);
    assert_eq!(estimate(&[]), None);
}

#[test]
fn a_round_is_the_median_of_its_pairs_per_iteration() {
    let sample = |n_iterations: u64, wall_ns| Sample {
        n_iterations,
        wall_ns,
        cpu_ns: 0.0,
        n_involuntary_switches: 0,
        n_page_faults: 0,
    };
    let pair = |wall_ns| Pair {
        base: sample(10, 1000.0),
        candidate: sample(20, wall_ns),
    };
    let round = |pairs| Round {
        core: 0,
        is_base_first: true,
        pairs,
    };
    let rounds = [round(vec![pair(2000.0), pair(2200.0), pair(9000.0)])];
    let ratios = log_ratios(&rounds, Clock::Wall).expect("usable");
    assert!((ratios[0] - 1.1_f64.ln()).abs() < 1e-12);
    assert_eq!(log_ratios(&rounds, Clock::Cpu), None, "no time by it");
    assert_eq!(log_ratios(&[round(Vec::new())], Clock::Wall), None);
    assert_eq!(log_ratios(&[], Clock::Wall), Some(Vec::new()));
}

/// The share of all assignments of signs whose sum of signed scores is as large, one by one.
fn enumerated(values: &[f64]) -> f64 {
    let scores = super::Scores::around(values, 0.0);
    let n_assignments = 1_u32 << scores.all.len();
    let as_large = (0..n_assignments).filter(|signs| {
        let chosen = scores.all.iter().enumerate();
        let sum: usize = chosen
            .filter(|(index, _)| signs >> index & 1 == 1)
            .map(|(_, score)| score)
            .sum();
        sum >= scores.above
    });
    as_large.count() as f64 / f64::from(n_assignments)
}

/// Rounds on a coarse grid, so that ties and zeros are common.
fn coarse_rounds() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-6_i8..=6).prop_map(|step| f64::from(step) * 0.01), 0..12)
}

fn fine_rounds() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-0.1_f64..0.1, 6..30)
}

proptest! {
    #[test]
    fn the_counted_chance_is_the_enumerated_one(rounds in coarse_rounds()) {
        let p = p_value(&rounds, 0.0, Tail::Slower);
        prop_assert!((p - enumerated(&rounds)).abs() < 1e-12);
    }

    #[test]
    fn swapped_sides_mirror_everything(rounds in fine_rounds(), shift in -0.1_f64..0.1) {
        let mirrored: Vec<f64> = rounds.iter().map(|ratio| -ratio).collect();
        let p = |values: &[f64], shift, tail| p_value(values, shift, tail);
        prop_assert_eq!(p(&rounds, shift, Tail::Slower), p(&mirrored, -shift, Tail::Faster));
        prop_assert_eq!(p(&rounds, shift, Tail::Both), p(&mirrored, -shift, Tail::Both));
        let (low, high) = interval(&rounds, 0.95).expect("enough rounds");
        prop_assert_eq!(interval(&mirrored, 0.95), Some((-high, -low)));
        let sum = estimate(&rounds).expect("rounds") + estimate(&mirrored).expect("rounds");
        prop_assert!(sum.abs() < 1e-12);
    }

    #[test]
    fn a_further_round_that_agrees_as_much_as_any_never_raises_p(rounds in coarse_rounds(), extra in 0_u8..3) {
        let furthest = rounds.iter().fold(0.01_f64, |furthest, ratio| furthest.max(ratio.abs()));
        let mut more = rounds.clone();
        more.push(furthest + f64::from(extra) * 0.01);
        let before = p_value(&rounds, 0.0, Tail::Slower);
        prop_assert!(p_value(&more, 0.0, Tail::Slower) <= before + 1e-12);
    }

    #[test]
    fn rounds_that_all_agree_never_raise_p_when_one_more_agrees(
        rounds in prop::collection::vec(1e-6_f64..0.1, 0..30),
        extra in 1e-6_f64..0.1,
    ) {
        let mut more = rounds.clone();
        more.push(extra);
        prop_assert!(p_value(&more, 0.0, Tail::Both) <= p_value(&rounds, 0.0, Tail::Both));
    }

    #[test]
    fn the_interval_holds_just_the_shifts_that_are_not_rejected(rounds in fine_rounds()) {
        let (low, high) = interval(&rounds, 0.95).expect("enough rounds");
        let estimate = estimate(&rounds).expect("rounds");
        prop_assert!(low <= estimate && estimate <= high);
        let width = (high - low).max(1e-6);
        for (shift, is_inside) in [
            (low - 1e-9, false),
            (low + width * 1e-3, true),
            (estimate, true),
            (high - width * 1e-3, true),
            (high + 1e-9, false),
        ] {
            let p = p_value(&rounds, shift, Tail::Both);
            prop_assert!((p > 0.05) == is_inside || (low == high && is_inside), "{} at {}", p, shift);
        }
    }

    #[test]
    fn p_is_a_chance_and_falls_as_the_shift_leaves_the_rounds(rounds in fine_rounds()) {
        let mut last = 1.0;
        for step in 0..20 {
            let p = p_value(&rounds, 0.1 - 0.01 * f64::from(step), Tail::Slower);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&p) && p <= last + 1e-12);
            last = p;
        }
    }
}
