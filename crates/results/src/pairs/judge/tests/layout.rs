//! Slower cases over other orders of their functions, and what instruction counts say of them.

use std::collections::BTreeMap;

use crate::pairs::comparison::{LayoutCheck, Next, PairRow};
use crate::pairs::control::NullEstimates;
use crate::pairs::judge::{MOST_ROUNDS, Terms, judge};
use crate::pairs::sample::{PairCase, SameProgram};
use crate::pairs::synthetic::{around, case, run};
use crate::relevance::PairRelevance;
use crate::verdict::Verdict;

fn row_of(case: PairCase, count_ratio: Option<f64>) -> PairRow {
    let count_ratios: BTreeMap<_, _> = count_ratio
        .into_iter()
        .map(|ratio| (case.id.clone(), ratio))
        .collect();
    let terms = Terms {
        relevance: &PairRelevance::default(),
        null_estimates: &NullEstimates::default(),
        n_rounds_most: MOST_ROUNDS,
        count_ratios: &count_ratios,
    };
    judge(&run(vec![case]), &terms).rows.remove(0)
}

/// Slower by four percent as it was linked, and confirmed.
fn slower() -> PairCase {
    case("suite/case")
        .with_rounds(&around(4.0, 0.3, 15))
        .with_confirm(&around(4.0, 0.3, 15))
}

#[test]
fn a_slower_case_asks_for_other_orders_and_stands_accused_meanwhile() {
    for few in [0, 11] {
        let row = row_of(slower().with_layouts(&around(0.0, 0.3, few)), None);
        assert_eq!(row.verdict, Verdict::Regressed);
        assert_eq!(row.layout, LayoutCheck::Needed);
        assert_eq!(row.next, Next::Relink { n_layouts: 12 });
    }
}

#[test]
fn what_other_orders_show_too_is_the_code_and_what_they_do_not_is_the_layout() {
    for (layouts, verdict, reason) in [
        // Quiet layouts: the code is slower, by what matters, by less, or not at all.
        (around(4.0, 0.3, 12), Verdict::Regressed, "it is +4."),
        (around(0.3, 0.1, 12), Verdict::Unchanged, "layout, not code"),
        (around(0.0, 0.3, 12), Verdict::Unchanged, "layout, not code"),
        // Loud ones: four percent is what an order does anyway, or is less than it adds to.
        (around(0.0, 5.0, 12), Verdict::Unchanged, "layout, not code"),
        (around(9.0, 8.0, 12), Verdict::Regressed, "it is +"),
    ] {
        let row = row_of(slower().with_layouts(&layouts), None);
        let said = row.reason.clone().unwrap_or_default();
        assert_eq!(row.verdict, verdict, "{row:?}");
        assert!(said.contains(reason), "{said}");
        assert_eq!(row.next, Next::Nothing);
    }
}

#[test]
fn orders_that_cannot_tell_are_joined_by_as_many_more_and_in_the_end_say_so() {
    // Slower in most orders, by less than was seen.
    let row = row_of(slower().with_layouts(&around(0.6, 2.0, 12)), None);
    assert_eq!(row.next, Next::Relink { n_layouts: 24 });
    // As much slower as was seen, as far as such loud orders can tell.
    let layouts = around(2.0, 20.0, 48);
    for (few, next) in [
        (12, Next::Relink { n_layouts: 24 }),
        (23, Next::Relink { n_layouts: 24 }),
        (24, Next::Relink { n_layouts: 48 }),
        (48, Next::Nothing),
    ] {
        let row = row_of(slower().with_layouts(&layouts[..few]), None);
        let said = row.reason.clone().unwrap_or_default();
        assert_eq!(row.verdict, Verdict::Inconclusive, "{few}: {said}");
        assert!(said.contains("cannot tell"), "{said}");
        assert_eq!(row.next, next, "{few}: {said}");
    }
}

#[test]
fn a_case_that_cannot_be_relinked_stays_regressed_and_says_so() {
    let mut case = slower();
    case.layout_failure = Some("the linker knows no order".to_owned());
    let row = row_of(case, None);
    assert_eq!((row.verdict, row.next), (Verdict::Regressed, Next::Nothing));
    let reason = row.reason.expect("a reason");
    assert!(reason.contains("the linker knows no order"), "{reason}");
}

#[test]
fn more_instructions_need_no_other_order_and_as_many_do() {
    let more = row_of(slower(), Some(1.04));
    assert_eq!(
        (more.verdict, more.layout),
        (Verdict::Regressed, LayoutCheck::NotNeeded)
    );
    for as_many in [1.0, 0.9] {
        assert_eq!(row_of(slower(), Some(as_many)).layout, LayoutCheck::Needed);
    }
}

#[test]
fn more_instructions_that_take_no_time_are_a_warning() {
    let same = case("suite/case").with_rounds(&around(0.0, 0.3, 15));
    let row = row_of(same, Some(1.02));
    assert_eq!(row.verdict, Verdict::Unchanged);
    assert!(row.reason.expect("a warning").contains("more instructions"));
}

#[test]
fn faster_may_be_layout_unless_there_is_less_to_do() {
    let faster = || {
        let fast = around(-4.0, 0.3, 15);
        case("suite/case").with_rounds(&fast).with_confirm(&fast)
    };
    for count_ratio in [None, Some(1.0)] {
        let reason = row_of(faster(), count_ratio).reason;
        assert!(reason.expect("a caveat").contains("may be layout"));
    }
    assert_eq!(row_of(faster(), Some(0.96)).reason, None);
}

#[test]
fn the_same_program_is_unchanged_without_a_round() {
    for (same, said) in [
        (SameProgram::Wholly, "the same program"),
        (SameProgram::ButForLines, "but for line numbers"),
    ] {
        let mut case = case("suite/case");
        case.same_program = Some(same);
        let row = row_of(case, None);
        assert_eq!((row.verdict, row.next), (Verdict::Unchanged, Next::Nothing));
        assert!(row.reason.expect("a reason").contains(said));
    }
}
