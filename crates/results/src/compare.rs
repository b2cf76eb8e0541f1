//! Holds measurements against a baseline: pure, with numbers in and verdicts out.
//!
//! Wall times. A candidate is usually one process, and the mean of identical code moves between processes; how much
//! cannot be seen from inside one. So the spread between processes is borrowed from the baseline, and a change is
//!
//! ```text
//!                                    ratio candidate ÷ baseline, on the log scale
//!        ────────┬──────────────────────────┼──────────────────────────┬────────▶
//!         1 ÷ (1 + relevance)               1                    1 + relevance
//!   improved     │         unchanged: the 95 % interval lies in here   │    regressed
//!  ◀─────────────┤                                                     ├─────────────▶
//!   the interval that shares one false-alarm budget among all cases lies wholly out here
//! ```
//!
//! and *inconclusive* everywhere else. "More than noise" is the shared budget, "large enough to care" the relevance.
//!
//! Instruction counts are exact, so they are compared exactly, beyond a small floor.

use std::collections::BTreeMap;

use crate::allocations::Allocations;
use crate::baseline::allocations::AllocationCase;
use crate::baseline::{CountCase, TimeCase};
use crate::figures::Bound;
use crate::stats::{self, CONFIDENCE, LogMoments, Quantile};
use crate::verdict::{Promise, Verdict};

/// The chance that a whole suite run of unchanged code accuses or praises one case or more.
pub const FALSE_ALARM_BUDGET: f64 = 0.01;

/// The smallest number of tests that share the budget.
///
/// A run of one case is as easily led astray by its machine as a run of sixty, so a filter buys no sharper verdict.
pub const MIN_FAMILY: usize = 50;

/// Wall-time changes below this share do not matter unless the case's table entry says otherwise.
///
/// One process against a stored baseline cannot see less on a shared machine; paired runs can.
pub const TIME_RELEVANCE: f64 = 0.20;

/// Instruction-count changes below this share do not matter unless the case's table entry says otherwise.
///
/// Half of the half percent that counts are to show without fail, and more than twice what they may differ by without a
/// change of the code.
pub const COUNT_RELEVANCE: f64 = 0.0025;

/// Changes of allocations below this share do not matter: a longer text in one field of a large state.
pub const ALLOCATION_RELEVANCE: f64 = 0.01;

/// The spread between processes, on the log scale, that is believed of a case at least in part, however calm its few
/// recorded processes were: five equal runs do not show that a slower mode, seen once in ten runs, is not there.
///
/// With [`PRIOR_FREEDOM`] it keeps a mode 40 % slower that the baseline never saw from being called a regression.
pub const SPREAD_FLOOR: f64 = 0.05;

/// How many degrees of freedom the spread of the whole suite weighs beside a case's own.
pub const PRIOR_FREEDOM: f64 = 4.0;

/// The spread of a ratio of two cases of one process, for each side: layout, not neighbours, which both share.
pub const RATIO_SPREAD_FLOOR: f64 = 0.02;

/// Cases from which on the run as a whole can be seen to have moved.
pub const MIN_CASES_FOR_SHIFT: usize = 8;

/// The share of all cases that must have moved one way for the run as a whole to have moved.
const SHIFT_QUANTILE: f64 = 0.25;

/// Counts may differ by this share without a change of the code: other address, other path through the allocator.
pub const COUNT_FLOOR_SHARE: f64 = 0.001;

/// Counts may differ by this many instructions, so that tiny cases are not accused for their harness.
pub const COUNT_FLOOR: f64 = 5.0;

/// A ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// Best guess.
    pub estimate: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// One case with both sides.
#[derive(Debug, Clone, Copy)]
pub struct TimePair<'a> {
    /// What was recorded.
    pub baseline: &'a TimeCase,
    /// What stood for each candidate process, in nanoseconds; usually one.
    pub runs_ns: &'a [f64],
    /// Standard error within a candidate process on the log scale.
    pub within: f64,
    /// The share below which a change of this case does not matter.
    pub relevance: f64,
}

/// What is said about a case, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Candidate ÷ baseline; unset if a side holds no usable time.
    pub ratio: Option<Ratio>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not a plain one; unset otherwise.
    pub reason: Option<String>,
}

/// The spread between processes that is usual on the machine, from all its baselines and at least [`SPREAD_FLOOR`].
///
/// The median over the cases, so that one wild case does not blind the others.
pub fn usual_spread<'a>(cases: impl IntoIterator<Item = &'a TimeCase>) -> f64 {
    let spreads: Vec<f64> = cases
        .into_iter()
        .map(|case| case.moments.deviation)
        .collect();
    stats::quantile(&spreads, 0.5).map_or(SPREAD_FLOOR, |median| median.max(SPREAD_FLOOR))
}

