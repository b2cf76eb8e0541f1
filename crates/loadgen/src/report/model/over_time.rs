//! What a report says of a run from second to second: its latencies, and what was used meanwhile.

use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::recorder::nanoseconds;
use crate::run::Ran;

/// One stretch of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowRow {
    /// From the begin of the run.
    pub begin_ns: u64,
    /// How long it is.
    pub width_ns: u64,
    /// How many were to start.
    pub intended: u64,
    /// How many ended.
    pub ended: u64,
    /// How many of these with the right answer.
    pub done: u64,
    /// The median response time of what ended.
    pub p50_ns: Option<u64>,
    /// 95 of 100 stayed within.
    pub p95_ns: Option<u64>,
    /// 99 of 100 stayed within.
    pub p99_ns: Option<u64>,
}

/// One look at what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRow {
    /// From the begin of the run.
    pub at_ns: u64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// CPU time since the process began.
    pub cpu_ns: u64,
    /// Open file descriptors.
    pub n_files: u64,
    /// Threads.
    pub n_threads: u64,
    /// Operations that were open.
    pub in_flight: u64,
    /// Operations that waited in the system's queue; unset if the driver cannot see it.
    pub queued: Option<u64>,
    /// Objects that the system stored; unset if the driver cannot see them.
    pub objects: Option<u64>,
}

pub(super) fn windows(ran: &Ran) -> Vec<WindowRow> {
    let width_ns = nanoseconds(ran.recorder.windows().width());
    let rows = ran
        .recorder
        .windows()
        .iter()
        .zip(0..)
        .map(|(window, index)| {
            let response = &window.response;
            let at = |share| (!response.is_empty()).then(|| response.value_at_quantile(share));
            WindowRow {
                begin_ns: width_ns * index,
                width_ns,
                intended: window.intended,
                ended: window.ended.total(),
                done: window.ended.get(Outcome::Done),
                p50_ns: at(0.5),
                p95_ns: at(0.95),
                p99_ns: at(0.99),
            }
        });
    rows.collect()
}

pub(super) fn usage(ran: &Ran) -> Vec<UsageRow> {
    let rows = ran.usage.iter().map(|usage| UsageRow {
        at_ns: nanoseconds(usage.at),
        resident_bytes: usage.resident_bytes,
        cpu_ns: nanoseconds(usage.cpu),
        n_files: usage.n_files,
        n_threads: usage.n_threads,
        in_flight: usage.in_flight,
        queued: usage.inside.queued,
        objects: usage.inside.objects,
    });
    rows.collect()
}
