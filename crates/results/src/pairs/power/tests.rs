//! The stated power against runs that are simulated whole, and what must move it which way.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{NullRounds, POWER, Power, Settings};
use crate::pairs::synthetic::case;

const SETTINGS: Settings = Settings {
    n_rounds: 15,
    n_rounds_most: 15,
    n_tests: 12,
};

/// About normal, from the sum of twelve.
fn normal(random: &mut StdRng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// Runs of equal programs whose rounds scatter by so many percent.
fn scattered(percent: f64, n_runs: usize, seed: u64) -> NullRounds {
    let mut random = StdRng::seed_from_u64(seed);
    let mut null = NullRounds::default();
    for _ in 0..n_runs {
        let percents: Vec<f64> = (0..15).map(|_| percent * normal(&mut random)).collect();
        null.add_case(&case("suite/case").with_rounds(&percents), true);
    }
    null
}

fn power(null: &NullRounds, settings: &Settings, floor: f64) -> Power {
    null.power(settings, floor, 1).expect("there are runs")
}

#[test]
fn without_a_run_nothing_can_be_said() {
    let nothing = NullRounds::default();
    assert_eq!(nothing.power(&SETTINGS, 0.01, 1), None);
    let mut too_few = NullRounds::default();
    too_few.add_case(&case("suite/case").with_rounds(&[0.0; 3]), true);
    assert_eq!(too_few.power(&SETTINGS, 0.01, 1), None);
}

#[test]
fn the_scatter_is_that_of_the_rounds() {
    let found = power(&scattered(0.3, 20, 2), &SETTINGS, 0.0).deviation;
    assert!((0.0026..0.0034).contains(&found), "{found}");
}

#[test]
fn the_smallest_change_is_found_with_the_stated_power_and_a_larger_one_more_often() {
    let found = power(&scattered(0.3, 20, 3), &SETTINGS, 0.0);
    let smallest = found.smallest.expect("it finds something");
    assert!((found.of(smallest) - POWER).abs() < 0.01);
    assert!(found.of(smallest * 2.0) > 0.99);
    assert!(found.of(smallest / 4.0) < 0.2);
    // Fifteen rounds at 1 % over 12 tests need nearly all of them to agree: about two deviations.
    assert!((0.002..0.008).contains(&smallest), "{smallest}");
}

#[test]
fn nothing_below_the_floor_is_ever_found() {
    let null = scattered(0.1, 10, 4);
    let found = power(&null, &SETTINGS, 0.01);
    // The interval excludes the truth in one run of forty, on this side; fresh rounds lie beyond it in every second.
    assert!(found.of(0.01) < 0.03, "{}", found.of(0.01));
    assert_eq!(found.of(0.008), 0.0);
    assert!(found.smallest.expect("something") > 0.01);
    assert!(found.smallest_without_floor.expect("something") < 0.005);
}

#[test]
fn noise_and_tests_cost_power_and_rounds_buy_it() {
    let smallest = |percent, settings: Settings| {
        let found = power(&scattered(percent, 10, 5), &settings, 0.0);
        found.smallest.expect("it finds something")
    };
    let usual = smallest(0.3, SETTINGS);
    assert!(smallest(0.9, SETTINGS) > 2.0 * usual);
    let many_tests = Settings {
        n_tests: 160,
        ..SETTINGS
    };
    assert!(smallest(0.3, many_tests) > usual);
    let more_rounds = Settings {
        n_rounds_most: 25,
        ..SETTINGS
    };
    assert!(smallest(0.3, more_rounds) < usual);
}

#[test]
fn rounds_that_cannot_reach_the_level_find_nothing() {
    let too_few = Settings {
        n_rounds: 6,
        n_rounds_most: 6,
        n_tests: 12,
    };
    let found = power(&scattered(0.1, 10, 6), &too_few, 0.0);
    assert_eq!((found.smallest, found.of(0.5)), (None, 0.0));
}
