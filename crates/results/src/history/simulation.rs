//! The error rates of a history, shown on series with a known truth and asserted by exact binomial bounds.
//!
//! A bound fails by chance less than once in ten thousand seeds; the seeds are literals, so it does not fail by chance.
//! An unoptimised build simulates fewer years, and refutes less; an optimised one proves the promise.
//!
//! Measured with no effect too small to count, so that nothing but the test itself holds findings back; promised is one
//! in a hundred series-years:
//!
//! ```text
//! noise                                    series-years    findings
//! white                                           2,000           2
//! heavy-tailed                                    2,000           8
//! each night keeps 30 % of the one before           600           2
//! 60 %                                              600           3
//! 80 %                                              600           5
//! ```
//!
//! Found within 14 nights of a drift of 0.5 % per night, where a change of 1 % matters, of 100 searches each:
//!
//! ```text
//! nights scatter by      0.3 %    0.5 %    0.8 %
//! after 20 nights          74       71       60
//! after 60 nights          97       97       96
//! after 200 nights        100      100      100
//! ```

use super::search::{Found, Kind, Track, search};
use crate::pairs::simulation::noise::Chance;
use crate::stats::{rate_lower_bound, rate_upper_bound};

/// How sure a bound is, one-sided.
const SURE: f64 = 0.9999;

/// False findings per series and year that are promised.
const PROMISE: f64 = 0.01;

/// Series of a year each, per kind of noise.
const N_SERIES: usize = if cfg!(debug_assertions) { 30 } else { 2_000 };

/// Series per power of the search.
const N_SEARCHES: u64 = if cfg!(debug_assertions) { 40 } else { 400 };

/// What nights scatter by, as pair mode does from session to session: quiet, usual and noisy cases.
const SPREADS: [f64; 3] = [0.003, 0.005, 0.008];

/// A change that does not matter, as pair mode has it by default.
const RELEVANCE: f64 = 0.01;

/// Nights of which each keeps a share of the night before.
fn lingering(rng: &mut Chance, n_nights: usize, spread: f64, share: f64) -> Vec<f64> {
    let mut state = rng.normal();
    let fresh = (1.0 - share * share).sqrt();
    (0..n_nights)
        .map(|_| {
            let night = spread * state;
            state = share * state + fresh * rng.normal();
            night
        })
        .collect()
}

/// Student's t with three degrees of freedom.
fn heavy_tailed(rng: &mut Chance, n_nights: usize, spread: f64) -> Vec<f64> {
    (0..n_nights)
        .map(|_| spread * rng.student_3() / 3.0_f64.sqrt())
        .collect()
}

fn track(values: Vec<f64>, minimum: f64) -> Track {
    Track {
        nights: (0..values.len() as i32).collect(),
        doubts: vec![0.0; values.len()],
        values,
        minimum,
    }
}

/// Findings in many years of series where nothing changes, judged a hundred series at a time: not so many that the
/// promise is refuted.
fn check_not_refuted(seed: u64, draw: impl Fn(&mut Chance) -> Vec<f64>) -> u64 {
    let mut rng = Chance::seeded(seed);
    let tracks: Vec<Track> = (0..N_SERIES).map(|_| track(draw(&mut rng), 0.0)).collect();
    let found: usize = tracks
        .chunks(100)
        .flat_map(search)
        .map(|found| found.len())
        .sum();
    // Findings are too few for two to fall into one year.
    let (found, years) = (found as u64, N_SERIES as u64);
    let at_least = rate_lower_bound(found, years, SURE);
    assert!(at_least <= PROMISE, "{found} findings in {years} years");
    found
}

/// The same, and in an optimised build so few that the promise is proven.
fn check_proven(seed: u64, draw: impl Fn(&mut Chance) -> Vec<f64>) {
    let found = check_not_refuted(seed, draw);
    if !cfg!(debug_assertions) {
        let at_most = rate_upper_bound(found, N_SERIES as u64, 0.99);
        assert!(at_most <= PROMISE, "{found} findings: up to {at_most}");
    }
}

