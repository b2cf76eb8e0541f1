//! Is it the code, or where the linker put it: a case that is slower is judged again over other orders of its functions.
//!
//! One order of each side is one observation, whatever its rounds: they share all that a layout does. The orders of the
//! two sides are drawn independently, so that for equally fast code either side is as likely to be the slower one, and
//! the test over rounds is also the test over orders.
//!
//! Orders that cannot tell are looked at again with as many more, as long as [`LOOKS`] goes.

use crate::compare::{FALSE_ALARM_BUDGET, Ratio};
use crate::pairs::comparison::{Delta, LayoutCheck, Next, OverLayouts, PairRow, Way};
use crate::pairs::cross::{Reading, Work};
use crate::pairs::level::rounds_for;
use crate::pairs::sample::{PairCase, Round};
use crate::pairs::test::{self, Clock, Tail};
use crate::stats::{CONFIDENCE, quantile};
use crate::verdict::Verdict;

use super::case::Clocks;

/// Orders at the least: twelve that all lean one way do so by chance once in 4,096 times, which leaves room for two or
/// three that disagree.
const LEAST_LAYOUTS: usize = 12;

/// How often orders are looked at, each time twice as many as before; the looks share one budget.
///
/// Orders of one function differ by 0.3 to 4 % as a rule. Twelve that differ by 1.5 % leave an interval of 1.1 % to either
/// side, as wide as most slowdowns that come here; 48 leave 0.5 %.
const LOOKS: u32 = 3;

/// A slowdown whose orders are no more lopsided than this is gone.
///
/// It is far above the level of an accusation: between the two, orders say neither.
const GONE: f64 = 0.05;

/// Puts a layout suspect's orders into its row, and asks for them where they are missing.
///
/// `n_accused` cases share one budget, as they do for their fresh rounds.
pub(super) fn check(
    row: &mut PairRow,
    case: &PairCase,
    clocks: &Clocks,
    work: Work,
    n_accused: usize,
) {
    match Reading::of(row.verdict, work) {
        Reading::Plain => {}
        Reading::FasterSuspect => add_reason(row, "may be layout: nobody relinked it"),
        Reading::HiddenWork => add_reason(
            row,
            "it does more instructions, and time does not show them",
        ),
        Reading::SlowerSuspect => {
            if let Some((clock, accusation)) = clocks.mover(Way::Slower) {
                row.layout = over_layouts(case, clock, accusation, n_accused);
                conclude(row);
                row.next = next(&row.layout, n_accused);
            }
        }
    }
}

fn over_layouts(
    case: &PairCase,
    clock: Clock,
    accusation: &Delta,
    n_accused: usize,
) -> LayoutCheck {
    if let Some(reason) = &case.layout_failure {
        return LayoutCheck::Impossible {
            reason: reason.clone(),
        };
    }
    let layouts = case.layout_rounds.iter();
    let log_ratios: Option<Vec<f64>> = layouts.map(|rounds| log_ratio(rounds, clock)).collect();
    let log_ratios = log_ratios.unwrap_or_default();
    if log_ratios.len() < n_layouts(n_accused) {
        return LayoutCheck::Needed;
    }
    judged(&log_ratios, accusation, level(n_accused)).unwrap_or(LayoutCheck::Needed)
}

/// The median over the rounds of one order.
fn log_ratio(rounds: &[Round], clock: Clock) -> Option<f64> {
    quantile(&test::log_ratios(rounds, clock)?, 0.5)
}

/// What the p-value of a slowdown that is in the code stays within, at each look.
fn level(n_accused: usize) -> f64 {
    FALSE_ALARM_BUDGET / f64::from(LOOKS) / n_accused as f64
}

/// How many orders can tell, at the first look.
fn n_layouts(n_accused: usize) -> usize {
    // Only one direction accuses, which halves the smallest p-value.
    rounds_for(1, 2.0 * level(n_accused)).max(LEAST_LAYOUTS)
}

/// How many orders there should be, while they do not tell.
fn next(layout: &LayoutCheck, n_accused: usize) -> Next {
    let at_first = n_layouts(n_accused);
    match layout {
        LayoutCheck::Needed => Next::Relink {
            n_layouts: at_first,
        },
        LayoutCheck::Open(over) => {
            let looks = (1..LOOKS).map(|look| at_first << look);
            let mut larger = looks.filter(|n_layouts| *n_layouts > over.n_layouts);
            let n_layouts = larger.next();
            n_layouts.map_or(Next::Nothing, |n_layouts| Next::Relink { n_layouts })
        }
        LayoutCheck::NotNeeded
        | LayoutCheck::Impossible { .. }
        | LayoutCheck::Held(_)
        | LayoutCheck::Gone(_) => Next::Nothing,
    }
}

fn judged(log_ratios: &[f64], accusation: &Delta, level: f64) -> Option<LayoutCheck> {
    let estimate = test::estimate(log_ratios)?;
    let (low, high) = test::interval(log_ratios, CONFIDENCE)?;
    let over = OverLayouts {
        n_layouts: log_ratios.len(),
        ratio: Ratio {
            estimate: estimate.exp(),
            low: low.exp(),
            high: high.exp(),
        },
        p: test::p_value(log_ratios, 0.0, Tail::Slower),
    };
    let floor = accusation.floor.ln_1p();
    Some(if over.p <= level && estimate > floor {
        LayoutCheck::Held(over)
    } else if high < floor || is_explained(log_ratios, &over, accusation) {
        LayoutCheck::Gone(over)
    } else {
        LayoutCheck::Open(over)
    })
}

/// Whether orders alone do what was seen, and the code does not: that all orders together are as much slower is ruled
/// out, nothing says that they are slower at all, and some order is as much slower, as far as that is known.
fn is_explained(log_ratios: &[f64], over: &OverLayouts, accusation: &Delta) -> bool {
    let slowest = log_ratios.iter().copied().fold(f64::MIN, f64::max);
    over.p > GONE
        && over.ratio.estimate < 1.0 + accusation.floor
        && over.ratio.high < accusation.ratio.estimate
        && slowest >= accusation.ratio.low.ln()
}

/// What the orders make of the accusation. Without them it stands: nothing speaks for the layout yet.
fn conclude(row: &mut PairRow) {
    let percent = |over: &OverLayouts| {
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        let Ratio {
            estimate,
            low,
            high,
        } = over.ratio;
        format!(
            "over {} orders of its functions it is {:+.1} % [{:+.1}, {:+.1}]",
            over.n_layouts,
            percent(estimate),
            percent(low),
            percent(high)
        )
    };
    match row.layout.clone() {
        LayoutCheck::NotNeeded => {}
        LayoutCheck::Needed => add_reason(row, "may be layout: nobody relinked it"),
        LayoutCheck::Impossible { reason } => {
            add_reason(
                row,
                &format!("may be layout: it could not be relinked: {reason}"),
            );
        }
        LayoutCheck::Held(over) => add_reason(row, &percent(&over)),
        LayoutCheck::Gone(over) => {
            row.verdict = Verdict::Unchanged;
            row.reason = Some(format!("layout, not code: {}", percent(&over)));
        }
        LayoutCheck::Open(over) => {
            row.verdict = Verdict::Inconclusive;
            row.reason = Some(format!("cannot tell layout from code: {}", percent(&over)));
        }
    }
}

fn add_reason(row: &mut PairRow, reason: &str) {
    row.reason = Some(match row.reason.take() {
        None => reason.to_owned(),
        Some(before) => format!("{before}; {reason}"),
    });
}
