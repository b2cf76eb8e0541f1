//! Instruction counts against the recorded ones.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Comparison, Kinds, Locations, Note, Row, Scope};
use crate::baseline::functions::{self, CountedFunctions};
use crate::baseline::{self, CountShelf};
use crate::callgrind;
use crate::case_id::CaseId;
use crate::compare;
use crate::culprits::{CaseFunctions, Culprits};
use crate::error::Error;
use crate::functions::changes;
use crate::iai::{self, Count};
use crate::lint::lints;
use crate::machine::{CountMachine, Machine};
use crate::record::Unit;
use crate::tables::Relevance;
use crate::verdict::Verdict;

pub(super) fn add(
    comparison: &mut Comparison,
    locations: &Locations,
    scope: &Scope,
) -> Result<(), Error> {
    let counted = if scope.kinds == Kinds::Instructions {
        iai::read(&locations.iai)?
    } else {
        iai::read_if_any(&locations.iai)?
    };
    let current: BTreeMap<CaseId, Count> = counted
        .into_iter()
        .filter(|(id, count)| scope.has_suite(id.suite()) && is_current(count, scope))
        .collect();
    // Nobody took counts, so nobody misses them: they are opt-in.
    if current.is_empty() {
        return Ok(());
    }
    if comparison.machine.is_empty() {
        comparison.machine = Machine::here().class();
    }

    let folder = locations.baselines.join(baseline::INSTRUCTIONS);
    let shelf = baseline::read_counts(&folder)?;
    let relevance = Relevance::read(&locations.benches())?;
    let judging = match &shelf {
        None => {
            comparison.notes.push(Note::NoCountBaseline);
            None
        }
        Some(shelf) => {
            let differences = CountMachine::here().foreign_to(&shelf.machine);
            if differences.is_empty() {
                Some(shelf)
            } else {
                comparison
                    .notes
                    .push(Note::OtherCountMachine { differences });
                None
            }
        }
    };
    let mut rows: Vec<Row> = current
        .values()
        .map(|count| row(count, judging, &relevance))
        .collect();
    if let Some(shelf) = judging {
        rows.extend(missing_rows(shelf, &current, scope));
        comparison.culprits = culprits(&rows, &current, &folder)?;
        let recorded = shelf.cases().filter(|(id, _)| current.contains_key(id));
        let lints = lints(recorded);
        if !lints.is_empty() {
            comparison.notes.push(Note::Lints { lints });
        }
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    comparison.rows.append(&mut rows);
    Ok(())
}

/// The functions behind each regression.
fn culprits(
    rows: &[Row],
    current: &BTreeMap<CaseId, Count>,
    folder: &Path,
) -> Result<Culprits, Error> {
    let mut tables_by_suite: BTreeMap<&str, BTreeMap<CaseId, CountedFunctions>> = BTreeMap::new();
    let mut by_case = Vec::new();
    let regressed = rows
        .iter()
        .filter(|row| row.verdict == Verdict::Regressed)
        .filter_map(|row| current.get(&CaseId::new(&*row.id)?).zip(row.baseline));
    for (count, baseline) in regressed {
        let suite = count.id.suite();
        if !tables_by_suite.contains_key(suite) {
            tables_by_suite.insert(suite, functions::read(folder, suite)?);
        }
        let recorded = tables_by_suite[suite].get(&count.id);
        by_case.push(functions_of(count, baseline, recorded));
    }
    Ok(Culprits::of(by_case))
}

/// A profile that cannot be read leaves its case without names; the verdict stands on the count alone.
fn functions_of(
    count: &Count,
    baseline: f64,
    recorded: Option<&CountedFunctions>,
) -> CaseFunctions {
    let unknown = |why: &str| CaseFunctions::unknown(count.id.as_str(), why);
    let Some(recorded) = recorded else {
        return unknown("no functions were recorded with the baseline; record it again");
    };
    if recorded.instructions as f64 != baseline {
        return unknown(
            "the recorded functions are of another recording than the count; record it again",
        );
    }
    match callgrind::read_folder(&count.folder) {
        Ok(Some(costs)) => CaseFunctions::of(count.id.as_str(), changes(&recorded.table, &costs)),
        Ok(None) => {
            unknown("callgrind.out of this run is not there any more; take the counts again")
        }
        Err(error) => unknown(&error.to_string()),
    }
}

fn is_current(count: &Count, scope: &Scope) -> bool {
    match (scope.counts_since, count.written) {
        (Some(since), Some(written)) => written >= since,
        _ => true,
    }
}

fn row(count: &Count, shelf: Option<&CountShelf>, relevance: &Relevance) -> Row {
    let mut row = Row {
        id: count.id.to_string(),
        unit: Unit::Instructions,
        now: Some(count.instructions as f64),
        baseline: None,
        ratio: None,
        relevance: None,
        verdict: Verdict::NotJudged,
        reason: None,
    };
    let Some(shelf) = shelf else {
        return row;
    };
    let Some(case) = shelf.case(&count.id) else {
        row.verdict = Verdict::New;
        return row;
    };
    let share = relevance.of_count(&count.id);
    let judgement = compare::count(case, count.instructions, share);
    row.baseline = Some(case.instructions as f64);
    row.ratio = judgement.ratio;
    row.relevance = Some(share);
    row.verdict = judgement.verdict;
    row.reason = judgement.reason;
    row
}

/// Only in suites that were counted: a run of one suite's counts says nothing about the others.
fn missing_rows(shelf: &CountShelf, current: &BTreeMap<CaseId, Count>, scope: &Scope) -> Vec<Row> {
    let was_counted = |suite: &str| match scope.kinds {
        Kinds::Instructions => true,
        Kinds::All | Kinds::Times => current.keys().any(|id| id.suite() == suite),
    };
    let missing = shelf.cases().filter(|(id, _)| {
        scope.has_suite(id.suite()) && was_counted(id.suite()) && !current.contains_key(id)
    });
    missing
        .map(|(id, case)| Row {
            id: id.to_string(),
            unit: Unit::Instructions,
            now: None,
            baseline: Some(case.instructions as f64),
            ratio: None,
            relevance: None,
            verdict: Verdict::Missing,
            reason: None,
        })
        .collect()
}
