//! The search for a step, against random orders and clear steps.

use proptest::prelude::*;

use super::{CALIBRATED_P, SEARCHED, Step, searched, shift, split};
use crate::history::ranks::{MIN_SIDE, SplitScores, WINDOWS};
use crate::pairs::simulation::noise::Chance;
use crate::stats::{rate_lower_bound, rate_upper_bound};

/// Random orders per window.
const N_ORDERS: u64 = if cfg!(debug_assertions) {
    10_000
} else {
    1_000_000
};

/// How sure a bound is, one-sided.
const SURE: f64 = 0.9999;

#[test]
fn searched_scores_are_those_of_random_orders() {
    for (window, scores) in WINDOWS.iter().zip(SEARCHED) {
        let mut rng = Chance::seeded(*window as u64);
        let mut ranks: Vec<u32> = (1..=*window as u32).map(|rank| 2 * rank).collect();
        let table = SplitScores::for_nights(*window).expect("filled");
        let drawn: Vec<f64> = (0..N_ORDERS)
            .map(|_| {
                for last in (1..ranks.len()).rev() {
                    ranks.swap(last, (rng.uniform() * (last + 1) as f64) as usize);
                }
                table.most_lopsided(&ranks)
            })
            .collect();
        for (p, score) in CALIBRATED_P.iter().zip(scores) {
            let n_beyond = drawn.iter().filter(|drawn| **drawn > score + 0.005).count() as u64;
            let least = rate_lower_bound(n_beyond, N_ORDERS, SURE);
            assert!(least <= *p, "{n_beyond} beyond {score} of {window} nights");
            // Few nights have few orders that are rare, so a score may be rarer than it is taken for.
            if *window >= 28 && *p >= 1e-3 {
                let most = rate_upper_bound(n_beyond, N_ORDERS, SURE);
                assert!(
                    most >= 0.8 * p,
                    "{n_beyond} beyond {score} of {window} nights"
                );
            }
        }
    }
}

#[test]
fn rarer_scores_have_smaller_chances() {
    for scores in SEARCHED {
        assert!(scores.is_sorted());
        let chances: Vec<f64> = (0..250)
            .map(|tenth| searched(&scores, f64::from(tenth) / 10.0))
            .collect();
        assert!(chances.windows(2).all(|pair| pair[1] <= pair[0]));
        for (p, score) in CALIBRATED_P.iter().zip(scores).skip(1) {
            let chance = searched(&scores, score);
            assert!((chance / p - 1.0).abs() < 1e-6, "{chance} {p}");
        }
    }
}

#[test]
fn few_nights_have_no_step() {
    assert_eq!(Step::most_lopsided(&[0.0; 19]), None);
    let flat = Step::most_lopsided(&[0.0; 20]).expect("enough");
    assert_eq!(flat.p_value(1.0), 1.0);
}

#[test]
fn nights_that_resemble_their_neighbours_make_a_step_less_rare() {
    let values: Vec<f64> = (0..40).map(|night| f64::from(night / 20)).collect();
    let step = Step::most_lopsided(&values).expect("enough");
    assert!(step.p_value(1.0) < 1e-6);
    assert!(step.p_value(2.0) > step.p_value(1.5));
    assert!(step.p_value(4.0) > 0.01);
}

proptest! {
    #[test]
    fn a_clear_step_is_dated_and_sized(at in MIN_SIDE..40 - MIN_SIDE, seed in 0_u64..1000, size in -3.0_f64..3.0) {
        prop_assume!(size.abs() > 0.5);
        let mut rng = Chance::seeded(seed);
        let values: Vec<f64> = (0..40).map(|night| {
            let noise = 0.1 * (rng.uniform() - 0.5);
            noise + if night < at { 0.0 } else { size }
        }).collect();
        prop_assert_eq!(split(&values), at);
        let shift = shift(&values, at).expect("both sides");
        prop_assert!((shift - size).abs() < 0.1, "{}", shift);
        let step = Step::most_lopsided(&values).expect("enough");
        prop_assert!(step.p_value(1.0) < 1e-3);
    }
}
