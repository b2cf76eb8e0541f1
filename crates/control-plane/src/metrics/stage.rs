//! The stages of a Query whose latency is measured apart.

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;

use super::duration_histogram::{Bounds, DurationHistogram};

/// Upper bounds in seconds: from a cached look-up (10 µs) to the request timeout (300 s), three per decade.
const STAGE_BOUNDS: [f64; 23] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 300.0,
];

/// One step on the way of a Query; the label of `plimsoll_stage_duration_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// From the add to the queue to the start of its reconcile.
    Queue,
    /// Finding the Model, in the cache or live.
    LoadModel,
    /// Reading the Secret that holds the key of a Model or tool.
    LoadSecret,
    /// Finding the Agent.
    LoadAgent,
    /// Finding the Tool.
    LoadTool,
    /// One LLM call with its retries.
    LlmCall,
    /// One tool call.
    ToolCall,
    /// One write of the status, with its retries on conflict.
    StatusWrite,
}

impl Stage {
    /// All stages, in the order a Query passes them.
    pub const ALL: [Self; 8] = [
        Self::Queue,
        Self::LoadModel,
        Self::LoadSecret,
        Self::LoadAgent,
        Self::LoadTool,
        Self::LlmCall,
        Self::ToolCall,
        Self::StatusWrite,
    ];

    /// The value of the label `stage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::LoadModel => "load_model",
            Self::LoadSecret => "load_secret",
            Self::LoadAgent => "load_agent",
            Self::LoadTool => "load_tool",
            Self::LlmCall => "llm_call",
            Self::ToolCall => "tool_call",
            Self::StatusWrite => "status_write",
        }
    }
}

/// One histogram per stage, all there from the start.
#[derive(Debug, Clone)]
pub(super) struct StageHistograms {
    histograms_by_stage: [DurationHistogram; Stage::ALL.len()],
}

impl StageHistograms {
    pub(super) fn new() -> Self {
        let bounds = Bounds::listed(&STAGE_BOUNDS);
        Self {
            histograms_by_stage: Stage::ALL.map(|_| DurationHistogram::new(bounds.clone())),
        }
    }

    pub(super) fn of(&self, stage: Stage) -> &DurationHistogram {
        &self.histograms_by_stage[stage as usize]
    }
}

impl EncodeMetric for StageHistograms {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        for stage in Stage::ALL {
            let labels = [("stage", stage.as_str())];
            self.of(stage).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
