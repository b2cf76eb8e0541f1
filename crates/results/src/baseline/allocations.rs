//! Recorded allocations: from what several processes counted to what later runs are held against.

use std::collections::BTreeMap;

use super::{Baseline, MIN_COUNT_RUNS};
use crate::allocations::{Allocations, Counted};
use crate::case_id::CaseId;
use crate::error::Error;

/// Allocations of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocationCase {
    /// The smallest of all iterations, number by number.
    pub smallest: Allocations,
    /// Largest less smallest of all iterations, number by number: zero for a deterministic case.
    pub band: Allocations,
}

/// Makes the baseline of a suite from what several processes counted.
pub fn of_processes(
    suite: &str,
    processes: &[BTreeMap<CaseId, Counted>],
) -> Result<Baseline<AllocationCase>, Error> {
    let refused = |reason: String| Error::Unrecordable {
        suite: suite.to_owned(),
        reason,
    };
    if processes.len() < MIN_COUNT_RUNS {
        let n_runs = processes.len();
        return Err(refused(format!(
            "{n_runs} runs show no band; take {MIN_COUNT_RUNS} or more"
        )));
    }
    let mut counted_by_case: BTreeMap<&CaseId, Vec<&Counted>> = BTreeMap::new();
    for (id, counted) in processes
        .iter()
        .flatten()
        .filter(|(id, _)| id.suite() == suite)
    {
        counted_by_case.entry(id).or_default().push(counted);
    }
    let mut cases = BTreeMap::new();
    for (id, counted) in counted_by_case {
        if counted.len() != processes.len() {
            let (some, all) = (counted.len(), processes.len());
            return Err(refused(format!(
                "{id} was counted in {some} of {all} processes"
            )));
        }
        let all = || {
            counted
                .iter()
                .flat_map(|counted| counted.iterations.iter().copied())
        };
        let smallest = all().reduce(Allocations::min).unwrap_or_default();
        let largest = all().reduce(Allocations::max).unwrap_or_default();
        let band = Allocations {
            count: largest.count - smallest.count,
            bytes: largest.bytes - smallest.bytes,
            peak: largest.peak - smallest.peak,
        };
        cases.insert(id.clone(), AllocationCase { smallest, band });
    }
    if cases.is_empty() {
        return Err(refused("no process counted a case of it".to_owned()));
    }
    Ok(Baseline {
        suite: suite.to_owned(),
        cases,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::of_processes;
    use crate::allocations::{Allocations, Counted};
    use crate::baseline::{read_allocations, write_allocations};
    use crate::case_id::CaseId;
    use crate::machine::AllocationMachine;

    fn id() -> CaseId {
        CaseId::new("codec/encode/1mb").expect("well formed")
    }

    fn process(iterations: &[[u64; 3]]) -> BTreeMap<CaseId, Counted> {
        let iterations = iterations.iter().map(|[count, bytes, peak]| Allocations {
            count: *count,
            bytes: *bytes,
            peak: *peak,
        });
        let counted = Counted {
            iterations: iterations.collect(),
            written: None,
        };
        BTreeMap::from([(id(), counted)])
    }

    fn machine(rustc: &str) -> AllocationMachine {
        AllocationMachine {
            architecture: "x86_64".to_owned(),
            rustc: rustc.to_owned(),
        }
    }

    #[test]
    fn the_smallest_iteration_stands_and_the_others_are_the_band() {
        let processes = [
            process(&[[10, 500, 60], [10, 520, 60]]),
            process(&[[11, 510, 50], [10, 500, 60]]),
        ];
        let baseline = of_processes("codec", &processes).expect("recordable");
        let folder = tempfile::tempdir().expect("a folder");
        write_allocations(folder.path(), &machine("1.95.0"), &[baseline]).expect("written");
        let text = std::fs::read_to_string(folder.path().join("codec.json")).expect("there");
        let line = r#""encode/1mb": {"count":[10,1],"bytes":[500,20],"peak":[50,10]}"#;
        assert!(text.contains(line), "{text}");
        let shelf = read_allocations(folder.path())
            .expect("readable")
            .expect("there");
        assert_eq!(shelf.case(&id()).expect("stored").band.bytes, 20);
    }

    #[test]
    fn a_case_that_one_process_lacks_or_a_single_process_makes_no_baseline() {
        let one = process(&[[1, 8, 8]]);
        for (processes, complaint) in [
            (vec![one.clone()], "show no band"),
            (vec![one.clone(), BTreeMap::new()], "in 1 of 2 processes"),
            (vec![BTreeMap::new(), BTreeMap::new()], "no process counted"),
        ] {
            let error = of_processes("codec", &processes).expect_err(complaint);
            assert!(error.to_string().contains(complaint), "{error}");
        }
    }

    #[test]
    fn another_compiler_replaces_all_suites_or_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let processes = [process(&[[1, 8, 8]]), process(&[[1, 8, 8]])];
        let codec = of_processes("codec", &processes).expect("recordable");
        let mut quota = codec.clone();
        quota.suite = "quota".to_owned();
        let both = [codec.clone(), quota];
        write_allocations(folder.path(), &machine("1.95.0"), &both).expect("first");
        write_allocations(folder.path(), &machine("1.96.0"), &[codec]).expect_err("mixed");
        write_allocations(folder.path(), &machine("1.96.0"), &both).expect("all anew");
    }
}
