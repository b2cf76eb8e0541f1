//! The error rates of pair mode, shown on runs with a known truth and asserted by exact binomial bounds.
//!
//! A bound fails by chance less than once in ten thousand seeds; the seeds are literals, so it does not fail by chance.

use super::comparison::Way;
use super::judge::MORE_ROUNDS;
use super::sample::{Pair, PairRun, Round};
use super::synthetic::{case, judged_by, run, sample};
use super::test::{Clock, Tail, estimate, interval, log_ratios, p_value};
use crate::comparison::Outcome;
use crate::relevance::PairRelevance;
use crate::stats::{quantile, rate_lower_bound, rate_upper_bound};
use crate::verdict::Verdict;

mod layout;
pub(crate) mod noise;

use noise::{Chance, NOISES, Noise};

/// Rounds per case, as a run takes them by default.
const N_ROUNDS: usize = 15;

/// How sure a bound is, one-sided.
const SURE: f64 = 0.9999;

/// The level at which single tests are checked.
const LEVEL: f64 = 0.01;

/// Rounds of a case whose candidate truly takes `factor` as long.
fn rounds(rng: &mut Chance, noise: Noise, factor: f64, n_rounds: usize) -> Vec<Round> {
    (0..n_rounds)
        .map(|index| {
            let is_base_first = rng.is(0.5);
            let progress = index as f64 / n_rounds as f64;
            let turns = noise(rng, progress);
            let pairs = turns.into_iter().map(|(first, second)| {
                let (base, candidate) = if is_base_first {
                    (first, second)
                } else {
                    (second, first)
                };
                let time_ns = |log: f64, factor: f64| 2e6 * factor * log.exp();
                let (base, candidate) = (time_ns(base, 1.0), time_ns(candidate, factor));
                Pair {
                    base: sample(base, base),
                    candidate: sample(candidate, candidate),
                }
            });
            Round {
                core: 0,
                is_base_first,
                pairs: pairs.collect(),
            }
        })
        .collect()
}

fn drawn(rng: &mut Chance, noise: Noise, factor: f64, n_rounds: usize) -> Vec<f64> {
    let rounds = rounds(rng, noise, factor, n_rounds);
    log_ratios(&rounds, Clock::Wall).expect("times are positive")
}

/// The largest p-value of rounds without ties that is within the level: what a perfect test fires at.
fn attainable(n_rounds: usize, level: f64) -> f64 {
    // Moving the shift up through distinct rounds visits every sum of ranks.
    let distinct: Vec<f64> = (1..=n_rounds).map(|round| (round as f64).sqrt()).collect();
    let shifts = (0..10_000).map(|step| f64::from(step) * 1e-4 * 4.0 - 0.1);
    let p_values = shifts.map(|shift| p_value(&distinct, shift, Tail::Both));
    p_values.filter(|p| *p <= level).fold(0.0, f64::max)
}

#[test]
fn equal_programs_differ_as_often_as_the_level_says_and_not_more() {
    let attainable = attainable(N_ROUNDS, LEVEL);
    assert!((0.008..=LEVEL).contains(&attainable), "{attainable}");
    for (seed, (name, noise)) in (1..).zip(NOISES) {
        let mut rng = Chance::seeded(seed);
        let n_tests = 2500;
        let n_alarms: u64 = (0..n_tests)
            .map(|_| p_value(&drawn(&mut rng, noise, 1.0, N_ROUNDS), 0.0, Tail::Both))
            .map(|p| u64::from(p <= LEVEL))
            .sum();
        let at_least = rate_lower_bound(n_alarms, n_tests, SURE);
        assert!(at_least <= LEVEL, "{name}: {n_alarms} of {n_tests}");
        // A test that never fires would pass the line above.
        let at_most = rate_upper_bound(n_alarms, n_tests, SURE);
        assert!(at_most >= attainable, "{name}: {n_alarms} of {n_tests}");
    }
}

#[test]
fn the_interval_holds_the_truth_as_often_as_it_says() {
    for (seed, (name, noise)) in (11..).zip(NOISES) {
        let mut rng = Chance::seeded(seed);
        let truth = 1.02_f64.ln();
        let n_tests = 1500;
        let n_misses: u64 = (0..n_tests)
            .map(|_| drawn(&mut rng, noise, 1.02, N_ROUNDS))
            .map(|ratios| interval(&ratios, 0.95).expect("enough rounds"))
            .map(|(low, high)| u64::from(truth < low || high < truth))
            .sum();
        let at_least = rate_lower_bound(n_misses, n_tests, SURE);
        assert!(at_least <= 0.05, "{name}: {n_misses} of {n_tests} missed");
        let at_most = rate_upper_bound(n_misses, n_tests, SURE);
        assert!(at_most >= 0.04, "{name}: {n_misses} of {n_tests} missed");
    }
}

/// A table under which every difference above so many percent matters; with nearly none, the test alone keeps the
/// verdicts honest.
fn everything_above(percent: f64) -> PairRelevance {
    let folder = tempfile::tempdir().expect("a folder");
    let table = format!(
        "[[pairs]]
cases = \"*\"
percent = {percent:?}
reason = \"simulated\"
"
    );
    std::fs::write(folder.path().join("relevance.toml"), table).expect("writable");
    PairRelevance::read(folder.path()).expect("well formed")
}

