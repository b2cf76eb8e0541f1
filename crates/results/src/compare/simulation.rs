//! The error rates of wall-time verdicts, shown by simulation and asserted by exact binomial bounds.
//!
//! The noises are those that shared machines were seen to make: the mean of identical code moved by 11 to 40 % between
//! processes. A suite is a false alarm if one case or more of unchanged code is called regressed or improved.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{TimePair, times, usual_spread};
use crate::baseline::TimeCase;
use crate::stats::{LOCATION_QUANTILE, quantile, rate_lower_bound, rate_upper_bound};
use crate::verdict::Verdict;

const N_CASES: usize = 40;
const N_PROCESSES: usize = 5;

/// What stands for one process, as factors on the true times: a suite's worth of locations.
type Process = fn(&mut StdRng) -> Vec<f64>;

/// Between processes 2 %, as a machine of one's own.
fn calm(rng: &mut StdRng) -> Vec<f64> {
    (0..N_CASES).map(|_| (0.02 * normal(rng)).exp()).collect()
}

/// Between processes 4 to 15 %: five runs span 11 to 40 %.
fn moving(rng: &mut StdRng) -> Vec<f64> {
    (0..N_CASES)
        .map(|case| {
            let spread = 0.04 + 0.11 * case as f64 / N_CASES as f64;
            (spread * normal(rng)).exp()
        })
        .collect()
}

/// Mostly calm, and one process in twenty far off in a case.
fn heavy_tailed(rng: &mut StdRng) -> Vec<f64> {
    (0..N_CASES)
        .map(|_| {
            let spread = if rng.random_bool(0.05) { 0.15 } else { 0.03 };
            (spread * normal(rng)).exp()
        })
        .collect()
}

/// Every fourth case has a mode 40 % slower that one process in five falls into.
fn bimodal(rng: &mut StdRng) -> Vec<f64> {
    (0..N_CASES)
        .map(|case| {
            let is_slow = case % 4 == 0 && rng.random_bool(0.2);
            let mode = if is_slow { 1.4 } else { 1.0 };
            mode * (0.01 * normal(rng)).exp()
        })
        .collect()
}

/// The machine grows slower while the suite runs, by up to 40 % at its end.
fn drifting(rng: &mut StdRng) -> Vec<f64> {
    let drift = rng.random_range(0.0..1.4_f64.ln());
    (0..N_CASES)
        .map(|case| (drift * case as f64 / N_CASES as f64 + 0.02 * normal(rng)).exp())
        .collect()
}

/// A neighbour slows the whole process by up to three times.
fn crowded(rng: &mut StdRng) -> Vec<f64> {
    let crowd = if rng.random_bool(0.3) {
        rng.random_range(1.0..3.0)
    } else {
        1.0
    };
    calm(rng).into_iter().map(|time| crowd * time).collect()
}

/// Samples of 20 with preempted batches: their means span 11 to 40 %, and the fastest sample is what is compared.
fn preempted(rng: &mut StdRng) -> Vec<f64> {
    (0..N_CASES)
        .map(|_| {
            let sample = preempted_sample(rng);
            quantile(&sample, LOCATION_QUANTILE).expect("a sample")
        })
        .collect()
}

fn preempted_sample(rng: &mut StdRng) -> Vec<f64> {
    let share = rng.random_range(0.1..0.6);
    (0..20)
        .map(|_| {
            let calm = (0.01 * normal(rng)).exp();
            if rng.random_bool(share) {
                calm * (1.0 + 0.3 * rng.random::<f64>().max(1e-3).powf(-0.5))
            } else {
                calm
            }
        })
        .collect()
}

/// The verdicts of one suite run against a baseline, all drawn from the same noise; `slowed` cases take `factor` longer.
fn verdicts(rng: &mut StdRng, process: Process, slowed: &[usize], factor: f64) -> Vec<Verdict> {
    let runs: Vec<Vec<f64>> = (0..N_PROCESSES).map(|_| process(rng)).collect();
    let baselines: Vec<TimeCase> = (0..N_CASES)
        .map(|case| {
            let runs_ns: Vec<f64> = runs.iter().map(|run| 1000.0 * run[case]).collect();
            TimeCase::new(&runs_ns, 0.005).expect("positive times")
        })
        .collect();
    let mut candidate = process(rng);
    for case in slowed {
        candidate[*case] *= factor;
    }
    let candidate: Vec<[f64; 1]> = candidate.iter().map(|time| [1000.0 * time]).collect();
    let pairs: Vec<TimePair<'_>> = baselines
        .iter()
        .zip(&candidate)
        .map(|(baseline, runs_ns)| TimePair {
            baseline,
            runs_ns,
            within: 0.005,
            relevance: super::TIME_RELEVANCE,
        })
        .collect();
    let judgements = times(&pairs, usual_spread(&baselines), N_CASES);
    judgements
        .iter()
        .map(|judgement| judgement.verdict)
        .collect()
}

