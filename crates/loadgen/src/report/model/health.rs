//! What a report says of the generator: whether it may be believed, window by window.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::finite_or_infinite;
use crate::health::{Health, Reading, Reason, Verdict, Window};
use crate::recorder::nanoseconds;

/// The generator's health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthRow {
    /// Whether the run may be believed.
    pub verdict: Verdict,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// How late starts were in windows that were not stolen: one in a hundred was later. Unset if none fell into one.
    pub lag_p99_ns: Option<u64>,
    /// All windows.
    pub windows: Vec<HealthWindowRow>,
    /// The numbers of the workers who handed nothing over, from 0.
    pub lost_workers: Vec<usize>,
    /// The numbers of the workers who made more than half of what they can, from 0.
    #[serde(default)]
    pub overtaxed_workers: Vec<usize>,
    /// Operations per second that the generator can make at most, all workers together; unset if nobody measured it.
    #[serde(default)]
    pub ceiling_per_second: Option<f64>,
}

/// The generator's health in one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// The part of its processors that the generator used; infinite in a window without length.
    #[serde(deserialize_with = "finite_or_infinite")]
    pub cpu: f64,
    /// The part of the time in which it was ready and had no processor; infinite as the one before.
    #[serde(deserialize_with = "finite_or_infinite")]
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
    pub(crate) fn new(health: &Health) -> Self {
        let windows = health.windows.iter().map(|window| {
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
            verdict: health.verdict,
            reasons: health.reasons.clone(),
            lag_p99_ns: health.lag_p99.map(nanoseconds),
            windows: windows.collect(),
            lost_workers: health.lost_workers.clone(),
            overtaxed_workers: health.overtaxed_workers.clone(),
            ceiling_per_second: health.ceiling,
        }
    }
}

impl From<HealthRow> for Health {
    /// Nothing is lost on the way to a row and back.
    fn from(row: HealthRow) -> Self {
        Self {
            verdict: row.verdict,
            reasons: row.reasons,
            lag_p99: row.lag_p99_ns.map(Duration::from_nanos),
            windows: row.windows.into_iter().map(Window::from).collect(),
            lost_workers: row.lost_workers,
            overtaxed_workers: row.overtaxed_workers,
            ceiling: row.ceiling_per_second,
        }
    }
}

impl From<HealthWindowRow> for Window {
    fn from(row: HealthWindowRow) -> Self {
        let reading = Reading {
            offered: row.offered,
            achieved: row.achieved,
            lag_p99: Duration::from_nanos(row.lag_p99_ns),
            cpu: row.cpu,
            waiting: row.waiting,
            throttled: Duration::from_nanos(row.throttled_ns),
            steal: row.steal,
            loop_lag_p99: Duration::from_nanos(row.loop_lag_p99_ns),
            watch_lag_p99: row.watch_lag_p99_ns.map(Duration::from_nanos),
            socket_errors: row.socket_errors,
        };
        Self {
            begin: Duration::from_nanos(row.begin_ns),
            reading,
            verdict: row.verdict,
            reasons: row.reasons,
        }
    }
}
