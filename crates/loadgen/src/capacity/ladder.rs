//! The closed-loop ladder: more and more users, until one more rung brings hardly anything.

use crate::capacity::{Purpose, Settings, Trial};

/// A rung that brings less than this over the one before ends the ladder.
const LEAST_GAIN: f64 = 0.1;

/// How often each user of a rung asks: a rung is to last some answers, not to be precise. Each asks equally often, or the
/// last answers come from fewer users than the rung has, and Little's law is broken by the end alone.
const TURNS: u64 = 20;

/// Spoiled tries after which a rung is given up: the next one may do as well, as all of them make one curve.
const MOST_TRIES: usize = 2;

/// Rungs in a row that may be given up; then the generator spoils them all.
const MOST_GIVEN_UP: usize = 2;

/// Rungs at most, whatever the settings say.
const MOST_RUNGS: i32 = 24;

/// The users and the starts of the next rung, as long as rungs bring more.
pub(super) fn next(settings: &Settings, trials: &[Trial]) -> Option<(u64, u64)> {
    let good: Vec<&Trial> = good(trials).collect();
    let brings_little = |pair: &[&Trial]| gain(pair[0], pair[1]) < LEAST_GAIN;
    let (n_rungs, n_given_up) = climbed(trials);
    let users = settings.start * settings.growth.powi(n_rungs.min(MOST_RUNGS));
    let is_over = n_given_up >= MOST_GIVEN_UP || good.windows(2).any(brings_little);
    if is_over || users > settings.most || n_rungs >= MOST_RUNGS {
        return None;
    }
    let users = users.round() as u64;
    Some((users, (TURNS * users).min(settings.longest_trial)))
}

/// What the ladder brought through at most, per second; 0 if the generator spoiled all of it.
pub(super) fn most_through(trials: &[Trial]) -> f64 {
    let throughputs = good(trials).map(|trial| trial.observation.throughput);
    throughputs.fold(0.0, f64::max)
}

/// How many rungs are behind us, and how many of the last ones were given up.
fn climbed(trials: &[Trial]) -> (i32, usize) {
    let (mut n_rungs, mut n_given_up, mut n_tries) = (0, 0, 0);
    for trial in rungs(trials) {
        n_tries += 1;
        if !is_spoiled(trial) {
            n_given_up = 0;
        } else if n_tries == MOST_TRIES {
            n_given_up += 1;
        } else {
            continue;
        }
        (n_rungs, n_tries) = (n_rungs + 1, 0);
    }
    (n_rungs, n_given_up)
}

/// What a rung brought over the one before, as a share; the benefit of the doubt is the larger one's.
fn gain(before: &Trial, after: &Trial) -> f64 {
    let (before, after) = (&before.observation, &after.observation);
    (after.throughput + after.throughput_error) / before.throughput.max(f64::MIN_POSITIVE) - 1.0
}

fn rungs(trials: &[Trial]) -> impl Iterator<Item = &Trial> {
    let is_rung = |trial: &&Trial| trial.probe.purpose == Purpose::Ladder;
    trials.iter().filter(is_rung)
}

fn good(trials: &[Trial]) -> impl Iterator<Item = &Trial> {
    rungs(trials).filter(|trial| !is_spoiled(trial))
}

fn is_spoiled(trial: &Trial) -> bool {
    trial.observation.spoiled.is_some()
}
