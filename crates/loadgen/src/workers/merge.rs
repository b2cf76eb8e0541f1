//! The parts of all workers as one run: nothing is lost, and what is missing makes the whole invalid.

use std::collections::HashMap;

use crate::ceiling;
use crate::driver::Findings;
use crate::error::WorkersError;
use crate::health::{Health, Reason, Verdict, Window};
use crate::recorder::Recorder;
use crate::report::model::Circumstances;
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::share::Worker;
use crate::usage::Subject;
use crate::workers::part::{Belonging, Part, fingerprint};

/// A part, and where it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The file or the object.
    pub place: String,
    /// What it holds.
    pub part: Part,
}

/// All parts as one.
#[derive(Debug)]
pub struct Gathered {
    /// The run, as a single worker would have made it.
    pub ran: Ran,
    /// How it was run; where is said of the first worker alone.
    pub circumstances: Circumstances,
}

/// Merges the parts of one run of this scenario.
///
/// Histograms and counts are added. A time is the longest of all, the generator's health the worst of all, once each
/// worker was held against its own ceiling. What the processes used is not in it: that is no figure of the system under
/// test.
///
/// # Errors
/// If there is no part, if one belongs to another run, or if a worker is there twice. A worker who is *not* there is
/// no error: the run is then invalid, and its health names the worker.
pub fn merged(scenario: &Scenario, run: &str, found: Vec<Found>) -> Result<Gathered, WorkersError> {
    let parts = of_one_run(scenario, run, found)?;
    let Some(first) = parts.first() else {
        return Err(WorkersError::None {
            run: run.to_owned(),
        });
    };
    let lost = lost(&parts);
    let mut settings = first.circumstances.settings.clone();
    settings.push(("workers".to_owned(), first.of.worker.of().to_string()));
    let circumstances = Circumstances {
        settings,
        ..first.circumstances.clone()
    };
    let mut recorder = Recorder::of_scenario(scenario);
    for part in &parts {
        recorder.merge(&part.recorder);
    }
    let longest = parts.iter().map(|part| part.duration).max();
    let ran = Ran {
        plan: scenario.plan(),
        capabilities: first.capabilities.clone(),
        recorder,
        findings: findings(&parts),
        started: parts.iter().map(|part| part.started).sum(),
        most_open: None,
        duration: longest.unwrap_or_default(),
        interrupted: parts.iter().any(|part| part.interrupted),
        left_over: parts.iter().map(|part| part.left_over).sum(),
        subject: Subject::Own,
        usage: Vec::new(),
        drained: None,
        health: health(parts, lost),
    };
    Ok(Gathered { ran, circumstances })
}

/// The parts by their workers, once it is sure that they belong together.
fn of_one_run(
    scenario: &Scenario,
    run: &str,
    found: Vec<Found>,
) -> Result<Vec<Part>, WorkersError> {
    let fingerprint = fingerprint(scenario);
    let mut places_by_worker: HashMap<Worker, String> = HashMap::new();
    let mut parts: Vec<Part> = Vec::with_capacity(found.len());
    for Found { place, part } in found {
        let first = parts.first().unwrap_or(&part);
        let expected = Belonging {
            run: run.to_owned(),
            fingerprint: fingerprint.clone(),
            seed: scenario.seed,
            ..first.of.clone()
        };
        check_belonging(&place, &part.of, &expected)?;
        check_circumstances(&place, &part, first)?;
        check_shape(&place, scenario, &part)?;
        let worker = part.of.worker;
        if let Some(first) = places_by_worker.insert(worker, place.clone()) {
            return Err(WorkersError::Twice {
                worker: worker.to_string(),
                first,
                second: place,
            });
        }
        parts.push(part);
    }
    parts.sort_by_key(|part| part.of.worker);
    Ok(parts)
}

fn check_belonging(place: &str, is: &Belonging, expected: &Belonging) -> Result<(), WorkersError> {
    let begin = |of: &Belonging| of.begin.clone().unwrap_or_else(|| "none".to_owned());
    let workers = |of: &Belonging| of.worker.of().to_string();
    [
        ("run", is.run.clone(), expected.run.clone()),
        ("seed", is.seed.to_string(), expected.seed.to_string()),
        (
            "scenario",
            is.fingerprint.clone(),
            expected.fingerprint.clone(),
        ),
        ("number of workers", workers(is), workers(expected)),
        ("begin", begin(is), begin(expected)),
    ]
    .into_iter()
    .try_for_each(|(what, is, expected)| check_equal(place, what, is, expected))
}

