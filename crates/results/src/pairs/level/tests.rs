//! Known values, the refusal, and how the two corrections relate.

use proptest::prelude::*;

use super::{benjamini_hochberg, check_rounds, holm_corrected, rounds_for, smallest_p};
use crate::stats::holm;

#[test]
fn the_smallest_p_halves_with_each_round() {
    assert_eq!(smallest_p(10), 2.0 / 1024.0);
    assert_eq!(smallest_p(1), 1.0);
    for (n_tests, budget, expected) in [
        (1, 0.01, 8),
        (5, 0.01, 10),
        (81, 0.01, 14),
        (82, 0.01, 15),
        (163, 0.01, 15),
        (164, 0.01, 16),
        (0, 0.01, 8),
    ] {
        assert_eq!(rounds_for(n_tests, budget), expected, "{n_tests} tests");
    }
}

#[test]
fn a_setting_that_could_never_fail_anything_is_refused_with_the_number_that_could() {
    assert!(check_rounds(15, 100, 0.01).is_ok());
    let refusal = check_rounds(10, 100, 0.01)
        .expect_err("too few")
        .to_string();
    for part in ["10 rounds", "100 tests", "2.0e-3", "1.0e-4", "15 rounds"] {
        assert!(refusal.contains(part), "{part:?} is not in {refusal:?}");
    }
}

#[test]
fn both_corrections_give_the_known_values() {
    let p_values = [0.01, 0.04, 0.03, 0.005];
    let corrected = holm_corrected(&p_values);
    for (corrected, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        assert!((corrected - expected).abs() < 1e-12);
    }
    assert_eq!(benjamini_hochberg(&p_values, 0.05), [true; 4]);
    assert_eq!(
        benjamini_hochberg(&[0.01, 0.04, 0.2, 0.005], 0.05),
        [true, false, false, true]
    );
    assert!(benjamini_hochberg(&[], 0.05).is_empty() && holm_corrected(&[]).is_empty());
}

proptest! {
    #[test]
    fn whatever_holm_fells_the_other_names(
        p_values in prop::collection::vec(0.0_f64..=0.2, 0..40),
        budget in 0.001_f64..0.2,
        slack in 1.0_f64..5.0,
    ) {
        let falls = holm(&p_values, budget, 0);
        let is_named = benjamini_hochberg(&p_values, budget * slack);
        for (falls, is_named) in falls.iter().zip(is_named) {
            prop_assert!(!falls || is_named);
        }
    }

    #[test]
    fn a_corrected_value_is_within_the_budget_just_where_holm_fells(
        p_values in prop::collection::vec(0.0_f64..=0.2, 0..40),
        budget in 0.001_f64..0.2,
    ) {
        let falls = holm(&p_values, budget, 0);
        for (falls, corrected) in falls.iter().zip(holm_corrected(&p_values)) {
            // Dividing the budget and multiplying the value round differently in the last place.
            let is_on_the_line = (corrected - budget).abs() < 1e-12;
            prop_assert!(*falls == (corrected <= budget) || is_on_the_line);
        }
    }
}
