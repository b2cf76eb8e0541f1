//! One case by one clock.

use crate::compare::Ratio;
use crate::pairs::comparison::{ClockVerdict, Delta};
use crate::pairs::sample::Round;
use crate::pairs::test::{self, Clock, Tail};
use crate::stats::CONFIDENCE;

/// What the rounds say before the run's other tests are known; log ratios.
pub(super) struct Tested {
    estimate: f64,
    low: f64,
    high: f64,
    /// Two-sided, against "nothing changed".
    pub(super) p: f64,
    relevance: f64,
    floor: f64,
}

/// What the run's tests together say about one of them.
pub(super) struct Family {
    /// Holm's procedure fells it.
    pub(super) falls: bool,
    /// Benjamini and Hochberg's names it.
    pub(super) is_named: bool,
    /// Holm's corrected p-value.
    pub(super) p_corrected: f64,
}

impl Tested {
    /// `relevance` is a share, `null_floor` a log ratio. `None` if there are too few rounds for an interval.
    pub(super) fn of(
        rounds: &[Round],
        clock: Clock,
        relevance: f64,
        null_floor: f64,
    ) -> Option<Self> {
        let log_ratios = test::log_ratios(rounds, clock)?;
        let (low, high) = test::interval(&log_ratios, CONFIDENCE)?;
        let relevance = relevance.ln_1p();
        Some(Self {
            estimate: test::estimate(&log_ratios)?,
            low,
            high,
            p: test::p_value(&log_ratios, 0.0, Tail::Both),
            relevance,
            floor: relevance.max(null_floor),
        })
    }

    pub(super) fn judged(&self, family: &Family) -> Delta {
        let verdict = if family.falls && self.low > self.floor {
            ClockVerdict::Slower
        } else if family.is_named && self.high < -self.floor {
            ClockVerdict::Faster
        } else if -self.relevance < self.low && self.high < self.relevance {
            ClockVerdict::Same
        } else {
            ClockVerdict::Open
        };
        Delta {
            ratio: Ratio {
                estimate: self.estimate.exp(),
                low: self.low.exp(),
                high: self.high.exp(),
            },
            p: self.p,
            p_corrected: family.p_corrected,
            floor: self.floor.exp_m1(),
            verdict,
        }
    }
}

/// Whether an interval that shrinks by `factor` may decide about the case: around its estimate, or around one that is
/// off by as much as the present estimate well may be.
///
/// More rounds also move the estimate. One that happens to lie near an edge must not be given up for that: of slowdowns
/// by 1 %, half of all would be left open with time to spare.
pub(super) fn may_decide(delta: &Delta, relevance: f64, factor: f64) -> bool {
    let estimate = delta.ratio.estimate.ln();
    let (below, above) = (
        estimate - delta.ratio.low.ln(),
        delta.ratio.high.ln() - estimate,
    );
    let (relevance, floor) = (relevance.ln_1p(), delta.floor.ln_1p());
    let decides = |estimate: f64| {
        let (low, high) = (estimate - below * factor, estimate + above * factor);
        let is_within = -relevance < low && high < relevance;
        is_within || low > floor || high < -floor
    };
    let off = [0.0, -STANDARD_ERROR * below, STANDARD_ERROR * above];
    off.iter().any(|off| decides(estimate + off))
}

/// The standard error of an estimate as a part of half its 95 % interval.
const STANDARD_ERROR: f64 = 1.0 / 1.96;