/// What was driven, and how: two systems are no one run.
fn check_circumstances(place: &str, part: &Part, first: &Part) -> Result<(), WorkersError> {
    let driver = |part: &Part| part.capabilities.name.clone();
    check_equal(place, "driver", driver(part), driver(first))?;
    let settings = |part: &Part| {
        let settings = part.circumstances.settings.iter();
        let settings: Vec<String> = settings
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        settings.join(" ")
    };
    check_equal(place, "setting", settings(part), settings(first))
}

fn check_equal(
    place: &str,
    what: &'static str,
    is: String,
    expected: String,
) -> Result<(), WorkersError> {
    if is == expected {
        return Ok(());
    }
    Err(WorkersError::Foreign {
        place: place.to_owned(),
        what,
        is,
        expected,
    })
}

/// A recorder for another mix would be merged in silence, and some of it lost.
fn check_shape(place: &str, scenario: &Scenario, part: &Part) -> Result<(), WorkersError> {
    let (is, expected) = (
        part.recorder.tallies().len(),
        scenario.operation_names().len(),
    );
    if is == expected {
        return Ok(());
    }
    Err(WorkersError::Malformed {
        place: place.to_owned(),
        reason: format!("it has {is} operations, and the scenario {expected}"),
    })
}

/// The numbers of the workers who handed nothing over.
fn lost(parts: &[Part]) -> Vec<usize> {
    let of = parts.first().map_or(0, |part| part.of.worker.of());
    let is_there = |number: usize| parts.iter().any(|part| part.of.worker.number() == number);
    (0..of).filter(|number| !is_there(*number)).collect()
}

/// Executions of all; unset as soon as one worker could not count.
///
/// What was at work at once is known of a single worker alone: the most of each need not have come at the same time.
fn findings(parts: &[Part]) -> Findings {
    let executions = parts.iter().map(|part| part.findings.executions.clone());
    let executions: Option<Vec<HashMap<u64, u64>>> = executions.collect();
    // Who counts at the system itself may have seen the operations of others, too.
    let most = |each: Vec<HashMap<u64, u64>>| {
        let mut most: HashMap<u64, u64> = HashMap::new();
        for (id, count) in each.into_iter().flatten() {
            let highest = most.entry(id).or_default();
            *highest = count.max(*highest);
        }
        most
    };
    let still_at_work = parts.iter().map(|part| part.findings.still_at_work);
    let still_at_work: Option<Vec<u64>> = still_at_work.collect();
    Findings {
        executions: executions.map(most),
        most_at_once: match parts {
            [only] => only.findings.most_at_once,
            _ => None,
        },
        still_at_work: still_at_work.map(|each| each.into_iter().sum()),
        // Workers drive one system, and whoever counts there has counted for all.
        model: parts.iter().find_map(|part| part.findings.model),
    }
}

/// The numbers of the workers who made more than half of what they can.
fn overtaxed(parts: &[Part]) -> Vec<usize> {
    let overtaxed = parts.iter().filter(|part| {
        let ceiling = part.health.ceiling;
        ceiling.is_some_and(|ceiling| ceiling::is_too_near(part.started, part.duration, ceiling))
    });
    overtaxed.map(|part| part.of.worker.number()).collect()
}

/// The worst of all workers; invalid if one is lost, or made more than half of what it can.
fn health(parts: Vec<Part>, lost_workers: Vec<usize>) -> Health {
    let overtaxed_workers = overtaxed(&parts);
    let healths: Vec<Health> = parts.into_iter().map(|part| part.health).collect();
    let worst = healths.iter().map(|health| health.verdict).max();
    let lag_p99 = healths.iter().filter_map(|health| health.lag_p99).max();
    let mut reasons: Vec<Reason> = healths
        .iter()
        .flat_map(|health| health.reasons.iter().copied())
        .collect();
    let mut verdict = worst.unwrap_or_default();
    for (reason, workers) in [
        (Reason::WorkerLost, &lost_workers),
        (Reason::Ceiling, &overtaxed_workers),
    ] {
        if !workers.is_empty() {
            verdict = Verdict::Invalid;
            reasons.push(reason);
        }
    }
    // What a lost worker can is not known.
    let ceilings: Option<f64> = healths.iter().map(|health| health.ceiling).sum();
    let ceiling = ceilings.filter(|_| lost_workers.is_empty());
    reasons.sort_unstable();
    reasons.dedup();
    let mut windows: Vec<Window> = healths
        .into_iter()
        .flat_map(|health| health.windows)
        .collect();
    windows.sort_by_key(|window| window.begin);
    Health {
        verdict,
        reasons,
        lag_p99,
        windows,
        lost_workers,
        overtaxed_workers,
        ceiling,
    }
}

#[cfg(test)]
mod tests;
