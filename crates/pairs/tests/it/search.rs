//! The search for a guilty commit, on real commits: one that does not build, one that is guilty, and some around them.

use std::time::Duration;

use pairs::bisect::Verdict;
use pairs::bisect::drive::{Found, Step, follow};
use pairs::bisect::memory::Memory;
use pairs::bisect::probe::PairProbe;
use pairs::course::Plan;
use pairs::error::Error;
use results::case_id::CaseId;
use results::pairs::control::NullEstimates;

use crate::toy::works;
use crate::{Bench, Witness, relevance, settings};

/// How a step is measured: twice the work is looked for, so that few rounds decide on a machine of any kind.
fn plan() -> Plan {
    Plan {
        n_rounds: 9,
        budget: Duration::from_secs(60),
        relevance: relevance("sums/searched", 30),
        null_estimates: NullEstimates::default(),
        count_ratios: std::collections::BTreeMap::new(),
    }
}

fn probe<'a>(bench: &'a Bench, case: &str, witness: &'a Witness) -> PairProbe<'a> {
    let commit = |name| bench.repository.commit(name).expect("tagged");
    let good = commit("fast");
    let commits = bench.repository.between(&good, &commit("late"));
    PairProbe {
        workshop: &bench.workshop,
        case: CaseId::new(case).expect("well formed"),
        good,
        commits: commits.expect("in one line"),
        plan: plan(),
        settings: settings(),
        watch: witness,
    }
}

pub(crate) fn names_the_guilty_commit_past_one_that_does_not_build(bench: &Bench) {
    let toy = &bench.toy;
    let commit = |name: &str, n: u64| {
        // A commit needs a change of its own.
        toy.write("NOTES.md", name);
        toy.sums(&[works("searched", n)]);
        toy.commit(name);
    };
    commit("fast", 1_000);
    commit("still_fast", 1_000);
    toy.write("src/lib.rs", "fn unfinished(");
    commit("unbuildable", 1_000);
    toy.write("src/lib.rs", "");
    commit("guilty", 2_000);
    commit("late", 2_000);

    let folder = tempfile::tempdir().expect("a folder");
    let witness = Witness::new();
    let mut probe = probe(bench, "sums/searched", &witness);
    assert_eq!(probe.commits.len(), 4);
    let mut memory = Memory::open(folder.path(), Vec::new()).expect("opened");
    let mut steps = Vec::new();
    let found = follow(4, &mut probe, &mut memory, &mut |step| steps.push(step)).expect("searched");
    // What does not build may be guilty as well as the commit behind it: nobody can tell them apart.
    let Found::Guilty { first, last, .. } = found else {
        panic!("{found:?} after {steps:?}");
    };
    assert_eq!((first, last), (2, 3), "{steps:?}");
    let is_skipped =
        |step: &Step| matches!(step, Step::Answered(answer) if answer.verdict == Verdict::Skipped);
    assert_eq!(
        steps.iter().filter(|step| is_skipped(step)).count(),
        1,
        "{steps:?}"
    );

    // The same commits again are not built again, and a case that nobody has is wrong usage.
    probe.case = CaseId::new("sums/serched").expect("well formed");
    let mut memory = Memory::open(folder.path(), vec!["other".to_owned()]).expect("opened");
    let error = follow(4, &mut probe, &mut memory, &mut |_| {}).expect_err("no such case");
    assert!(
        matches!(&error, Error::UnknownCase { nearest, .. } if nearest.contains(&"sums/searched".to_owned())),
        "{error}"
    );
}
