//! Wall times against the baselines of this machine's class.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparison, Kinds, Locations, Note, Row, Scope, promises};
use crate::baseline::{self, TimeCase, TimeShelf};
use crate::case_id::CaseId;
use crate::compare::{self, Judgement, TimePair};
use crate::criterion::{self, Measurement};
use crate::error::Error;
use crate::iai;
use crate::machine::{Difference, Machine};
use crate::record::Unit;
use crate::stats::Quantile;
use crate::tables::Relevance;
use crate::verdict::Verdict;

/// One case as the candidate processes measured it.
struct Candidate {
    runs_ns: Vec<f64>,
    /// Mean square of the processes' standard errors, its root.
    within: f64,
}

pub(super) fn add(
    comparison: &mut Comparison,
    locations: &Locations,
    scope: &Scope,
) -> Result<(), Error> {
    let measured = read_measurements(locations, scope)?;
    let here = Machine::here();
    comparison.machine = here.class();
    let shelf = find_shelf(comparison, locations, &here)?;
    let relevance = Relevance::read(&locations.benches())?;
    check_relevance(&relevance, locations, scope, &measured)?;

    let (current, older): (BTreeMap<_, _>, BTreeMap<_, _>) = measured
        .iter()
        .filter(|(id, _)| scope.has_suite(id.suite()))
        .partition(|(id, _)| scope.is_current(id.as_str()));
    comparison.not_run = older.keys().map(ToString::to_string).collect();

    let candidates = candidates(&current, scope)?;
    let mut rows = match &shelf {
        Some(shelf) => judged_rows(&candidates, shelf, &relevance),
        None => unjudged_rows(&candidates),
    };
    if let Some(shelf) = &shelf {
        let missing = missing_rows(shelf, &measured, scope);
        if scope.filtered {
            comparison
                .not_run
                .extend(missing.into_iter().map(|row| row.id));
            comparison.not_run.sort_unstable();
        } else {
            rows.extend(missing);
        }
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    comparison.rows.append(&mut rows);
    promises::add(comparison, locations, scope, &current)
}

/// All results on disk, also those of suites that are not asked for: the tables may name them.
fn read_measurements(
    locations: &Locations,
    scope: &Scope,
) -> Result<BTreeMap<CaseId, Measurement>, Error> {
    let may_be_empty = scope.ran.is_some()
        || (scope.kinds == Kinds::All && !iai::read_if_any(&locations.iai)?.is_empty());
    if may_be_empty {
        criterion::read_if_any(&locations.criterion)
    } else {
        criterion::read(&locations.criterion)
    }
}

/// The baselines that may judge this machine's times, and notes about those that may not.
fn find_shelf(
    comparison: &mut Comparison,
    locations: &Locations,
    here: &Machine,
) -> Result<Option<TimeShelf>, Error> {
    let Some(shelf) = baseline::read_times(&locations.baselines.join(here.class()))? else {
        let recorded = baseline::classes(&locations.baselines)?;
        comparison.notes.push(Note::NoBaseline {
            differences: differences_to_first(locations, &recorded, here)?,
            recorded,
        });
        return Ok(None);
    };
    let differences = here.foreign_to(&shelf.machine);
    if !differences.is_empty() {
        comparison.notes.push(Note::OtherMachine { differences });
        return Ok(None);
    }
    let differences = here.drifted_from(&shelf.machine);
    if !differences.is_empty() {
        comparison.notes.push(Note::Drifted { differences });
    }
    Ok(Some(shelf))
}

fn differences_to_first(
    locations: &Locations,
    recorded: &[String],
    here: &Machine,
) -> Result<Vec<Difference>, Error> {
    let Some(first) = recorded.first() else {
        return Ok(Vec::new());
    };
    let machine: Option<Machine> = crate::machine::read(&locations.baselines.join(first))?;
    Ok(machine.map_or_else(Vec::new, |machine| here.foreign_to(&machine)))
}

/// An entry for a case that nobody knows is an error, where everything that exists can be seen.
fn check_relevance(
    relevance: &Relevance,
    locations: &Locations,
    scope: &Scope,
    measured: &BTreeMap<CaseId, Measurement>,
) -> Result<(), Error> {
    // After a filtered run the cases that were never measured here cannot be told from those that do not exist.
    if scope.ran.is_some() || scope.suites.is_some() {
        return Ok(());
    }
    let mut known: BTreeSet<CaseId> = measured.keys().cloned().collect();
    known.extend(iai::read_if_any(&locations.iai)?.into_keys());
    for class in baseline::classes(&locations.baselines)? {
        if let Some(shelf) = baseline::read_times(&locations.baselines.join(class))? {
            known.extend(shelf.cases().map(|(id, _)| id.clone()));
        }
    }
    let counts = baseline::read_counts(&locations.baselines.join(baseline::INSTRUCTIONS))?;
    if let Some(shelf) = counts {
        known.extend(shelf.cases().map(|(id, _)| id.clone()));
    }
    let names: Vec<&str> = known.iter().map(CaseId::as_str).collect();
    relevance.check(|id| known.contains(id), &names)
}

/// Every current case with its times from all candidate processes.
fn candidates(
    current: &BTreeMap<&CaseId, &Measurement>,
    scope: &Scope,
) -> Result<BTreeMap<CaseId, Candidate>, Error> {
    let mut samples: BTreeMap<CaseId, Vec<Vec<f64>>> = current
        .iter()
        .map(|(id, measurement)| ((*id).clone(), vec![measurement.times_ns.clone()]))
        .collect();
    for home in &scope.more_processes {
        for (id, measurement) in criterion::read(home)? {
            if let Some(samples) = samples.get_mut(&id) {
                samples.push(measurement.times_ns);
            }
        }
    }
    let candidates = samples.into_iter().filter_map(|(id, samples)| {
        let locations: Vec<Quantile> = samples
            .iter()
            .filter_map(|sample| Quantile::location(sample))
            .collect();
        if locations.is_empty() {
            return None;
        }
        let squares = locations
            .iter()
            .map(|location| location.log_error().powi(2));
        let within = (squares.sum::<f64>() / locations.len() as f64).sqrt();
        let runs_ns = locations.iter().map(|location| location.estimate).collect();
        Some((id, Candidate { runs_ns, within }))
    });
    Ok(candidates.collect())
}

fn judged_rows(
    candidates: &BTreeMap<CaseId, Candidate>,
    shelf: &TimeShelf,
    relevance: &Relevance,
) -> Vec<Row> {
    let paired: Vec<(&CaseId, &Candidate, &TimeCase)> = candidates
        .iter()
        .filter_map(|(id, candidate)| Some((id, candidate, shelf.case(id)?)))
        .collect();
    let pairs: Vec<TimePair<'_>> = paired
        .iter()
        .map(|(id, candidate, baseline)| TimePair {
            baseline,
            runs_ns: &candidate.runs_ns,
            within: candidate.within,
            relevance: relevance.of_time(id),
        })
        .collect();
    let usual_spread = compare::usual_spread(shelf.cases().map(|(_, case)| case));
    let judgements = compare::times(&pairs, usual_spread, shelf.cases().count());

    let judged = paired.iter().zip(&pairs).zip(judgements);
    let mut rows: Vec<Row> = judged
        .map(|(((id, candidate, baseline), pair), judgement)| {
            let Judgement {
                ratio,
                verdict,
                reason,
            } = judgement;
            Row {
                id: id.to_string(),
                unit: Unit::Nanoseconds,
                now: Some(candidate.estimate_ns()),
                baseline: Some(baseline.estimate_ns()),
                ratio,
                relevance: Some(pair.relevance),
                verdict,
                reason,
            }
        })
        .collect();
    let new = candidates.iter().filter(|(id, _)| shelf.case(id).is_none());
    rows.extend(new.map(|(id, candidate)| row_without_baseline(id, candidate, Verdict::New)));
    rows
}

fn unjudged_rows(candidates: &BTreeMap<CaseId, Candidate>) -> Vec<Row> {
    candidates
        .iter()
        .map(|(id, candidate)| row_without_baseline(id, candidate, Verdict::NotJudged))
        .collect()
}

fn row_without_baseline(id: &CaseId, candidate: &Candidate, verdict: Verdict) -> Row {
    Row {
        id: id.to_string(),
        unit: Unit::Nanoseconds,
        now: Some(candidate.estimate_ns()),
        baseline: None,
        ratio: None,
        relevance: None,
        verdict,
        reason: None,
    }
}

fn missing_rows(
    shelf: &TimeShelf,
    measured: &BTreeMap<CaseId, Measurement>,
    scope: &Scope,
) -> Vec<Row> {
    let missing = shelf
        .cases()
        .filter(|(id, _)| scope.has_suite(id.suite()) && !measured.contains_key(id));
    missing
        .map(|(id, case)| Row {
            id: id.to_string(),
            unit: Unit::Nanoseconds,
            now: None,
            baseline: Some(case.estimate_ns()),
            ratio: None,
            relevance: None,
            verdict: Verdict::Missing,
            reason: None,
        })
        .collect()
}

impl Candidate {
    fn estimate_ns(&self) -> f64 {
        let logarithms: f64 = self.runs_ns.iter().map(|run| run.ln()).sum();
        (logarithms / self.runs_ns.len() as f64).exp()
    }
}
