//! Allocations against the recorded ones.

use std::collections::BTreeMap;

use super::{Comparison, Locations, Note, Row, Scope};
use crate::allocations::{self, Counted};
use crate::baseline::{self, AllocationShelf};
use crate::case_id::CaseId;
use crate::compare::{self, ALLOCATION_RELEVANCE};
use crate::error::Error;
use crate::machine::{AllocationMachine, Machine};
use crate::record::Unit;
use crate::verdict::Verdict;

pub(super) fn add(
    comparison: &mut Comparison,
    locations: &Locations,
    scope: &Scope,
) -> Result<(), Error> {
    let counted = allocations::read_if_any(&locations.criterion)?;
    let current: BTreeMap<CaseId, Counted> = counted
        .into_iter()
        .filter(|(id, counted)| scope.has_suite(id.suite()) && is_current(counted, scope))
        .collect();
    // A run of one suite counts none, and misses none.
    if current.is_empty() {
        return Ok(());
    }
    if comparison.machine.is_empty() {
        comparison.machine = Machine::here().class();
    }

    let folder = locations.baselines.join(baseline::ALLOCATIONS);
    let shelf = baseline::read_allocations(&folder)?;
    let judging = match &shelf {
        None => {
            comparison.notes.push(Note::NoAllocationBaseline);
            None
        }
        Some(shelf) => {
            let differences = AllocationMachine::here().foreign_to(&shelf.machine);
            if differences.is_empty() {
                Some(shelf)
            } else {
                let note = Note::OtherAllocationMachine { differences };
                comparison.notes.push(note);
                None
            }
        }
    };
    let rows = current
        .iter()
        .map(|(id, counted)| row(id, counted, judging));
    let mut rows: Vec<Row> = rows.collect();
    if let Some(shelf) = judging {
        let was_counted = |suite: &str| current.keys().any(|id| id.suite() == suite);
        let missing = shelf
            .cases()
            .filter(|(id, _)| was_counted(id.suite()) && !current.contains_key(id));
        rows.extend(missing.map(|(id, case)| Row {
            now: None,
            baseline: Some(case.smallest.count as f64),
            verdict: Verdict::Missing,
            ..empty_row(id)
        }));
    }
    rows.sort_by(|left, right| left.id.cmp(&right.id));
    comparison.rows.append(&mut rows);
    Ok(())
}

fn is_current(counted: &Counted, scope: &Scope) -> bool {
    match (scope.counts_since, counted.written) {
        (Some(since), Some(written)) => written >= since,
        _ => true,
    }
}

fn row(id: &CaseId, counted: &Counted, shelf: Option<&AllocationShelf>) -> Row {
    let now = counted.smallest();
    let row = Row {
        now: Some(now.count as f64),
        ..empty_row(id)
    };
    let Some(shelf) = shelf else {
        return row;
    };
    let Some(case) = shelf.case(id) else {
        return Row {
            verdict: Verdict::New,
            ..row
        };
    };
    let judgement = compare::allocations(case, &now);
    Row {
        baseline: Some(case.smallest.count as f64),
        ratio: judgement.ratio,
        relevance: Some(ALLOCATION_RELEVANCE),
        verdict: judgement.verdict,
        reason: judgement.reason,
        ..row
    }
}

fn empty_row(id: &CaseId) -> Row {
    Row {
        id: id.to_string(),
        unit: Unit::Allocations,
        now: None,
        baseline: None,
        ratio: None,
        relevance: None,
        verdict: Verdict::NotJudged,
        reason: None,
    }
}
