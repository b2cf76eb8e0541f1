//! Layouts of known size: how often equally fast code is called slower, and slower code is found.

use super::SURE;
use super::noise::Chance;
use crate::pairs::comparison::Next;
use crate::pairs::synthetic::{around, case, judged, run};
use crate::stats::{rate_lower_bound, rate_upper_bound};
use crate::verdict::Verdict;

/// What an order of functions moves a case by, in percent: the spread of four relinks of one program, the worst of six.
const SPREAD: f64 = 7.0;

/// Verdicts of cases that stand accused as they were linked, and confirmed, with code that is slower by `percent`; as many
/// orders as the judge asks for.
fn verdicts(seed: u64, percent: f64, spread: f64, n_cases: usize) -> Vec<Verdict> {
    let mut rng = Chance::seeded(seed);
    let mut verdicts = Vec::new();
    while verdicts.len() < n_cases {
        // The difference of two independent orders.
        let mut layout = || percent + spread * (rng.normal() - rng.normal()) / 2.0_f64.sqrt();
        let linked = layout();
        if linked < 2.0 {
            // Nothing accuses it.
            continue;
        }
        let rounds = around(linked, 0.3, 15);
        let accused = case("suite/case")
            .with_rounds(&rounds)
            .with_confirm(&rounds);
        let mut layouts: Vec<f64> = Vec::new();
        verdicts.push(loop {
            let row = judged(&run(vec![accused.clone().with_layouts(&layouts)]))
                .rows
                .remove(0);
            let Next::Relink { n_layouts } = row.next else {
                break row.verdict;
            };
            layouts.extend((layouts.len()..n_layouts).map(|_| layout()));
        });
    }
    verdicts
}

fn count(verdicts: &[Verdict], wanted: Verdict) -> u64 {
    let found = verdicts.iter().filter(|verdict| **verdict == wanted);
    found.count() as u64
}

#[test]
fn what_the_linker_moved_is_called_regressed_as_rarely_as_the_budget_allows() {
    let n_cases = 1500;
    let verdicts = verdicts(61, 0.0, SPREAD, n_cases);
    let n_alarms = count(&verdicts, Verdict::Regressed);
    let at_least = rate_lower_bound(n_alarms, n_cases as u64, SURE);
    assert!(at_least <= 0.01, "{n_alarms} of {n_cases}");
    // Most of the others are told for what they are, and do not stay open.
    let n_told = count(&verdicts, Verdict::Unchanged);
    let at_least = rate_lower_bound(n_told, n_cases as u64, SURE);
    assert!(at_least >= 0.7, "{n_told} of {n_cases}");
}

#[test]
fn slower_code_is_found_in_spite_of_its_layout_and_rarely_taken_for_it() {
    let n_cases = 400;
    for (seed, percent, spread, least) in [
        (71, 4.0, 0.5, 0.99),
        (72, 10.0, SPREAD, 0.99),
        // Less than what an order does anyway.
        (73, 5.0, SPREAD, 0.9),
    ] {
        let verdicts = verdicts(seed, percent, spread, n_cases);
        let n_found = count(&verdicts, Verdict::Regressed);
        let at_most = rate_upper_bound(n_found, n_cases as u64, SURE);
        assert!(
            at_most >= least,
            "{n_found} of {n_cases} found of {percent} % with a spread of {spread} %"
        );
        let at_least = rate_lower_bound(n_found, n_cases as u64, SURE);
        assert!(at_least >= least - 0.1, "{n_found} of {n_cases}");
        let n_missed = count(&verdicts, Verdict::Unchanged);
        let at_least = rate_lower_bound(n_missed, n_cases as u64, SURE);
        assert!(at_least <= 0.03, "{n_missed} of {n_cases} taken for layout");
    }
}