#[test]
fn a_year_of_equal_nights_has_few_findings() {
    check_proven(7, |rng| lingering(rng, 365, 0.005, 0.0));
}

#[test]
fn a_year_of_wild_nights_has_few_findings() {
    check_proven(8, |rng| heavy_tailed(rng, 365, 0.005));
}

#[test]
fn nights_that_resemble_their_neighbours_have_few_findings() {
    for (seed, share) in [(9, 0.3), (10, 0.6), (11, 0.8)] {
        check_not_refuted(seed, |rng| lingering(rng, 365, 0.005, share));
    }
}

/// Nights from the change until it is found, by search; `None` where it is not.
fn delays(
    seed: u64,
    n_before: usize,
    spread: f64,
    change: impl Fn(usize) -> f64,
) -> Vec<Option<Found>> {
    (0..N_SEARCHES)
        .map(|index| {
            let mut rng = Chance::seeded(seed + 1_000 * index);
            let mut values = lingering(&mut rng, n_before + 60, spread, 0.0);
            for (night, value) in values[n_before..].iter_mut().enumerate() {
                *value += change(night + 1);
            }
            let found = search(&[track(values, RELEVANCE)]).remove(0);
            found.into_iter().find(|found| found.found >= n_before)
        })
        .collect()
}

/// That this share of the changes is found within so many nights, whatever chance did.
fn check_found(found: &[Option<Found>], n_before: usize, within: usize, share: f64, what: &str) {
    let is_soon =
        |found: &&Option<Found>| found.is_some_and(|found| found.found < n_before + within);
    let n_soon = found.iter().filter(is_soon).count() as u64;
    let n_all = found.len() as u64;
    let at_most = rate_upper_bound(n_soon, n_all, SURE);
    assert!(
        at_most >= share,
        "{what}: {n_soon} of {n_all} within {within} nights"
    );
    if !cfg!(debug_assertions) {
        let at_least = rate_lower_bound(n_soon, n_all, 0.99);
        assert!(
            at_least >= share,
            "{what}: at least {at_least} within {within} nights"
        );
    }
}

#[test]
fn a_drift_of_half_a_percent_per_night_is_found_within_two_weeks() {
    for (seed, spread) in (20..).zip(SPREADS) {
        // A history that begins just before the drift does not know yet how much its nights resemble each other.
        for (n_before, share) in [(20, 0.5), (60, 0.9), (200, 0.95)] {
            let found = delays(seed, n_before, spread, |night| 0.005 * night as f64);
            let what = format!("spread {spread}, after {n_before} nights");
            check_found(&found, n_before, 14, share, &what);
        }
    }
}

#[test]
fn a_slow_drift_is_found_before_it_has_cost_much() {
    // Two percent in a hundred nights, of which the last sixty are looked at.
    let drift = |night: usize| 0.0005 * night as f64;
    let found = delays(30, 100, 0.005, drift);
    check_found(&found, 100, 60, 0.9, "slow drift");
}

#[test]
fn a_step_that_no_single_night_shows_is_found_and_dated() {
    for (seed, spread, size, within) in [
        (40, 0.003, 0.015, 20),
        (41, 0.005, 0.02, 20),
        (42, 0.008, 0.03, 25),
    ] {
        let n_before = 100;
        let found = delays(seed, n_before, spread, |_| size);
        check_found(
            &found,
            n_before,
            within,
            0.9,
            &format!("{size} at {spread}"),
        );
        let steps: Vec<&Found> = found
            .iter()
            .flatten()
            .filter(|found| found.kind == Kind::Step)
            .collect();
        let n_dated = steps
            .iter()
            .filter(|step| step.first.abs_diff(n_before) <= 2)
            .count();
        assert!(
            n_dated * 10 >= steps.len() * 9,
            "{n_dated} of {}",
            steps.len()
        );
        assert!(
            steps.len() * 10 >= found.len() * 8,
            "{} steps of {}",
            steps.len(),
            found.len()
        );
    }
}
