//! Prometheus metrics of the control plane, under the names that dashboards for controllers and for Ark know.
//!
//! `workqueue_*` and `controller_runtime_*` are controller-runtime's, `ark_*` are Ark's and those of its capacity
//! document; `plimsoll_stage_duration_seconds` is ours.
//! Observing a known label set costs well under 100 ns; whoever serves [`Metrics::encode`] is elsewhere.

mod duration_histogram;
mod labelled;
mod queue;
mod reconcile;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use query_api::query::TargetKind;
use tokio::time::Instant;

use self::duration_histogram::Bounds;
use self::labelled::Labelled;
use self::reconcile::ReconcileMetrics;
use self::stage::StageHistograms;

pub use self::duration_histogram::DurationTotal;
pub use self::queue::{QueueMetrics, QueueStanding, Standing};
pub use self::reconcile::ReconcileResult;
pub use self::stage::{Loaded, Served, Stage};

/// Value of the labels `name` and `controller`: there is one controller, for Queries.
const CONTROLLER: &str = "query";

/// Everything the control plane counts; clones share their counts.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    registry: Registry,
    queue: QueueMetrics,
    reconcile: ReconcileMetrics,
    stages: StageHistograms,
    concurrent_executions: Gauge,
    execution_duration: Labelled<3>,
    llm_call_duration: Labelled<2>,
    tool_call_duration: Labelled<2>,
}

impl Metrics {
    /// What [`encode`](Self::encode) is to be served as.
    pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Metrics at zero; every label set that is known beforehand is there already.
    pub fn new() -> Self {
        let reconcile = ReconcileMetrics::default();
        let stages = StageHistograms::new();
        let queue = QueueMetrics::new(
            stages.of(Stage::Queue).clone(),
            reconcile.max_concurrent.clone(),
        );
        let mut families = Families {
            registry: Registry::default(),
            queue,
            reconcile,
            stages,
            concurrent_executions: Gauge::default(),
            execution_duration: Labelled::new(
                ["namespace", "target_type", "status"],
                Bounds::exponential(0.1, 2.0, 12),
            ),
            llm_call_duration: Labelled::new(
                ["model", "provider"],
                Bounds::exponential(0.5, 2.0, 10),
            ),
            tool_call_duration: Labelled::new(
                ["tool_name", "tool_type"],
                Bounds::exponential(0.05, 2.0, 10),
            ),
        };
        families.registry = families.registered();
        Self(Arc::new(families))
    }

