//! What a report says of promises.

use serde::{Deserialize, Serialize};

use crate::slo::judge::{Judgement, Standing};

/// One promise with its judgement. Numbers are in the unit of the bound, nanoseconds for latencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SloRow {
    /// The promise on one line.
    pub slo: String,
    /// What the run says of it.
    pub standing: Standing,
    /// The bound.
    pub bound: f64,
    /// What was measured; unset if it never came, or nothing was measured.
    pub estimate: Option<f64>,
    /// Lower end of the interval; unset if there is none.
    pub low: Option<f64>,
    /// Upper end of the interval; unset if there is none.
    pub high: Option<f64>,
    /// Samples that it rests on.
    pub samples: u64,
    /// Samples that it takes at least.
    pub needed: u64,
}

impl SloRow {
    pub(super) fn new(judgement: &Judgement) -> Self {
        let finite = |number: f64| number.is_finite().then_some(number);
        let measured = judgement.samples > 0;
        Self {
            slo: judgement.slo.clone(),
            standing: judgement.standing,
            bound: judgement.bound,
            estimate: finite(judgement.estimate).filter(|_| measured),
            low: finite(judgement.low).filter(|_| measured),
            high: finite(judgement.high).filter(|_| measured),
            samples: judgement.samples,
            needed: judgement.needed,
        }
    }
}
