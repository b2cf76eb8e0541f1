//! How often the bracket holds the truth, beside a bisection by point estimates and fixed steps.

#![expect(
    clippy::print_stdout,
    reason = "the full test prints the table that the README shows"
)]

use results::stats::rate_lower_bound;

use super::queue::{Queue, Service};
use crate::capacity::search::Search;
use crate::capacity::{Axis, Capacity, Load, Settings};

const MARKOV: Queue = Queue {
    servers: 4,
    service: Service::Exponential,
    p95: 4.0,
};

const GENERAL: Queue = Queue {
    servers: 4,
    service: Service::LogNormal(0.8),
    p95: 4.0,
};

/// Starts of a trial of the neighbours, who do not grow them.
const FIXED_TRIAL: u64 = 4000;

/// Starts of a trial with which a bisection takes as many in all as ours.
const PATIENT_TRIAL: u64 = 38_000;

/// The width of the brackets of all methods, as a share.
const RESOLUTION: f64 = 0.05;

/// What a method found, and how many starts it took.
struct Found {
    pass: f64,
    fail: f64,
    starts: u64,
}

fn search(queue: &Queue, trial: u64, seed: u64) -> Capacity {
    let mut settings = Settings::new(Axis::Rate, &[queue.slo()]);
    settings.trial = trial;
    settings.longest_trial = 32 * trial;
    settings.hold = 32 * trial;
    settings.resolution = RESOLUTION;
    let mut search = Search::new(settings);
    while let Some(probe) = search.next_probe() {
        let observation = queue.observe(probe, seed * 1000 + probe.index as u64);
        search.report(probe, observation);
    }
    search.finish()
}

fn ours(queue: &Queue, seed: u64) -> Found {
    let capacity = search(queue, 1000, seed);
    Found {
        pass: capacity.highest_pass.unwrap_or(0.0),
        fail: capacity.first_fail.unwrap_or(f64::INFINITY),
        starts: capacity.trials.iter().map(|trial| trial.probe.starts).sum(),
    }
}

/// What the ladder of all methods brings through at most.
fn most_through(queue: &Queue, seed: u64) -> f64 {
    let load = Load::Closed { users: 32 };
    let (responses, took) = queue.responses(load, FIXED_TRIAL, seed);
    responses.len() as f64 / took
}

fn point_bisection(queue: &Queue, trial: u64, seed: u64) -> Found {
    let (mut pass, mut fail) = (0.0, 1.2 * most_through(queue, seed));
    let mut starts = FIXED_TRIAL;
    while pass <= 0.0 || fail / pass > 1.0 + RESOLUTION {
        let rate = f64::midpoint(pass, fail);
        if queue.point(rate, trial, seed * 1000 + starts) <= queue.p95 {
            pass = rate;
        } else {
            fail = rate;
        }
        starts += trial;
    }
    Found { pass, fail, starts }
}

fn fixed_steps(queue: &Queue, seed: u64) -> Found {
    let step = RESOLUTION * most_through(queue, seed);
    let (mut pass, mut starts) = (0.0, FIXED_TRIAL);
    loop {
        let rate = pass + step;
        starts += FIXED_TRIAL;
        if queue.point(rate, FIXED_TRIAL, seed * 1000 + starts) > queue.p95 {
            return Found {
                pass,
                fail: rate,
                starts,
            };
        }
        pass = rate;
    }
}

/// One line of the table, and how many brackets held the truth.
fn row(name: &str, truth: f64, seeds: u64, method: impl Fn(u64) -> Found) -> (String, u64) {
    let found: Vec<Found> = (0..seeds).map(method).collect();
    let holds = |found: &&Found| found.pass <= truth && truth <= found.fail;
    let held = found.iter().filter(holds).count() as u64;
    let above = found.iter().filter(|found| found.pass > truth).count();
    let mut widths: Vec<f64> = found
        .iter()
        .map(|found| found.fail / found.pass - 1.0)
        .collect();
    widths.sort_by(f64::total_cmp);
    let starts = found.iter().map(|found| found.starts).sum::<u64>() / seeds;
    let line = format!(
        "{name:<28} {held:>4} of {seeds:<4} {above:>6} {:>9.1} % {starts:>10}",
        100.0 * widths[widths.len() / 2],
    );
    (line, held)
}

/// The whole table for one queue; the number of brackets of ours that held.
fn table(name: &str, queue: &Queue, seeds: u64, truth: f64) -> u64 {
    let (line, held) = row("interval verdicts (ours)", truth, seeds, |seed| {
        ours(queue, seed)
    });
    let (bisection, _) = row("bisection, point estimates", truth, seeds, |seed| {
        point_bisection(queue, FIXED_TRIAL, seed)
    });
    let (patient, _) = row("the same, as many starts", truth, seeds, |seed| {
        point_bisection(queue, PATIENT_TRIAL, seed)
    });
    let (steps, _) = row("fixed steps, point estimates", truth, seeds, |seed| {
        fixed_steps(queue, seed)
    });
    let head = "method                       held the truth  too high  median width   starts";
    println!("\n{name}: capacity {truth:.3}/s\n{head}\n{line}\n{bisection}\n{patient}\n{steps}");
    held
}

#[test]
fn the_bracket_holds_the_truth_of_a_queue_in_few_seeds() {
    let seeds = 6;
    let truth = MARKOV.capacity(0);
    let held = (0..seeds)
        .filter(|seed| search(&MARKOV, 300, *seed).holds(truth))
        .count();
    // Of six, two failures refute 95 % at the 5 % level.
    assert!(held >= 5, "{held} of {seeds}");
}

#[test]
fn a_search_states_a_confirmed_bracket_its_promise_and_its_law() {
    let capacity = search(&MARKOV, 300, 1);
    let (pass, fail) = (
        capacity.highest_pass.expect("a pass"),
        capacity.first_fail.expect("a fail"),
    );
    assert!(pass < fail);
    assert_eq!(capacity.binding, ["all: response time p95 ≤ 4s"]);
    assert_eq!(capacity.own[0].first_fail, Some(fail));
    let law = capacity.usl.expect("rungs enough");
    assert!(law.best.lambda > 0.8 && law.best.lambda < 1.2, "{law:?}");
    assert!(law.measured_to >= 8.0);
    let headroom = capacity.trials.len();
    assert!(
        headroom > 8,
        "ladder, bracket, narrow, repeat, hold: {headroom}"
    );
}

#[test]
fn the_bracket_holds_the_truth_in_at_least_95_of_100_seeds() {
    // 200 seeds of two queues and three methods are a minute of an optimised build.
    if std::env::var_os("PLIMSOLL_FIGURES").is_none() {
        println!("skipped: set PLIMSOLL_FIGURES to measure");
        return;
    }
    let seeds = 200;
    for (name, queue) in [("M/M/4", MARKOV), ("M/G/4", GENERAL)] {
        let truth = queue.capacity(8_000_000);
        let held = table(name, &queue, seeds, truth);
        let misses = seeds - held;
        let least = rate_lower_bound(misses, seeds, 0.95);
        assert!(least <= 0.05, "{name}: {misses} of {seeds} refute 95 %");
    }
}
