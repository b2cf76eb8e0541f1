//! What becomes of cases that one side does not have, or cannot name.

use std::time::Duration;

use results::pairs::sample::CaseFailure;

use super::{Failed, Said, merge};

fn cases(names: &[&str]) -> Said {
    Said::Cases {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        takes_turns: true,
    }
}

/// Merges what the sides said of suite `sort`, and checks ids and failures.
fn check(said: &[Said; 2], expected: &[(&str, Option<CaseFailure>)]) {
    let listed = merge("sort", said);
    let got: Vec<(&str, Option<CaseFailure>)> = listed
        .iter()
        .map(|listed| (listed.case.as_str(), listed.failure.clone()))
        .collect();
    assert_eq!(got, expected);
}

#[test]
fn a_renamed_case_is_missing_on_either_side() {
    check(
        &[
            cases(&["sort/old/1", "sort/same/1"]),
            cases(&["sort/same/1", "sort/new/1"]),
        ],
        &[
            ("sort/same/1", None),
            ("sort/new/1", Some(CaseFailure::MissingInBase)),
            ("sort/old/1", Some(CaseFailure::MissingInCandidate)),
        ],
    );
}

#[test]
fn a_suite_that_one_side_lacks_is_missing_with_all_its_cases() {
    let missing = Some(CaseFailure::MissingInBase);
    check(
        &[Said::NoSuite, cases(&["sort/a/1", "sort/b/1"])],
        &[("sort/a/1", missing.clone()), ("sort/b/1", missing)],
    );
}

#[test]
fn a_suite_that_fails_before_it_names_its_cases_says_why() {
    let panicked = Said::Failed(Failed::Panicked("no fixture".to_owned()));
    let message = "no fixture".to_owned();
    check(
        &[cases(&["sort/a/1"]), panicked],
        &[(
            "sort/a/1",
            Some(CaseFailure::PanickedInCandidate { message }),
        )],
    );
    let silent = Said::Failed(Failed::Silent(Duration::from_secs(60)));
    check(
        &[silent, cases(&["sort/a/1"])],
        &[("sort/a/1", Some(CaseFailure::TimedOut { after_ms: 60_000 }))],
    );
}

#[test]
fn a_new_suite_that_fails_does_not_disappear() {
    let panicked = Said::Failed(Failed::Panicked("no fixture".to_owned()));
    let message = "no fixture".to_owned();
    check(
        &[Said::NoSuite, panicked],
        &[(
            "sort/(all cases)",
            Some(CaseFailure::PanickedInCandidate { message }),
        )],
    );
    check(&[Said::NoSuite, cases(&[])], &[]);
}

#[test]
fn ids_of_any_project_get_their_suite_in_front() {
    check(
        &[cases(&["fib 20", "Fib/20"]), cases(&["fib 20", "Fib/20"])],
        &[("sort/fib 20", None), ("sort/Fib/20", None)],
    );
}

#[test]
fn names_with_one_id_are_one_case_that_is_not_measured() {
    let names = |names: &[&str]| CaseFailure::AmbiguousId {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    check(
        &[cases(&["sort/a/1"]), cases(&["sort/a/1", "b", "a/1"])],
        &[
            ("sort/a/1", Some(names(&["sort/a/1", "a/1"]))),
            ("sort/b", Some(CaseFailure::MissingInBase)),
        ],
    );
    check(
        &[cases(&["sort/a/1", "sort/a/1"]), cases(&["sort/a/1"])],
        &[("sort/a/1", Some(names(&["sort/a/1", "sort/a/1"])))],
    );
}

#[test]
fn turns_need_both_sides() {
    let old = Said::Cases {
        names: vec!["sort/a/1".to_owned()],
        takes_turns: false,
    };
    for (said, expected) in [
        ([cases(&["sort/a/1"]), cases(&["sort/a/1"])], true),
        ([old.clone(), cases(&["sort/a/1"])], false),
        ([cases(&["sort/a/1"]), old], false),
    ] {
        assert_eq!(merge("sort", &said)[0].takes_turns, expected);
    }
}
