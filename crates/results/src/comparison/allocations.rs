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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use crate::allocations::{Allocations, read_if_any, write};
    use crate::baseline::allocations::of_processes;
    use crate::baseline::{ALLOCATIONS, write_allocations};
    use crate::case_id::CaseId;
    use crate::comparison::{Comparison, Kinds, Locations, Note, Outcome, Scope};
    use crate::machine::AllocationMachine;
    use crate::verdict::Verdict;

    const CASES: [(&str, u64); 3] = [("codec/a/1", 10), ("codec/b/1", 20), ("quota/c/1", 0)];

    fn count(home: &Path, count_of: impl Fn(&str, u64) -> Option<u64>) {
        let cases = CASES.iter().chain([&("codec/added/1", 5)]);
        let counted = cases.filter_map(|(id, usual)| {
            let count = count_of(id, *usual)?;
            let allocations = Allocations {
                count,
                bytes: count * 8,
                peak: count * 8,
            };
            Some((CaseId::new(*id).expect("well formed"), vec![allocations]))
        });
        write(home, &counted.collect::<BTreeMap<_, _>>()).expect("written");
    }

    fn known(id: &str, usual: u64) -> Option<u64> {
        (id != "codec/added/1").then_some(usual)
    }

    /// Recorded with this compiler, unless another one is named.
    fn recorded(root: &Path, rustc: Option<&str>) -> Locations {
        let locations = Locations {
            criterion: root.join("criterion"),
            iai: root.join("iai"),
            baselines: root.join("baselines"),
        };
        std::fs::create_dir_all(&locations.baselines).expect("made");
        count(&locations.criterion, known);
        let process = read_if_any(&locations.criterion).expect("readable");
        let processes = [process.clone(), process];
        let baselines =
            ["codec", "quota"].map(|suite| of_processes(suite, &processes).expect("recordable"));
        let mut machine = AllocationMachine::here();
        if let Some(rustc) = rustc {
            machine.rustc = rustc.to_owned();
        }
        write_allocations(&locations.baselines.join(ALLOCATIONS), &machine, &baselines)
            .expect("written");
        locations
    }

    fn compared(locations: &Locations) -> Comparison {
        let scope = Scope {
            kinds: Kinds::All,
            ran: Some(Default::default()),
            ..Scope::default()
        };
        Comparison::of(locations, &scope).expect("readable")
    }

    #[test]
    fn one_more_allocation_is_seen_and_gone_and_added_cases_are_listed() {
        let root = tempfile::tempdir().expect("a folder");
        let locations = recorded(root.path(), None);
        assert_eq!(compared(&locations).outcome(), Outcome::Fine);
        count(&locations.criterion, |id, usual| match id {
            "codec/a/1" => Some(usual + 1),
            "codec/b/1" => None,
            _ => Some(usual),
        });
        let verdicts: Vec<(String, Verdict)> = compared(&locations)
            .rows
            .into_iter()
            .map(|row| (row.id, row.verdict))
            .collect();
        let expected = [
            ("codec/a/1", Verdict::Regressed),
            ("codec/added/1", Verdict::New),
            ("codec/b/1", Verdict::Missing),
            ("quota/c/1", Verdict::Unchanged),
        ];
        assert_eq!(
            verdicts,
            expected.map(|(id, verdict)| (id.to_owned(), verdict))
        );
    }

    #[test]
    fn without_a_baseline_or_with_that_of_another_compiler_nothing_is_judged_and_nothing_passes() {
        let root = tempfile::tempdir().expect("a folder");
        let foreign = compared(&recorded(root.path(), Some("0.9")));
        let is_foreign = |note: &Note| matches!(note, Note::OtherAllocationMachine { .. });
        assert!(foreign.notes.iter().any(is_foreign));

        let root = tempfile::tempdir().expect("a folder");
        let locations = recorded(root.path(), None);
        std::fs::remove_dir_all(locations.baselines.join(ALLOCATIONS)).expect("removed");
        let absent = compared(&locations);
        assert!(absent.notes.contains(&Note::NoAllocationBaseline));
        for comparison in [foreign, absent] {
            assert_eq!(comparison.count_of(Verdict::NotJudged), 3);
            assert_eq!(comparison.outcome(), Outcome::CouldNotTell);
        }
    }
}
