//! The tables, against orders that are counted one by one.

use proptest::prelude::*;

use super::{MIN_SIDE, SplitScores, TrendScores, WINDOWS, doubled_ranks};

/// Every order of the numbers from one to `n`.
fn orders(n: usize) -> Vec<Vec<f64>> {
    let mut orders = vec![vec![]];
    for number in 1..=n {
        let put = |order: &Vec<f64>| {
            let places = 0..=order.len();
            let with: Vec<Vec<f64>> = places
                .map(|place| {
                    let mut order = order.clone();
                    order.insert(place, number as f64);
                    order
                })
                .collect();
            with
        };
        orders = orders.iter().flat_map(put).collect();
    }
    orders
}

/// What a table of scores promises: of all orders, no more than a share of exp(-score) scores as much.
fn check_scores(scores: &[f64]) {
    for score in scores {
        let n_as_rare = scores.iter().filter(|other| **other >= *score).count();
        let share = n_as_rare as f64 / scores.len() as f64;
        assert!((share - (-score).exp()).abs() < 1e-9, "{share} of {score}");
    }
}

#[test]
fn trends_are_scored_by_how_many_orders_are_as_steep() {
    let table = TrendScores::of(7);
    let scores: Vec<f64> = orders(7).iter().map(|order| table.score(order)).collect();
    check_scores(&scores);
    assert!(
        scores
            .iter()
            .any(|score| (score - (5040.0_f64 / 2.0).ln()).abs() < 1e-9)
    );
}

#[test]
fn a_split_is_scored_by_how_many_subsets_are_as_lopsided() {
    // Ten nights have one split, so the most lopsided one is that.
    let table = SplitScores::count(2 * MIN_SIDE);
    let subsets = (0_u32..1 << 10).filter(|subset| subset.count_ones() == 5);
    let scores: Vec<f64> = subsets
        .map(|subset| {
            let is_first = |rank: &u32| subset >> (rank - 1) & 1 == 1;
            let (first, second): (Vec<u32>, Vec<u32>) = (1..=10).partition(is_first);
            let doubled: Vec<u32> = first.iter().chain(&second).map(|rank| 2 * rank).collect();
            table.most_lopsided(&doubled)
        })
        .collect();
    assert_eq!(scores.len(), 252);
    check_scores(&scores);
}

#[test]
fn the_longest_window_that_the_nights_fill_is_taken() {
    for (n_nights, expected) in [(19, None), (20, Some(20)), (27, Some(24)), (400, Some(60))] {
        let window = SplitScores::for_nights(n_nights).map(SplitScores::window);
        assert_eq!(window, expected, "{n_nights}");
    }
    assert!(WINDOWS.is_sorted());
}

#[test]
fn equal_values_share_a_rank() {
    assert_eq!(doubled_ranks(&[3.0, 1.0, 2.0]), [6, 2, 4]);
    assert_eq!(doubled_ranks(&[1.0, 1.0, 0.0]), [5, 5, 2]);
}

proptest! {
    #[test]
    fn scores_do_not_depend_on_the_direction(values in proptest::collection::vec(-1.0_f64..1.0, 28)) {
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        let table = SplitScores::for_nights(28).expect("filled");
        let score = |values: &[f64]| table.most_lopsided(&doubled_ranks(values));
        prop_assert_eq!(score(&values), score(&turned));
        let trends = TrendScores::of(28);
        prop_assert_eq!(trends.score(&values), trends.score(&turned));
    }

    #[test]
    fn ties_never_look_rarer_than_the_orders_that_break_them(values in proptest::collection::vec(0_u8..4, 14)) {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let rising: Vec<f64> = values.iter().enumerate().map(|(night, value)| value + night as f64 * 1e-3).collect();
        let falling: Vec<f64> = values.iter().enumerate().map(|(night, value)| value - night as f64 * 1e-3).collect();
        let trends = TrendScores::of(14);
        let most = trends.score(&rising).max(trends.score(&falling));
        prop_assert!(trends.score(&values) <= most + 1e-9);
    }
}
