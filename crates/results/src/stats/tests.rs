//! Known values, properties, and the choice of the location by simulation.

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::{
    LOCATION_QUANTILE, LogMoments, Quantile, holm, quantile, rate_lower_bound, rate_upper_bound,
    t_quantile, t_tail,
};

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-3
}

#[test]
fn the_t_quantile_is_the_one_in_the_tables() {
    for (confidence, freedom, expected) in [
        (0.95, 4.0, 2.776),
        (0.95, 8.0, 2.306),
        (0.99, 8.0, 3.355),
        (0.95, 30.0, 2.042),
    ] {
        assert!(close(t_quantile(confidence, freedom), expected));
    }
    assert!(close(t_tail(2.306, 8.0), 0.025));
}

#[test]
fn the_exact_bounds_are_the_known_ones() {
    // Clopper and Pearson, one-sided at 95 %: three in n for no event, and textbook values.
    assert!(close(rate_upper_bound(0, 300, 0.95), 0.009_936));
    assert!(close(rate_upper_bound(1, 10, 0.95), 0.394_2));
    assert!(close(rate_lower_bound(1, 10, 0.95), 0.005_116));
    assert_eq!(rate_lower_bound(0, 10, 0.95), 0.0);
    assert_eq!(rate_upper_bound(10, 10, 0.95), 1.0);
}

#[test]
fn holm_steps_down_and_stops_at_the_first_that_stands() {
    let p_values = [0.000_1, 0.004, 0.5, 0.003];
    assert_eq!(holm(&p_values, 0.01, 0), [true, true, false, true]);
    assert_eq!(holm(&[0.000_1, 0.004, 0.004], 0.01, 0), [true; 3]);
    // 0.003 would fall in a later step, but nothing after a hypothesis that stands is looked at.
    assert_eq!(holm(&[0.003, 0.003, 0.003, 0.003], 0.01, 0), [false; 4]);
    assert_eq!(holm(&[0.002], 0.01, 50), [false]);
    assert!(holm(&[], 0.01, 50).is_empty());
}

#[test]
fn a_quantile_of_two_values_has_the_whole_range_for_its_interval() {
    let quantile = Quantile::of(&[3.0, 1.0], 0.05).expect("two values");
    assert!((quantile.estimate - 1.1).abs() < 1e-12);
    assert_eq!((quantile.low, quantile.high), (1.0, 3.0));
    assert_eq!(Quantile::of(&[], 0.5), None);
    assert_eq!(Quantile::of(&[1.0, f64::NAN], 0.5), None);
}

#[test]
fn the_interval_by_rank_covers_the_true_quantile_as_often_as_it_says() {
    let mut rng = StdRng::seed_from_u64(1);
    let covered: u64 = (0..2000)
        .map(|_| {
            let sample: Vec<f64> = (0..40).map(|_| rng.random()).collect();
            let quantile = Quantile::of(&sample, 0.5).expect("a sample");
            u64::from(quantile.low <= 0.5 && 0.5 <= quantile.high)
        })
        .sum();
    assert!(rate_upper_bound(covered, 2000, 0.95) >= 0.95, "{covered}");
}

/// Noise of one process with samples of 20: what was seen on shared machines, each in a bad form.
fn noise(kind: usize, rng: &mut StdRng) -> Vec<f64> {
    let share = [0.0, rng.random_range(0.1..0.6), rng.random_range(0.6..0.87)][kind.min(2)];
    let n_fast_in_20 = rng.random_range(0..3);
    let mut in_phase = rng.random_bool(0.4);
    (0..20)
        .map(|_| {
            let calm = 1.0 + 0.02 * rng.random::<f64>();
            let factor = match kind {
                0 => 1.0,
                // Preempted batches, few or most of them.
                1 | 2 if rng.random_bool(share) => 1.2 + 2.0 * rng.random::<f64>(),
                1 | 2 => 1.0,
                // Slow phases longer than a sample.
                3 => {
                    if rng.random_bool(0.15) {
                        in_phase = rng.random_bool(0.4);
                    }
                    if in_phase { 1.25 } else { 1.0 }
                }
                // Rare fast samples.
                4 if rng.random_range(0..20) < n_fast_in_20 => 0.8,
                4 => 1.0,
                // A latency that spreads to both sides.
                _ => 0.8 + 0.4 * rng.random::<f64>(),
            };
            calm * factor
        })
        .collect()
}

/// Spread between processes of a quantile under a noise.
fn spread(kind: usize, q: f64) -> f64 {
    let mut rng = StdRng::seed_from_u64(kind as u64);
    let locations: Vec<f64> = (0..600)
        .map(|_| quantile(&noise(kind, &mut rng), q).expect("a sample"))
        .collect();
    LogMoments::of(&locations).expect("positive").deviation
}

