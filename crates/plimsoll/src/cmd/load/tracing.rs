//! `plimsoll load --otlp`: the way of spans to a collector, if it was built in.

use std::sync::Arc;

use loadgen::run::Witness;
use loadgen::scenario::Scenario;

/// Spans of one run on their way.
pub(super) struct Tracing {
    #[cfg(feature = "otlp")]
    traces: Arc<loadgen::traces::Traces>,
    /// Where they go.
    #[cfg(feature = "otlp")]
    endpoint: String,
}

#[cfg(feature = "otlp")]
impl Tracing {
    /// Begins to send.
    pub(super) fn begin(endpoint: &str, run: &str, scenario: &Scenario) -> anyhow::Result<Self> {
        let operations = scenario.operations.iter();
        let names = operations.map(|operation| operation.name.clone()).collect();
        let traces = loadgen::traces::Traces::begin(endpoint, run.to_owned(), names)?;
        Ok(Self {
            traces: Arc::new(traces),
            endpoint: endpoint.to_owned(),
        })
    }

    pub(super) fn witness(&self) -> Arc<dyn Witness> {
        self.traces.clone()
    }

    /// Waits for the last spans, and says what came of all. Not to be called on a runtime.
    pub(super) fn finish(self) {
        let sent = self.traces.finish();
        eprintln!("{} spans are at {}", sent.taken, self.endpoint);
        if sent.lost > 0 {
            let reason = sent.reason.unwrap_or_default();
            eprintln!("warning: {} spans were lost: {reason}", sent.lost);
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl Tracing {
    pub(super) fn begin(_: &str, _: &str, _: &Scenario) -> anyhow::Result<Self> {
        anyhow::bail!(
            "this plimsoll was built without OTLP; build it with it: cargo run --release -p plimsoll --features otlp"
        )
    }

    pub(super) fn witness(&self) -> Arc<dyn Witness> {
        unreachable!("it never begins")
    }

    pub(super) fn finish(self) {}
}
