//! The table of cases, the same in text, Markdown and HTML.

use super::model::{Case, Kind};
use super::words;
use crate::record::Unit;
use crate::verdict::Verdict;

/// The heads of the columns between a case's name and its verdict.
pub(super) fn heads(kind: Kind, unit: Unit) -> Vec<&'static str> {
    match (kind, unit) {
        (Kind::Baselines, Unit::Nanoseconds) => vec!["time", "baseline", "change [95 %]"],
        (Kind::Baselines, counted) => vec![counted.as_str(), "baseline", "change"],
        (Kind::Pairs, _) => vec!["time [95 %]", "p", "rounds", "floor"],
    }
}

/// What stands below them.
pub(super) fn cells(case: &Case, kind: Kind) -> Vec<String> {
    let change = case.change;
    let quantity = |value| words::or_none(value, |value| words::quantity(value, case.unit));
    let delta = words::or_none(change, |change| words::delta(change.ratio));
    match kind {
        Kind::Baselines => vec![quantity(case.now), quantity(case.before), delta],
        Kind::Pairs => vec![
            delta,
            words::or_none(change.and_then(|change| change.p_corrected), words::p_value),
            words::or_none(case.n_rounds, |n_rounds| n_rounds.to_string()),
            words::or_none(change.and_then(|change| change.floor), words::share),
        ],
    }
}

/// What a reader must see first has the smallest rank.
pub(super) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Regressed => 0,
        Verdict::Missing => 1,
        Verdict::Inconclusive => 2,
        Verdict::Accepted => 3,
        Verdict::Improved => 4,
        Verdict::Unchanged => 5,
        Verdict::New => 6,
        Verdict::NotJudged => 7,
    }
}