    /// All metrics in the OpenMetrics text format, ending with `# EOF`.
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        text::encode(&mut text, &self.0.registry).expect("writing to a String cannot fail");
        text
    }

    /// The part that the work queue feeds.
    pub fn queue(&self) -> QueueMetrics {
        self.0.queue.clone()
    }

    /// Counts a reconcile by how it ended and how long it took.
    pub fn reconciled(&self, result: ReconcileResult, took: Duration) {
        self.0.reconcile.reconciled(result, took);
    }

    /// Reconciles that failed so far.
    pub fn n_reconcile_errors(&self) -> u64 {
        self.0.reconcile.n_errors()
    }

    /// Counts a worker as active until the guard is dropped.
    pub fn active_worker(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.reconcile.active_workers)
    }

    /// Counts a Query as executing until the guard is dropped.
    pub fn execution_started(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.concurrent_executions)
    }

    /// Records a Query's time from the start of its execution to its terminal status.
    pub fn query_finished(
        &self,
        namespace: &str,
        target_kind: TargetKind,
        status: &str,
        took: Duration,
    ) {
        let labels = [namespace, target_kind.as_str(), status];
        self.0.execution_duration.observe(labels, took);
    }

    /// Counts an LLM call from now on: by what [`LlmCallTimer::ended`] is told, or, if the call is cut off together
    /// with its target and the guard dropped, by all the time until then.
    pub fn llm_call_started<'a>(&'a self, model: &'a str, provider: &'a str) -> LlmCallTimer<'a> {
        LlmCallTimer {
            metrics: self,
            model,
            provider,
            began: Instant::now(),
            took: None,
        }
    }

    /// Records an LLM call; the stage [`Stage::LlmCall`] is recorded by this too.
    pub fn llm_call(&self, model: &str, provider: &str, took: Duration) {
        self.0.llm_call_duration.observe([model, provider], took);
        self.stage(Stage::LlmCall, took);
    }

    /// Times a tool call until the guard is dropped and then records it, so that a call counts however it ends: with
    /// an output, an error, or cut off together with its target.
    pub fn tool_call_started<'a>(&'a self, name: &'a str, kind: &'a str) -> ToolCallTimer<'a> {
        ToolCallTimer {
            metrics: self,
            name,
            kind,
            began: Instant::now(),
        }
    }

    /// Records a tool call; the stage [`Stage::ToolCall`] is recorded by this too.
    pub fn tool_call(&self, name: &str, kind: &str, took: Duration) {
        self.0.tool_call_duration.observe([name, kind], took);
        self.stage(Stage::ToolCall, took);
    }

    /// Records the latency of a stage.
    ///
    /// Not for [`Stage::Queue`], [`Stage::LlmCall`] and [`Stage::ToolCall`]: the queue, [`llm_call`](Self::llm_call)
    /// and [`tool_call`](Self::tool_call) record those.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.0.stages.of(stage).observe(took);
    }

    /// Count and sum of every stage so far, for load records and the suites' tables.
    pub fn stage_totals(&self) -> [(Stage, DurationTotal); Stage::ALL.len()] {
        Stage::ALL.map(|stage| (stage, self.0.stages.of(stage).total()))
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Families {
    /// A registry of all families. A counter's name stands here without the `_total` that the encoder appends, and a
    /// help text without its full stop.
    fn registered(&self) -> Registry {
        let mut registry = Registry::default();
        let named = [("name", CONTROLLER), ("controller", CONTROLLER)]
            .map(|(label, value)| (label.into(), value.into()));
        self.queue
            .register(registry.sub_registry_with_labels(named.into_iter()));
        let controller = ("controller".into(), CONTROLLER.into());
        self.reconcile
            .register(registry.sub_registry_with_label(controller));
        registry.register(
            "ark_query_execution_duration_seconds",
            "Time from query start to completion",
            self.execution_duration.clone(),
        );
        registry.register(
            "ark_query_concurrent_executions",
            "Number of queries currently executing",
            self.concurrent_executions.clone(),
        );
        registry.register(
            "ark_llm_call_duration_seconds",
            "LLM API call latency",
            self.llm_call_duration.clone(),
        );
        registry.register(
            "ark_tool_call_duration_seconds",
            "Tool execution latency",
            self.tool_call_duration.clone(),
        );
        self.queue.register_tenants(&mut registry);
        registry.register(
            "plimsoll_stage_duration_seconds",
            "Latency of each stage of a query",
            self.stages.clone(),
        );
        registry
    }
}

/// Counts one up in a gauge for as long as it lives, also across a panic.
#[derive(Debug)]
#[must_use = "the gauge falls again when the guard is dropped"]
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Records an LLM call when it is dropped; see [`Metrics::llm_call_started`].
#[derive(Debug)]
#[must_use = "the call is recorded when the guard is dropped"]
pub struct LlmCallTimer<'a> {
    metrics: &'a Metrics,
    model: &'a str,
    provider: &'a str,
    began: Instant,
    took: Option<Duration>,
}

impl LlmCallTimer<'_> {
    /// The call came to its end and took so long, without the time that it waited for its turn.
    pub fn ended(mut self, took: Duration) {
        self.took = Some(took);
    }
}

impl Drop for LlmCallTimer<'_> {
    fn drop(&mut self) {
        let took = self.took.unwrap_or_else(|| self.began.elapsed());
        self.metrics.llm_call(self.model, self.provider, took);
    }
}

/// Records a tool call when it is dropped; see [`Metrics::tool_call_started`].
#[derive(Debug)]
#[must_use = "the call is recorded when the guard is dropped"]
pub struct ToolCallTimer<'a> {
    metrics: &'a Metrics,
    name: &'a str,
    kind: &'a str,
    began: Instant,
}

impl Drop for ToolCallTimer<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.tool_call(self.name, self.kind, took);
    }
}
