//! The search for a drift, on lines with noise.

use proptest::prelude::*;

use super::{Drift, MIN_NIGHTS};
use crate::pairs::simulation::noise::Chance;

fn noisy(seed: u64, n_nights: usize, slope: f64) -> Vec<f64> {
    let mut rng = Chance::seeded(seed);
    let nights = 0..n_nights;
    nights
        .map(|night| slope * night as f64 + 0.005 * rng.normal())
        .collect()
}

#[test]
fn few_nights_have_no_drift() {
    assert_eq!(Drift::surest(&noisy(1, MIN_NIGHTS - 1, 0.01)), None);
    assert!(Drift::surest(&noisy(1, MIN_NIGHTS, 0.01)).is_some());
}

#[test]
fn a_fast_drift_is_sure_within_two_weeks_and_a_slow_one_within_a_year() {
    let fast = Drift::surest(&noisy(2, 14, 0.005)).expect("enough");
    assert!(fast.p_value(1.0) < 1e-5, "{fast:?}");
    // Three percent in a year, of which no month shows anything.
    let slow = noisy(3, 364, 0.000_08);
    let month = Drift::surest(&slow[336..]).expect("enough");
    assert!(month.p_value(1.0) > 0.01, "{month:?}");
    let year = Drift::surest(&slow).expect("enough");
    assert!(year.window >= 112 && year.p_value(1.0) < 1e-5, "{year:?}");
}

#[test]
fn one_wild_night_makes_no_drift() {
    let mut values = noisy(4, 28, 0.0);
    values[27] = 5.0;
    let drift = Drift::surest(&values).expect("enough");
    assert!(drift.p_value(1.0) > 1e-3, "{drift:?}");
}

proptest! {
    #[test]
    fn the_line_has_the_slope_of_the_nights(seed in 0_u64..500, slope in -0.01_f64..0.01, n_nights in 14_usize..400) {
        let values = noisy(seed, n_nights, slope);
        let drift = Drift::surest(&values).expect("enough");
        let line = drift.line(&values).expect("points");
        let rise = slope * (drift.window - 1) as f64;
        // Fourteen nights know a slope to about 0.4 ‰ per night, longer ones better.
        prop_assert!((line.last - line.first - rise).abs() < 0.02, "{:?} {}", line, rise);
    }

    #[test]
    fn values_in_any_unit_are_equally_rare(seed in 0_u64..500, scale in 0.01_f64..100.0) {
        let values = noisy(seed, 60, 0.0005);
        let scaled: Vec<f64> = values.iter().map(|value| value * scale + 3.0).collect();
        let score = |values: &[f64]| Drift::surest(values).expect("enough").score;
        // Rounding may swap two nights that are nearly equal.
        prop_assert!((score(&values) - score(&scaled)).abs() < 0.5);
    }
}