fn normal(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * rng.random::<f64>().max(f64::MIN_POSITIVE).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// With 2000 suites up to twelve alarms show that the budget is kept, with 600 one.
fn check_false_alarms(process: Process, seed: u64, n_suites: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut alarms = 0;
    for _ in 0..n_suites {
        let verdicts = verdicts(&mut rng, process, &[], 1.0);
        let is_alarm =
            |verdict: &Verdict| matches!(verdict, Verdict::Regressed | Verdict::Improved);
        alarms += u64::from(verdicts.iter().any(is_alarm));
    }
    let bound = rate_upper_bound(alarms, n_suites, 0.95);
    assert!(
        bound <= super::FALSE_ALARM_BUDGET,
        "{alarms} of {n_suites} suites alarmed: up to {bound:.4}"
    );
}

#[test]
fn a_calm_machine_raises_no_false_alarms() {
    check_false_alarms(calm, 1, 2000);
}

#[test]
fn means_that_move_by_11_to_40_percent_raise_no_false_alarms() {
    check_false_alarms(moving, 2, 2000);
}

#[test]
fn heavy_tails_between_processes_raise_no_false_alarms() {
    check_false_alarms(heavy_tailed, 3, 2000);
}

#[test]
fn a_slow_mode_that_the_baseline_may_not_have_seen_raises_no_false_alarms() {
    check_false_alarms(bimodal, 4, 2000);
}

#[test]
fn a_machine_that_drifts_raises_no_false_alarms() {
    check_false_alarms(drifting, 5, 2000);
}

#[test]
fn a_crowded_machine_raises_no_false_alarms() {
    check_false_alarms(crowded, 6, 2000);
}

#[test]
fn preempted_batches_raise_no_false_alarms_though_their_means_move_by_11_to_40_percent() {
    check_false_alarms(preempted, 7, 600);

    let mut rng = StdRng::seed_from_u64(7);
    let mut spans: Vec<f64> = (0..200)
        .map(|_| {
            let means: Vec<f64> = (0..N_PROCESSES)
                .map(|_| preempted_sample(&mut rng).iter().sum::<f64>() / 20.0)
                .collect();
            let largest = means.iter().copied().fold(f64::MIN, f64::max);
            let smallest = means.iter().copied().fold(f64::MAX, f64::min);
            largest / smallest - 1.0
        })
        .collect();
    spans.sort_by(f64::total_cmp);
    assert!(spans[100] > 0.11, "the usual span is {:.2}", spans[100]);
}

#[test]
fn a_path_twice_as_slow_is_seen_and_only_there() {
    for (process, seed) in [(calm as Process, 11), (preempted, 12), (bimodal, 13)] {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut seen, mut elsewhere) = (0, 0);
        let n_suites = 200;
        for _ in 0..n_suites {
            // Not one of the bimodal cases: what a slow mode hides is tested by its own words below.
            let verdicts = verdicts(&mut rng, process, &[17], 2.0);
            seen += u64::from(verdicts[17] == Verdict::Regressed);
            let others = verdicts.iter().enumerate().filter(|(case, _)| *case != 17);
            elsewhere += u64::from(
                others
                    .into_iter()
                    .any(|(_, verdict)| *verdict == Verdict::Regressed),
            );
        }
        assert!(
            rate_lower_bound(seen, n_suites, 0.95) >= 0.98,
            "seed {seed}: seen in {seen} of {n_suites}"
        );
        assert!(elsewhere <= 2, "seed {seed}: elsewhere in {elsewhere}");
    }
}

#[test]
fn a_path_twice_as_slow_is_seen_mostly_where_processes_spread_by_six_percent() {
    let process: Process = |rng| (0..N_CASES).map(|_| (0.06 * normal(rng)).exp()).collect();
    let mut rng = StdRng::seed_from_u64(14);
    let seen: u64 = (0..400)
        .map(|_| u64::from(verdicts(&mut rng, process, &[17], 2.0)[17] == Verdict::Regressed))
        .sum();
    assert!(
        rate_lower_bound(seen, 400, 0.95) >= 0.8,
        "seen in {seen} of 400"
    );
}

#[test]
fn unchanged_code_on_a_calm_machine_is_called_unchanged() {
    let mut rng = StdRng::seed_from_u64(15);
    let mut unchanged = 0;
    for _ in 0..200 {
        let verdicts = verdicts(&mut rng, calm, &[], 1.0);
        let is_unchanged = |verdict: &&Verdict| **verdict == Verdict::Unchanged;
        unchanged += verdicts.iter().filter(is_unchanged).count() as u64;
    }
    let trials = 200 * N_CASES as u64;
    assert!(
        rate_lower_bound(unchanged, trials, 0.95) >= 0.95,
        "{unchanged} of {trials}"
    );
}