/// Judges all cases of a run together.
///
/// `family` is the number of cases the baselines of the machine hold; see [`MIN_FAMILY`].
pub fn times(pairs: &[TimePair<'_>], usual_spread: f64, family: usize) -> Vec<Judgement> {
    let mut factors = BTreeMap::new();
    let changes: Vec<Option<Change>> = pairs
        .iter()
        .map(|pair| Change::of(pair, usual_spread, &mut factors))
        .collect();
    let shift = Shift::of(changes.iter().flatten());
    let p_values: Vec<f64> = changes
        .iter()
        .map(|change| change.as_ref().map_or(1.0, |change| change.p_value(shift)))
        .collect();
    let p_values_without_shift: Vec<f64> = changes
        .iter()
        .map(|change| {
            change
                .as_ref()
                .map_or(1.0, |change| change.p_value(Shift::default()))
        })
        .collect();
    let family = family.max(MIN_FAMILY);
    let falls = stats::holm(&p_values, FALSE_ALARM_BUDGET, family);
    let would_fall = stats::holm(&p_values_without_shift, FALSE_ALARM_BUDGET, family);

    let judged = changes.iter().zip(falls).zip(would_fall);
    judged
        .map(|((change, falls), would_fall)| match change {
            Some(change) => change.judge(falls, would_fall, shift),
            None => Judgement {
                ratio: None,
                verdict: Verdict::NotJudged,
                reason: Some("a time of it is not a positive number".to_owned()),
            },
        })
        .collect()
}

/// Judges one count; exact, so there is nothing to share a budget for.
pub fn count(baseline: &CountCase, instructions: u64, relevance: f64) -> Judgement {
    let before = baseline.instructions as f64;
    let now = instructions as f64;
    let difference = now - before;
    let floor = (baseline.band as f64)
        .max(before * COUNT_FLOOR_SHARE)
        .max(COUNT_FLOOR);
    let share = difference / before;
    let verdict = if difference.abs() <= floor || share.abs() <= relevance {
        Verdict::Unchanged
    } else if difference > 0.0 {
        Verdict::Regressed
    } else {
        Verdict::Improved
    };
    let estimate = now / before;
    Judgement {
        ratio: Some(Ratio {
            estimate,
            low: estimate,
            high: estimate,
        }),
        verdict,
        reason: None,
    }
}

/// Judges the allocations of a case; exact, so there is nothing to share a budget for.
///
/// More of any of the three is a regression, also if another one shrank: the reason names each that changed. The ratio
/// is that of the count.
pub fn allocations(baseline: &AllocationCase, now: &Allocations) -> Judgement {
    let AllocationCase { smallest, band } = baseline;
    let numbers = [
        ("allocations", smallest.count, band.count, now.count),
        ("bytes", smallest.bytes, band.bytes, now.bytes),
        ("bytes at once", smallest.peak, band.peak, now.peak),
    ];
    let is_changed = |(_, before, band, now): &(&str, u64, u64, u64)| {
        let difference = now.abs_diff(*before);
        difference > *band && difference as f64 > *before as f64 * ALLOCATION_RELEVANCE
    };
    let changed: Vec<_> = numbers.into_iter().filter(is_changed).collect();
    let verdict = if changed.is_empty() {
        Verdict::Unchanged
    } else if changed.iter().any(|(_, before, _, now)| now > before) {
        Verdict::Regressed
    } else {
        Verdict::Improved
    };
    let reasons: Vec<String> = changed
        .iter()
        .map(|(what, before, _, now)| format!("{what} {before} → {now}"))
        .collect();
    let estimate = now.count as f64 / smallest.count as f64;
    Judgement {
        ratio: estimate.is_finite().then_some(Ratio {
            estimate,
            low: estimate,
            high: estimate,
        }),
        verdict,
        reason: (!reasons.is_empty()).then(|| reasons.join(", ")),
    }
}

/// The ratio of two cases measured by one process, from their per-iteration times.
pub fn ratio_within_run(numerator: &[f64], denominator: &[f64]) -> Option<Ratio> {
    let (above, below) = (
        Quantile::location(numerator)?,
        Quantile::location(denominator)?,
    );
    let estimate = (above.estimate / below.estimate).ln();
    let layout = 2.0 * RATIO_SPREAD_FLOOR.powi(2);
    let error = (above.log_error().powi(2) + below.log_error().powi(2) + layout).sqrt();
    let half_width = stats::t_quantile(CONFIDENCE, PRIOR_FREEDOM) * error;
    let ratio = Ratio::around(estimate, half_width);
    ratio.estimate.is_finite().then_some(ratio)
}

/// Holds an interval against a bound; exact values have an interval of one point.
pub fn promise((low, high): (f64, f64), bound: Bound) -> Promise {
    let (all_keep, none_keeps) = match bound {
        Bound::AtMost(most) => (high <= most, low > most),
        Bound::AtLeast(least) => (low >= least, high < least),
        // The two sides are equal in the file they came from, or they are not.
        Bound::Exactly(value) => (low == value && high == value, low > value || high < value),
    };
    match (all_keep, none_keeps) {
        (true, _) => Promise::Met,
        (_, true) => Promise::Missed,
        _ => Promise::Inconclusive,
    }
}

impl Ratio {
    fn around(log_estimate: f64, half_width: f64) -> Self {
        Self {
            estimate: log_estimate.exp(),
            low: (log_estimate - half_width).exp(),
            high: (log_estimate + half_width).exp(),
        }
    }
}

/// How far a whole run moved, on the log scale; zero where it did not.
///
/// If three quarters of all cases are slower, no single path is to blame: it is the machine, or something that all
/// cases share. The part that they share is taken off before a single case is accused.
#[derive(Debug, Clone, Copy, Default)]
struct Shift {
    slower: f64,
    faster: f64,
}

impl Shift {
    fn of<'a>(changes: impl Iterator<Item = &'a Change>) -> Self {
        let differences: Vec<f64> = changes.map(|change| change.difference).collect();
        if differences.len() < MIN_CASES_FOR_SHIFT {
            return Self::default();
        }
        let quantile = |q| stats::quantile(&differences, q).unwrap_or(0.0);
        Self {
            slower: quantile(SHIFT_QUANTILE).max(0.0),
            faster: quantile(1.0 - SHIFT_QUANTILE).min(0.0),
        }
    }

    /// The share, as it is said to people.
    fn in_words(self) -> String {
        let share = ((self.slower + self.faster).exp() - 1.0) * 100.0;
        format!("the whole run moved by {share:+.0} %: the machine, or something all cases share")
    }
}

