//! What a report says of how response times are spread.

use serde::{Deserialize, Serialize};

use crate::run::Ran;

/// One bar of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// From this latency.
    pub from_ns: u64,
    /// To this one; the last bar also holds what took longer.
    pub to_ns: u64,
    /// How many.
    pub count: u64,
}

/// Bars of a histogram.
const BARS: usize = 40;

/// Response times of a run in bars of equal width; the last one holds all beyond the 99.5th percentile.
pub(super) fn bars(ran: &Ran) -> Vec<Bar> {
    let came = ran.recorder.all().response.came;
    if came.is_empty() {
        return Vec::new();
    }
    let low = came.min();
    let high = came.value_at_quantile(0.995).max(low + 1);
    let width = (high - low).div_ceil(BARS as u64).max(1);
    let mut bars: Vec<Bar> = (0..BARS as u64)
        .map(|index| Bar {
            from_ns: low + index * width,
            to_ns: low + (index + 1) * width,
            count: 0,
        })
        .collect();
    for step in came.iter_recorded() {
        let index = (step.value_iterated_to().saturating_sub(low) / width) as usize;
        bars[index.min(BARS - 1)].count += step.count_since_last_iteration();
    }
    bars
}
