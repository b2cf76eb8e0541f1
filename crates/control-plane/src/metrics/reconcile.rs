//! What came of the reconciles: `controller_runtime_*` under controller-runtime's names.

use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::duration_histogram::{Bounds, DurationHistogram};

/// Bounds of `controller_runtime_reconcile_time_seconds`, as upstream lists them.
const RECONCILE_TIME_BOUNDS: [f64; 40] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9,
    1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 15.0, 20.0,
    25.0, 30.0, 40.0, 50.0, 60.0,
];

/// How a reconcile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReconcileResult {
    /// Nothing more to do until the next event.
    Success,
    /// To be done again at once.
    Requeue,
    /// To be done again after a delay that is not a back-off, for example a TTL.
    RequeueAfter,
    /// Failed, to be tried again with back-off.
    Error,
    /// Panicked, which ended its Query; counted as an error too.
    Panicked,
}

/// The reconcile metrics of one controller, all at zero from the start.
#[derive(Debug, Default)]
pub(super) struct ReconcileMetrics {
    totals: TotalByResult,
    errors: Counter,
    panics: Counter,
    /// Stay at zero, for dashboards that ask for them: what no retry mends ends in the status of its Query, which is
    /// a success of its reconcile, and a reconcile has no time of its own to run out of.
    terminal_errors: Counter,
    timeouts: Counter,
    time: ReconcileTime,
    pub(super) max_concurrent: Gauge,
    pub(super) active_workers: Gauge,
}

impl ReconcileMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "controller_runtime_reconcile",
            "Total number of reconciliations per controller",
            self.totals.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_errors",
            "Total number of reconciliation errors per controller",
            self.errors.clone(),
        );
        registry.register(
            "controller_runtime_terminal_reconcile_errors",
            "Total number of terminal reconciliation errors per controller",
            self.terminal_errors.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_panics",
            "Total number of reconciliation panics per controller",
            self.panics.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_timeouts",
            "Total number of reconciliation timeouts per controller",
            self.timeouts.clone(),
        );
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation per controller",
            self.time.0.clone(),
        );
        registry.register(
            "controller_runtime_max_concurrent_reconciles",
            "Maximum number of concurrent reconciles per controller",
            self.max_concurrent.clone(),
        );
        registry.register(
            "controller_runtime_active_workers",
            "Number of currently used workers per controller",
            self.active_workers.clone(),
        );
    }

    pub(super) fn reconciled(&self, result: ReconcileResult, took: Duration) {
        use ReconcileResult::{Error, Panicked, Requeue, RequeueAfter, Success};

        self.time.0.observe(took);
        match result {
            Success => self.totals.success.inc(),
            Requeue => self.totals.requeue.inc(),
            RequeueAfter => self.totals.requeue_after.inc(),
            Error | Panicked => {
                self.errors.inc();
                self.totals.error.inc()
            }
        };
        if result == Panicked {
            self.panics.inc();
        }
    }

    pub(super) fn n_errors(&self) -> u64 {
        self.errors.get()
    }
}

#[derive(Debug)]
struct ReconcileTime(DurationHistogram);

impl Default for ReconcileTime {
    fn default() -> Self {
        Self(DurationHistogram::new(Bounds::listed(
            &RECONCILE_TIME_BOUNDS,
        )))
    }
}

/// `controller_runtime_reconcile_total`: its label knows fewer results than [`ReconcileResult`].
#[derive(Debug, Clone, Default)]
struct TotalByResult {
    error: Counter,
    requeue_after: Counter,
    requeue: Counter,
    success: Counter,
}

impl EncodeMetric for TotalByResult {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counters_by_result = [
            ("error", &self.error),
            ("requeue_after", &self.requeue_after),
            ("requeue", &self.requeue),
            ("success", &self.success),
        ];
        for (result, counter) in counters_by_result {
            let labels = [("result", result)];
            counter.encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}