#[test]
fn the_minimum_repeats_best_when_most_batches_are_preempted() {
    const MOSTLY_PREEMPTED: usize = 2;
    let chosen = spread(MOSTLY_PREEMPTED, LOCATION_QUANTILE);
    for q in [0.05, 0.1, 0.25, 0.5] {
        let other = spread(MOSTLY_PREEMPTED, q);
        assert!(
            chosen * 1.3 < other,
            "{chosen:.3} against {other:.3} at {q}"
        );
    }
}

#[test]
fn under_its_worst_noise_the_minimum_is_little_worse_than_the_best_quantile() {
    let worst = |q: f64| (0..6).map(|kind| spread(kind, q)).fold(0.0, f64::max);
    let chosen = worst(LOCATION_QUANTILE);
    for q in [0.05, 0.1, 0.25, 0.5] {
        let other = worst(q);
        assert!(
            chosen < 1.25 * other,
            "{chosen:.3} against {other:.3} at {q}"
        );
    }
    assert!(chosen * 1.5 < worst(0.5), "the median is no match");
}

#[test]
fn fewer_samples_make_a_case_look_slower_and_hardly() {
    let mean_location = |size: usize| {
        let mut rng = StdRng::seed_from_u64(9);
        let locations = (0..400).map(|_| {
            let sample: Vec<f64> = (0..size).map(|_| 1.0 + 0.1 * rng.random::<f64>()).collect();
            Quantile::location(&sample).expect("a sample").estimate
        });
        locations.sum::<f64>() / 400.0
    };
    let ratio = mean_location(10) / mean_location(100);
    assert!((1.0..1.01).contains(&ratio), "{ratio}");
}

#[test]
fn the_error_of_a_location_is_on_average_what_processes_spread_by() {
    let mut rng = StdRng::seed_from_u64(2);
    let processes: Vec<Quantile> = (0..2000)
        .map(|_| {
            // An exponential tail above the true time.
            let sample: Vec<f64> = (0..30)
                .map(|_| 1.0 - 0.5 * (1.0 - rng.random::<f64>()).ln())
                .collect();
            Quantile::location(&sample).expect("a sample")
        })
        .collect();
    let locations: Vec<f64> = processes.iter().map(|process| process.estimate).collect();
    let spread = LogMoments::of(&locations).expect("positive").deviation;
    let error = processes.iter().map(Quantile::log_error).sum::<f64>() / 2000.0;
    assert!(
        (0.9..1.1).contains(&(error / spread)),
        "{error:.4} for {spread:.4}"
    );
}

proptest! {
    #[test]
    fn a_quantile_lies_in_its_interval_and_the_interval_in_the_sample(
        sample in prop::collection::vec(1e-3_f64..1e9, 1..80),
        q in 0.01_f64..0.99,
    ) {
        let quantile = Quantile::of(&sample, q).expect("a sample");
        let smallest = sample.iter().copied().fold(f64::MAX, f64::min);
        let largest = sample.iter().copied().fold(f64::MIN, f64::max);
        prop_assert!(smallest <= quantile.low && quantile.low <= quantile.estimate);
        prop_assert!(quantile.estimate <= quantile.high && quantile.high <= largest);
        prop_assert!(quantile.log_error() >= 0.0);
    }

    #[test]
    fn the_order_of_a_sample_does_not_matter(
        mut sample in prop::collection::vec(1e-3_f64..1e9, 1..40),
    ) {
        let before = Quantile::location(&sample);
        sample.reverse();
        prop_assert_eq!(before, Quantile::location(&sample));
    }

    #[test]
    fn a_larger_family_or_a_smaller_budget_lets_no_more_fall(
        p_values in prop::collection::vec(0.0_f64..0.02, 1..30),
        more in 0_usize..60,
    ) {
        let strict = holm(&p_values, 0.01, p_values.len() + more);
        let usual = holm(&p_values, 0.01, p_values.len());
        for (strict, usual) in strict.iter().zip(usual) {
            prop_assert!(usual || !strict);
        }
    }

    #[test]
    fn what_falls_has_a_smaller_p_value_than_what_stands(
        p_values in prop::collection::vec(0.0_f64..0.02, 1..30),
    ) {
        let falls = holm(&p_values, 0.01, 0);
        for (p, falls_p) in p_values.iter().zip(&falls) {
            for (other, falls_other) in p_values.iter().zip(&falls) {
                prop_assert!(!(p < other && *falls_other && !falls_p));
            }
        }
    }

    #[test]
    fn exact_bounds_enclose_the_observed_rate(events in 0_u64..=60, trials in 60_u64..200) {
        let rate = events as f64 / trials as f64;
        prop_assert!(rate_lower_bound(events, trials, 0.95) <= rate + 1e-9);
        prop_assert!(rate <= rate_upper_bound(events, trials, 0.95) + 1e-9);
    }
}
