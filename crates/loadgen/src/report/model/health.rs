//! What a report says of the generator: whether it may be believed, window by window.

use serde::Serialize;

use super::nanoseconds;
use crate::health::{Reason, Verdict};
use crate::run::Ran;

/// The generator's health.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthRow {
    /// Whether the run may be believed.
    pub verdict: Verdict,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// How late starts were: one in a hundred was later.
    pub lag_p99_ns: u64,
    /// All windows.
    pub windows: Vec<HealthWindowRow>,
}

/// The generator's health in one window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthWindowRow {
    /// From the begin of the run.
    pub begin_ns: u64,
    /// Whether the window may be believed.
    pub verdict: Verdict,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// Operations that were due.
    pub offered: u64,
    /// Of these, started in time.
    pub achieved: u64,
    /// How late starts were, one in a hundred.
    pub lag_p99_ns: u64,
    /// The part of its processors that the generator used.
    pub cpu: f64,
    /// The part of the time in which it was ready and had no processor.
    pub waiting: f64,
    /// How long its cgroup was throttled.
    pub throttled_ns: u64,
    /// The part of the machine's time that the hypervisor gave to others.
    pub steal: f64,
    /// How late its event loop was, one in a hundred.
    pub loop_lag_p99_ns: u64,
    /// How late its watch was, one in a hundred; unset if there was nothing to see.
    pub watch_lag_p99_ns: Option<u64>,
    /// Connections that failed for want of ports or file descriptors.
    pub socket_errors: u64,
}

impl HealthRow {
    pub(super) fn new(ran: &Ran) -> Self {
        let windows = ran.health.windows.iter().map(|window| {
            let reading = &window.reading;
            HealthWindowRow {
                begin_ns: nanoseconds(window.begin),
                verdict: window.verdict,
                reasons: window.reasons.clone(),
                offered: reading.offered,
                achieved: reading.achieved,
                lag_p99_ns: nanoseconds(reading.lag_p99),
                cpu: reading.cpu,
                waiting: reading.waiting,
                throttled_ns: nanoseconds(reading.throttled),
                steal: reading.steal,
                loop_lag_p99_ns: nanoseconds(reading.loop_lag_p99),
                watch_lag_p99_ns: reading.watch_lag_p99.map(nanoseconds),
                socket_errors: reading.socket_errors,
            }
        });
        Self {
            verdict: ran.health.verdict,
            reasons: ran.health.reasons.clone(),
            lag_p99_ns: nanoseconds(ran.health.lag_p99),
            windows: windows.collect(),
        }
    }
}