/// A run of cases that truly take `factors` as long, measured as the measuring side does it: more rounds where asked,
/// then fresh ones where asked.
fn measured(rng: &mut Chance, noise: Noise, factors: &[f64], relevance: &PairRelevance) -> PairRun {
    let cases = factors.iter().enumerate().map(|(index, factor)| {
        let mut case = case(&format!("suite/case_{index}")).in_blocks();
        case.rounds = rounds(rng, noise, *factor, N_ROUNDS);
        case
    });
    let mut run = run(cases.collect());
    loop {
        let comparison = judged_by(&run, relevance);
        let open: Vec<_> = comparison.open().cloned().collect();
        let unconfirmed: Vec<_> = [Way::Slower, Way::Faster]
            .into_iter()
            .flat_map(|way| comparison.unconfirmed(way))
            .map(|(id, n_more)| (id.clone(), n_more))
            .collect();
        if open.is_empty() && unconfirmed.is_empty() {
            return run;
        }
        for (case, factor) in run.cases.iter_mut().zip(factors) {
            if open.contains(&case.id) {
                case.rounds.extend(rounds(rng, noise, *factor, MORE_ROUNDS));
            }
            if let Some((_, n_more)) = unconfirmed.iter().find(|(id, _)| *id == case.id) {
                case.confirm_rounds
                    .extend(rounds(rng, noise, *factor, *n_more));
            }
        }
    }
}

#[test]
fn looking_often_accuses_and_praises_no_equal_program_more_often_than_the_budget_allows() {
    let relevance = everything_above(1e-6);
    for (seed, (name, noise)) in (21..).zip(NOISES) {
        let mut rng = Chance::seeded(seed);
        let n_runs = 250;
        let (mut n_alarms, mut n_praised) = (0, 0);
        for _ in 0..n_runs {
            let run = measured(&mut rng, noise, &[1.0], &relevance);
            let judged = judged_by(&run, &relevance);
            n_alarms += u64::from(judged.outcome() == Outcome::Regressed);
            n_praised += u64::from(judged.count_of(Verdict::Improved) > 0);
        }
        for (said, n_wrong) in [("regressed", n_alarms), ("improved", n_praised)] {
            let at_least = rate_lower_bound(n_wrong, n_runs, SURE);
            assert!(at_least <= 0.01, "{name}: {n_wrong} of {n_runs} {said}");
        }
    }
}

#[test]
fn two_percent_are_found_where_rounds_differ_by_a_third_of_a_percent() {
    let relevance = everything_above(1.0);
    let mut rng = Chance::seeded(31);
    let n_runs = 60;
    let (mut n_found, mut n_elsewhere) = (0, 0);
    for _ in 0..n_runs {
        let run = measured(&mut rng, noise::calm, &[1.0, 1.02, 1.0, 1.0], &relevance);
        let comparison = judged_by(&run, &relevance);
        let accused = comparison
            .rows
            .iter()
            .filter(|row| row.verdict == Verdict::Regressed);
        for row in accused {
            if row.id == run.cases[1].id {
                n_found += 1;
            } else {
                n_elsewhere += 1;
            }
        }
    }
    assert!(
        rate_lower_bound(n_found, n_runs, 0.99) >= 0.9,
        "{n_found} of {n_runs}"
    );
    assert_eq!(n_elsewhere, 0);
}

#[test]
fn two_percent_are_found_mostly_under_every_noise() {
    for (seed, (name, noise)) in (41..).zip(NOISES) {
        let mut rng = Chance::seeded(seed);
        let n_tests = 100;
        let n_found: u64 = (0..n_tests)
            .map(|_| p_value(&drawn(&mut rng, noise, 1.02, 30), 0.0, Tail::Both))
            .map(|p| u64::from(p <= LEVEL))
            .sum();
        assert!(
            rate_lower_bound(n_found, n_tests, 0.99) >= 0.7,
            "{name}: {n_found} of {n_tests}"
        );
    }
}

/// A run whose null control drew five of its cases, on a machine that slows one of two equal sides by `percent`.
fn biased(rng: &mut Chance, percent: f64) -> PairRun {
    let cases = (0..5).map(|index| {
        let mut case = case(&format!("suite/case_{index}"));
        case.null_rounds = rounds(rng, noise::calm, 1.0 + percent / 100.0, N_ROUNDS);
        case
    });
    run(cases.collect())
}

#[test]
fn the_null_control_is_silent_on_an_honest_machine_and_speaks_on_another() {
    let relevance = everything_above(1e-6);
    let mut rng = Chance::seeded(51);
    let n_runs = 200;
    let mut n_contaminated = |percent: f64| -> u64 {
        let runs = (0..n_runs).map(|_| biased(&mut rng, percent));
        runs.map(|run| u64::from(judged_by(&run, &relevance).control.is_contaminated()))
            .sum()
    };
    let n_honest = n_contaminated(0.0);
    assert!(
        rate_lower_bound(n_honest, n_runs, SURE) <= 0.01,
        "{n_honest}"
    );
    let n_other = n_contaminated(0.6);
    assert!(rate_lower_bound(n_other, n_runs, SURE) >= 0.95, "{n_other}");
}