/// One case on the log scale.
struct Change {
    difference: f64,
    error: f64,
    /// Half of the 95 % interval.
    half_width: f64,
    freedom: f64,
    relevance: f64,
}

impl Change {
    /// `factors` keeps the t quantile by own degrees of freedom: nearly all cases of a run share one.
    fn of(
        pair: &TimePair<'_>,
        usual_spread: f64,
        factors: &mut BTreeMap<usize, f64>,
    ) -> Option<Self> {
        let baseline = pair.baseline.moments;
        let candidate = LogMoments::of(pair.runs_ns)?;
        let own_freedom = baseline.count + candidate.count - 2;
        let freedom = own_freedom as f64 + PRIOR_FREEDOM;
        let squares = |moments: LogMoments| moments.deviation.powi(2) * (moments.count - 1) as f64;
        let between =
            (squares(baseline) + squares(candidate) + usual_spread.powi(2) * PRIOR_FREEDOM)
                / freedom;
        // What one process does not know of itself is already in the spread between processes, as far as the
        // baseline's processes were as well sampled as this one.
        let extra = (pair.within.powi(2) - pair.baseline.within.powi(2)).max(0.0);
        let candidates = candidate.count as f64;
        let variance =
            between * (1.0 / baseline.count as f64 + 1.0 / candidates) + extra / candidates;
        let error = variance.sqrt();
        let factor = factors
            .entry(own_freedom)
            .or_insert_with(|| stats::t_quantile(CONFIDENCE, freedom));
        Some(Self {
            difference: candidate.mean - baseline.mean,
            error,
            half_width: *factor * error,
            freedom,
            relevance: pair.relevance.ln_1p(),
        })
    }

    /// Two-sided: the chance of as large a change if the truth is just not relevant and the run as a whole moved.
    fn p_value(&self, shift: Shift) -> f64 {
        let slower = (self.difference - self.relevance - shift.slower) / self.error;
        let faster = (-self.difference - self.relevance + shift.faster) / self.error;
        let beyond = slower.max(faster);
        // Twice the tail from the middle on is everything.
        if beyond <= 0.0 {
            return 1.0;
        }
        2.0 * stats::t_tail(beyond, self.freedom)
    }

    fn judge(&self, falls: bool, would_fall: bool, shift: Shift) -> Judgement {
        let low = self.difference - self.half_width;
        let high = self.difference + self.half_width;
        let (verdict, reason) = if falls && self.difference > 0.0 {
            (Verdict::Regressed, None)
        } else if falls {
            (Verdict::Improved, None)
        } else if would_fall {
            (Verdict::Inconclusive, Some(shift.in_words()))
        } else if -self.relevance < low && high < self.relevance {
            (Verdict::Unchanged, None)
        } else if low > 0.0 || high < 0.0 {
            let reason = "it moved, but not surely by enough to care";
            (Verdict::Inconclusive, Some(reason.to_owned()))
        } else {
            let unseen = (high.exp() - 1.0) * 100.0;
            let reason = format!("noise would hide a change of {unseen:+.0} %");
            (Verdict::Inconclusive, Some(reason))
        };
        Judgement {
            ratio: Some(Ratio::around(self.difference, self.half_width)),
            verdict,
            reason,
        }
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
