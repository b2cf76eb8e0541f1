//! Instruction counts against the recorded ones.

use std::collections::BTreeMap;

use super::{Comparison, Kinds, Locations, Note, Row, Scope};
use crate::baseline::{self, CountShelf};
use crate::case_id::CaseId;
use crate::compare;
use crate::error::Error;
use crate::iai::{self, Count};
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

    let shelf = baseline::read_counts(&locations.baselines.join(baseline::INSTRUCTIONS))?;
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
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    comparison.rows.append(&mut rows);
    Ok(())
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