/// The p-value of another statistic over the same flips, by plain enumeration.
fn enumerated(rounds: &[Vec<f64>], statistic: impl Fn(&[Vec<f64>], u32) -> f64) -> f64 {
    let n_flips = 1_u32 << rounds.len();
    let measured = statistic(rounds, 0).abs() - 1e-12;
    let as_large = (0..n_flips).filter(|flips| statistic(rounds, *flips).abs() >= measured);
    as_large.count() as f64 / f64::from(n_flips)
}

fn sign(flips: u32, round: usize) -> f64 {
    if flips >> round & 1 == 1 { -1.0 } else { 1.0 }
}

fn median_of_all_pairs(rounds: &[Vec<f64>], flips: u32) -> f64 {
    let rounds = rounds.iter().enumerate();
    let flipped: Vec<f64> = rounds
        .flat_map(|(index, pairs)| pairs.iter().map(move |pair| sign(flips, index) * pair))
        .collect();
    quantile(&flipped, 0.5).expect("pairs")
}

fn mean_over_rounds(rounds: &[Vec<f64>], flips: u32) -> f64 {
    let rounds = rounds.iter().enumerate();
    rounds
        .map(|(index, pairs)| sign(flips, index) * pairs[0])
        .sum()
}

#[test]
fn a_median_over_rounds_cannot_fail_what_ranks_fail_at_once() {
    // One pair per round: the median of all pairs is that of the rounds, as on a machine whose rounds are steady.
    let rounds: Vec<Vec<f64>> = (1..=10)
        .map(|round| vec![0.01 + 0.001 * f64::from(round)])
        .collect();
    let of_rounds: Vec<f64> = rounds.iter().map(|pairs| pairs[0]).collect();
    assert_eq!(enumerated(&rounds, median_of_all_pairs), 32.0 / 1024.0);
    assert_eq!(p_value(&of_rounds, 0.0, Tail::Both), 2.0 / 1024.0);
}

#[test]
fn the_median_of_all_pairs_finds_little_on_a_calm_machine_where_ranks_find_all() {
    let mut rng = Chance::seeded(61);
    let (mut n_by_median, mut n_by_ranks) = (0, 0);
    for _ in 0..12 {
        let round = |rng: &mut Chance| -> Vec<f64> {
            let of_round = 0.02 + 0.003 * rng.normal();
            (0..4).map(|_| of_round + 0.0002 * rng.normal()).collect()
        };
        let rounds: Vec<Vec<f64>> = (0..10).map(|_| round(&mut rng)).collect();
        let of_rounds: Vec<f64> = rounds
            .iter()
            .filter_map(|pairs| quantile(pairs, 0.5))
            .collect();
        n_by_median += u32::from(enumerated(&rounds, median_of_all_pairs) <= LEVEL);
        n_by_ranks += u32::from(p_value(&of_rounds, 0.0, Tail::Both) <= LEVEL);
    }
    assert!(n_by_median <= 3, "{n_by_median}");
    assert_eq!(n_by_ranks, 12);
}

#[test]
fn one_bad_round_in_twenty_costs_the_mean_more_than_the_ranks() {
    let mut rng = Chance::seeded(62);
    let (mut n_by_mean, mut n_by_ranks) = (0, 0);
    for _ in 0..40 {
        let mut of_round = || {
            let bad = if rng.is(0.5) { 0.1 } else { -0.1 };
            let good = 0.005 * rng.normal();
            0.01 + if rng.is(0.05) { bad } else { good }
        };
        let of_rounds: Vec<f64> = (0..15).map(|_| of_round()).collect();
        let rounds: Vec<Vec<f64>> = of_rounds.iter().map(|ratio| vec![*ratio]).collect();
        n_by_mean += u32::from(enumerated(&rounds, mean_over_rounds) <= LEVEL);
        n_by_ranks += u32::from(p_value(&of_rounds, 0.0, Tail::Both) <= LEVEL);
    }
    assert!(
        n_by_ranks >= n_by_mean + 4,
        "{n_by_ranks} by ranks, {n_by_mean} by the mean"
    );
}

#[test]
fn the_estimate_has_no_lean() {
    for (seed, (name, noise)) in (71..).zip(NOISES) {
        let mut rng = Chance::seeded(seed);
        let truth = 1.02_f64.ln();
        let n_tests = 400;
        let n_above: u64 = (0..n_tests)
            .filter_map(|_| estimate(&drawn(&mut rng, noise, 1.02, N_ROUNDS)))
            .map(|estimate| u64::from(estimate > truth))
            .sum();
        assert!(
            rate_lower_bound(n_above, n_tests, SURE) <= 0.5,
            "{name}: {n_above}"
        );
        assert!(
            rate_upper_bound(n_above, n_tests, SURE) >= 0.5,
            "{name}: {n_above}"
        );
    }
}
