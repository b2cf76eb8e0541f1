//! One slow function is one finding, however many cases it slows.

use super::{CaseFunctions, Culprits, N_NAMED};
use crate::functions::FunctionChange;

fn case(id: &str, changes: &[(&str, i64)]) -> CaseFunctions {
    let changes = changes.iter().map(|(function, change)| FunctionChange {
        function: (*function).to_owned(),
        before: Some(1_000),
        after: 1_000_u64.saturating_add_signed(*change),
        change: *change,
    });
    CaseFunctions::of(id, changes.collect())
}

#[test]
fn cases_that_share_a_culprit_are_one_finding() {
    let culprits = Culprits::of(vec![
        case("b/2", &[("parse", 500), ("malloc", 20)]),
        case("a/1", &[("hash", 90)]),
        case("a/2", &[("parse", 80), ("hash", -300)]),
    ]);
    let found: Vec<(&str, u64, usize)> = culprits
        .shared
        .iter()
        .map(|culprit| (&*culprit.function, culprit.growth, culprit.cases.len()))
        .collect();
    assert_eq!(found, [("parse", 580, 2), ("hash", 90, 1)]);
    assert_eq!(culprits.shared[0].cases, ["a/2", "b/2"]);
}

#[test]
fn growth_that_is_spread_accuses_nobody_and_is_shown_all_the_same() {
    let spread = case("a/1", &[("f", 40), ("g", 35), ("h", 30), ("i", 1)]);
    assert_eq!(spread.culprit, None);
    assert_eq!(spread.changes.len(), N_NAMED);
    assert!(Culprits::of(vec![spread]).shared.is_empty());
}

#[test]
fn what_shrank_is_no_culprit_however_much() {
    let case = case(
        "a/1",
        &[("inlined", -900), ("caller", 1_000), ("other", 10)],
    );
    assert_eq!(case.culprit.as_deref(), Some("caller"));
}

#[test]
fn a_case_without_changes_says_so() {
    let nothing = case("a/1", &[]);
    assert!(nothing.unknown.is_some() && nothing.culprit.is_none());
    let culprits = Culprits::of(vec![nothing, CaseFunctions::unknown("a/2", "no profile")]);
    assert_eq!(
        culprits
            .case("a/2")
            .and_then(|case| case.unknown.as_deref()),
        Some("no profile")
    );
    assert_eq!(culprits.case("a/3"), None);
}
