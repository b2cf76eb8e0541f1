//! What to change: the warning and critical thresholds of the Ark document and its scaling decisions, from measurements.
//!
//! Every row cites the measurement it rests on. What was not measured is said to be unmeasured; nothing is guessed.

use serde::{Deserialize, Serialize};

pub mod measuring;
pub mod scaling;
pub mod thresholds;

/// What a run measured of the system under test; a field is unset if nothing measured it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    /// How many queries waited at most.
    pub queue_depth: Option<f64>,
    /// The 99th percentile of the wait in the queue, in seconds.
    #[serde(rename = "queue_wait_p99_s")]
    pub queue_wait_p99: Option<f64>,
    /// The 99th percentile of one pass of the controller, in seconds.
    #[serde(rename = "work_p99_s")]
    pub work_p99: Option<f64>,
    /// Reconcile errors per minute.
    pub errors_per_minute: Option<f64>,
    /// CPU used ÷ CPU allowed.
    pub cpu: Option<f64>,
    /// Memory used ÷ memory allowed.
    pub memory: Option<f64>,
    /// Executions at once, at most.
    pub executions: Option<f64>,
    /// Reconcile workers that were busy ÷ all of them, on average.
    pub workers_busy: Option<f64>,
    /// The share of a query's time that the LLM takes.
    pub llm_share: Option<f64>,
    /// The share of requests that the API server throttled or failed.
    pub api_errors: Option<f64>,
    /// The share of queries that a quota denied.
    pub denied: Option<f64>,
    /// A soak found that memory leaks.
    pub memory_leaks: Option<bool>,
    /// The system's process was killed for want of memory, so many times.
    pub out_of_memory: Option<u64>,
}
