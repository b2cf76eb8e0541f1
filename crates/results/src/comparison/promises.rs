//! Figures with their bounds, and ratios of two cases of one run: judged on any machine.

use std::collections::BTreeMap;

use super::{Comparison, Locations, PromiseRow, Scope};
use crate::case_id::CaseId;
use crate::compare;
use crate::criterion::Measurement;
use crate::error::Error;
use crate::figures::{self, Figure};
use crate::tables::{RatioPair, read_ratios};
use crate::verdict::Promise;

pub(super) fn add(
    comparison: &mut Comparison,
    locations: &Locations,
    scope: &Scope,
    current: &BTreeMap<&CaseId, &Measurement>,
) -> Result<(), Error> {
    for suite in figures::suites(&locations.criterion)? {
        if scope.has_suite(&suite) {
            let figures = figures::read(&locations.criterion, &suite)?;
            let rows = figures.into_iter().map(|figure| of_figure(&suite, figure));
            comparison.promises.extend(rows);
        }
    }
    for pair in read_ratios(&locations.benches())? {
        let is_here =
            current.contains_key(&pair.numerator) || current.contains_key(&pair.denominator);
        let is_due = scope.ran.is_none() && scope.has_suite(pair.numerator.suite());
        if is_here || is_due {
            comparison.promises.push(of_ratio(&pair, current));
        }
    }
    comparison
        .promises
        .sort_by(|left, right| (&left.suite, &left.name).cmp(&(&right.suite, &right.name)));
    Ok(())
}

fn of_figure(suite: &str, figure: Figure) -> PromiseRow {
    let interval = figure.interval.unwrap_or((figure.value, figure.value));
    let promise = figure
        .bound
        .map_or(Promise::Stated, |bound| compare::promise(interval, bound));
    PromiseRow {
        suite: suite.to_owned(),
        name: figure.name,
        value: Some(figure.value),
        interval: figure.interval,
        unit: figure.unit,
        bound: figure.bound,
        promise,
        text: figure.text,
    }
}

fn of_ratio(pair: &RatioPair, current: &BTreeMap<&CaseId, &Measurement>) -> PromiseRow {
    let times = |id: &CaseId| current.get(id).map(|measurement| &*measurement.times_ns);
    let ratio = match (times(&pair.numerator), times(&pair.denominator)) {
        (Some(numerator), Some(denominator)) => compare::ratio_within_run(numerator, denominator),
        _ => None,
    };
    let promise = ratio.map_or(Promise::Inconclusive, |ratio| {
        compare::promise((ratio.low, ratio.high), pair.bound)
    });
    // Both cases are usually of one suite; the second needs its suite only if it is another one.
    let below = if pair.denominator.suite() == pair.numerator.suite() {
        pair.denominator.key()
    } else {
        pair.denominator.as_str()
    };
    PromiseRow {
        suite: pair.numerator.suite().to_owned(),
        name: format!("{} ÷ {below}", pair.numerator.key()),
        value: ratio.map(|ratio| ratio.estimate),
        interval: ratio.map(|ratio| (ratio.low, ratio.high)),
        unit: String::new(),
        bound: Some(pair.bound),
        promise,
        text: pair.text.clone(),
    }
}
