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
    /// Finding one object or value, whether or not it is there.
    Load(Loaded, Served),
    /// One LLM call with its retries.
    LlmCall,
    /// One tool call, the loading of the values that it sends included.
    ToolCall,
    /// One write of the status, with its retries on conflict.
    StatusWrite,
}

/// What a load finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loaded {
    /// A Model. Its Secrets and the like are loads of their own, made only where no prepared endpoint is at hand.
    Model,
    /// A value from a Secret.
    Secret,
    /// A value from a ConfigMap.
    ConfigMap,
    /// An address from a Service.
    Service,
    /// An Agent.
    Agent,
    /// A Tool.
    Tool,
}

/// Who served a load.
///
/// Apart, because they differ by a factor of a thousand: one histogram of both tells how often the cache was hit
/// and nothing about how long either takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Served {
    /// A cache of ours; nobody was asked.
    Cached,
    /// The Kubernetes API, which was asked.
    Cold,
}

impl Stage {
    /// All stages, in the order a Query passes them.
    pub const ALL: [Self; 16] = {
        use Loaded::{Agent, ConfigMap, Model, Secret, Service, Tool};
        use Served::{Cached, Cold};
        [
            Self::Queue,
            Self::Load(Model, Cached),
            Self::Load(Model, Cold),
            Self::Load(Secret, Cached),
            Self::Load(Secret, Cold),
            Self::Load(ConfigMap, Cached),
            Self::Load(ConfigMap, Cold),
            Self::Load(Service, Cached),
            Self::Load(Service, Cold),
            Self::Load(Agent, Cached),
            Self::Load(Agent, Cold),
            Self::Load(Tool, Cached),
            Self::Load(Tool, Cold),
            Self::LlmCall,
            Self::ToolCall,
            Self::StatusWrite,
        ]
    };

    /// The value of the label `stage`.
    pub fn as_str(self) -> &'static str {
        use Served::{Cached, Cold};
        match self {
            Self::Queue => "queue",
            Self::Load(Loaded::Model, Cached) => "load_model_cached",
            Self::Load(Loaded::Model, Cold) => "load_model_cold",
            Self::Load(Loaded::Secret, Cached) => "load_secret_cached",
            Self::Load(Loaded::Secret, Cold) => "load_secret_cold",
            Self::Load(Loaded::ConfigMap, Cached) => "load_config_map_cached",
            Self::Load(Loaded::ConfigMap, Cold) => "load_config_map_cold",
            Self::Load(Loaded::Service, Cached) => "load_service_cached",
            Self::Load(Loaded::Service, Cold) => "load_service_cold",
            Self::Load(Loaded::Agent, Cached) => "load_agent_cached",
            Self::Load(Loaded::Agent, Cold) => "load_agent_cold",
            Self::Load(Loaded::Tool, Cached) => "load_tool_cached",
            Self::Load(Loaded::Tool, Cold) => "load_tool_cold",
            Self::LlmCall => "llm_call",
            Self::ToolCall => "tool_call",
            Self::StatusWrite => "status_write",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    fn position(self) -> usize {
        match self {
            Self::Queue => 0,
            Self::Load(loaded, served) => 1 + 2 * loaded as usize + served as usize,
            Self::LlmCall => 13,
            Self::ToolCall => 14,
            Self::StatusWrite => 15,
        }
    }
}

impl Loaded {
    /// Its kind as errors name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Secret => "secret",
            Self::ConfigMap => "config map",
            Self::Service => "service",
            Self::Agent => "agent",
            Self::Tool => "tool",
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
        &self.histograms_by_stage[stage.position()]
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_stage_has_a_place_and_a_name_of_its_own() {
        for (position, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage.position(), position, "{stage:?}");
        }
        let names: BTreeSet<&str> = Stage::ALL.into_iter().map(Stage::as_str).collect();
        assert_eq!(names.len(), Stage::ALL.len());
    }
}
