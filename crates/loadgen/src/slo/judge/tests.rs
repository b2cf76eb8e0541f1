//! Tests of the judge: every kind of promise can be missed, and intervals hold the truth as often as they say.

use proptest::prelude::*;
use query_api::go_duration::GoDuration;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1};

use super::*;
use crate::slo::Metric;
use crate::slo::tests::slo;

const MILLI: u64 = 1_000_000;

fn histogram(latencies: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("3 digits are within the crate's range");
    for latency in latencies {
        histogram.record(latency).expect("it resizes itself");
    }
    histogram
}

fn latencies(came: &Histogram<u64>, censored: u64) -> Evidence<'_> {
    Evidence::Latencies {
        came,
        censored,
        clumping: 1.0,
    }
}

fn p(quantile: f64, millis: u64) -> Slo {
    Slo {
        quantile: Some(quantile),
        at_most: Some(GoDuration::from_millis(millis)),
        ..slo(Metric::Response)
    }
}

fn ratio(good: u64, all: u64) -> Evidence<'static> {
    Evidence::Ratio {
        good,
        all,
        clumping: 1.0,
    }
}

fn exactly(value: f64) -> Evidence<'static> {
    Evidence::Figure { value, error: 0.0 }
}

#[test]
fn a_failing_promise_of_every_kind_is_missed_and_a_kept_one_is_met() {
    let fast = histogram(std::iter::repeat_n(100 * MILLI, 400));
    let slow = histogram(std::iter::repeat_n(130 * MILLI, 400));
    let bounded = |metric, bound: f64| match Metric::bound(metric) {
        Bound::Latency => Slo {
            quantile: Some(0.99),
            at_most: Some(GoDuration::from_millis(bound as u64)),
            ..slo(metric)
        },
        Bound::Ratio | Bound::Rate => Slo {
            at_least: Some(bound),
            ..slo(metric)
        },
        Bound::Bytes => Slo {
            at_most_bytes: Some(bound as u64),
            ..slo(metric)
        },
        Bound::Share => Slo {
            at_most_share: Some(bound),
            ..slo(metric)
        },
        Bound::Count => Slo {
            at_most_count: Some(bound as u64),
            ..slo(metric)
        },
    };
    let cases = [
        (
            Metric::Response,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (
            Metric::Service,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (
            Metric::Create,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (
            Metric::QueueWait,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (
            Metric::Start,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (
            Metric::FirstToken,
            120.0,
            latencies(&fast, 0),
            latencies(&slow, 0),
        ),
        (Metric::Success, 0.95, ratio(400, 400), ratio(360, 400)),
        (Metric::Success, 1.0, ratio(400, 400), ratio(399, 400)),
        (Metric::Throughput, 0.97, exactly(0.98), exactly(0.96)),
        (Metric::Rate, 5.0, exactly(5.1), exactly(4.9)),
        (Metric::Rss, 1000.0, exactly(999.0), exactly(1001.0)),
        (Metric::Cpu, 0.7, exactly(0.6), exactly(0.8)),
        (Metric::Failures, 0.0, exactly(0.0), exactly(1.0)),
        (Metric::Duplicates, 0.0, exactly(0.0), exactly(1.0)),
    ];
    for (metric, bound, good, bad) in cases {
        let slo = bounded(metric, bound);
        assert_eq!(judge(&slo, good).standing, Standing::Met, "{slo}");
        assert_eq!(judge(&slo, bad).standing, Standing::Missed, "{slo}");
        let spoiled = judge(&slo, Evidence::Spoiled).standing;
        assert_eq!(spoiled, Standing::Invalid, "{slo}");
        let nothing = judge(&slo, Evidence::Nothing).standing;
        assert_eq!(nothing, Standing::Inconclusive, "{slo}");
    }
}

#[test]
fn a_p99_is_met_from_299_samples_on_and_not_before() {
    for (samples, standing) in [(298, Standing::Inconclusive), (299, Standing::Met)] {
        let came = histogram(std::iter::repeat_n(MILLI, samples));
        assert_eq!(judge(&p(0.99, 2), latencies(&came, 0)).standing, standing);
    }
}

#[test]
fn samples_that_never_came_are_above_any_bound() {
    let came = histogram(std::iter::repeat_n(MILLI, 900));
    let judgement = judge(&p(0.95, 2), latencies(&came, 100));
    assert_eq!(judgement.standing, Standing::Missed);
    assert_eq!(judgement.estimate, f64::INFINITY);
    assert_eq!(judgement.samples, 1000);
    assert_eq!(
        judge(&p(0.8, 2), latencies(&came, 100)).standing,
        Standing::Met
    );
}

#[test]
fn all_lost_is_missed_and_not_unmeasured() {
    let judgement = judge(&p(0.95, 2), latencies(&histogram([]), 100));
    assert_eq!(judgement.standing, Standing::Missed);
}

#[test]
fn one_spoiled_promise_spoils_the_run_and_a_missed_one_outweighs_a_doubtful_one() {
    let judged = |evidence| judge(&p(0.5, 2), evidence);
    let (came, slow) = (histogram([MILLI; 9]), histogram([9 * MILLI; 9]));
    let met = judged(latencies(&came, 0));
    let missed = judged(latencies(&slow, 0));
    let doubtful = judged(Evidence::Nothing);
    let spoiled = judged(Evidence::Spoiled);
    assert_eq!(overall(&[]), Standing::Met);
    assert_eq!(
        overall(&[met.clone(), doubtful.clone()]),
        Standing::Inconclusive
    );
    let all = [met, missed, doubtful];
    assert_eq!(overall(&all), Standing::Missed);
    assert_eq!(overall(&[&all[..], &[spoiled]].concat()), Standing::Invalid);
}

#[test]
fn clumped_samples_weigh_less() {
    let independent: Vec<(u64, u64)> = (0..20).map(|i| (1 + i % 3, 100)).collect();
    assert_eq!(clumping(&independent), 1.0);
    let clumped: Vec<(u64, u64)> = (0..20)
        .map(|i| (if i % 10 == 0 { 20 } else { 0 }, 100))
        .collect();
    assert!(clumping(&clumped) > 10.0);
    let came = histogram(std::iter::repeat_n(MILLI, 400));
    let clumped = Evidence::Latencies {
        came: &came,
        censored: 0,
        clumping: 10.0,
    };
    let judgement = judge(&p(0.99, 2), clumped);
    assert_eq!(judgement.standing, Standing::Inconclusive);
}

/// How often, in `repeats`, an interval of exponential latencies leaves out the true quantile at either end.
fn misses(share: f64, samples: usize, repeats: u64) -> (u64, u64) {
    let truth = -(1.0 - share).ln() * 1e9;
    let (mut above, mut below) = (0, 0);
    for seed in 0..repeats {
        let mut rng = StdRng::seed_from_u64(seed);
        let draw = |rng: &mut StdRng| -> f64 { Exp1.sample(rng) };
        let came = histogram((0..samples).map(|_| (draw(&mut rng) * 1e9) as u64));
        let interval = quantile(&came, 0, share, 1.0, LEVEL).expect("there are samples");
        above += u64::from(interval.low > truth);
        below += u64::from(interval.high < truth);
    }
    (above, below)
}

#[test]
fn each_end_of_a_quantiles_interval_errs_in_at_most_a_twentieth() {
    for (share, samples) in [(0.5, 40), (0.95, 200), (0.99, 400)] {
        let (above, below) = misses(share, samples, 1000);
        for misses in [above, below] {
            let least = results::stats::rate_lower_bound(misses, 1000, 0.999);
            assert!(least <= LEVEL, "p{share} of {samples}: {misses} of 1000");
        }
    }
}

#[test]
fn wilsons_ends_are_those_of_the_textbook() {
    let interval = wilson(95, 100, 1.0, 0.025).expect("there are samples");
    assert!((interval.low - 0.888_25).abs() < 1e-4, "{interval:?}");
    assert!((interval.high - 0.978_46).abs() < 1e-4, "{interval:?}");
    assert_eq!(wilson(0, 0, 1.0, 0.05), None);
}

proptest! {
    #[test]
    fn an_interval_is_in_order_and_more_samples_never_make_met_of_missed(
        seed: u64, samples in 1_usize..400, censored in 0_u64..50, share in 0.05..0.995_f64, millis in 1_u64..3000,
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let came = histogram((0..samples).map(|_| rng.random_range(1..2000 * MILLI)));
        let judgement = judge(&p(share, millis), latencies(&came, censored));
        prop_assert!(judgement.low <= judgement.estimate && judgement.estimate <= judgement.high);
        // The same samples twice over narrow the interval around the same place.
        let mut twice = came.clone();
        twice.add(&came).expect("equal ranges");
        let again = judge(&p(share, millis), latencies(&twice, 2 * censored));
        let turned = matches!(
            (judgement.standing, again.standing),
            (Standing::Missed, Standing::Met) | (Standing::Met, Standing::Missed)
        );
        prop_assert!(!turned, "{judgement:?} {again:?}");
    }
}
