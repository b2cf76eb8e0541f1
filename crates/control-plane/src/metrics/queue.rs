//! The metrics of the work queue under client-go's names and with its meaning.
//!
//! Counters and histograms are fed by the queue as things happen.
//! The gauges say how it stands: they are asked of the queue at the scrape, cost nothing in between, and need none of
//! client-go's periodic loop.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::duration_histogram::{Bounds, DurationHistogram, DurationTotal};

/// Values of the label `priority` before the rest share one; controller-runtime's bound and word.
const MAX_PRIORITIES: usize = 25;
const EXCEEDED: &str = "exceeded_cardinality_limit";

/// How a queue stands at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueStanding {
    /// Entries that are ready or will be when their key is released, by priority, highest first.
    pub depth_by_priority: Vec<(i8, usize)>,
    /// In-flight slots held, for the namespaces that hold any.
    pub in_flight_by_namespace: Vec<(Arc<str>, usize)>,
    /// Namespaces with something waiting or in flight.
    pub active_tenants: usize,
    /// How long the holders of worker slots have held them, summed.
    pub unfinished_work: Duration,
    /// The longest of these.
    pub longest_running: Duration,
}

/// Something that can say how it stands: the queue, behind a trait so that metrics need not know it.
pub trait Standing: std::fmt::Debug + Send + Sync {
    /// How it stands now.
    fn standing(&self) -> QueueStanding;
}

/// The part of [`Metrics`](super::Metrics) that a work queue feeds; clones share their counts.
#[derive(Debug, Clone)]
pub struct QueueMetrics {
    adds: Counter,
    retries: Counter,
    queue_duration: DurationHistogram,
    work_duration: DurationHistogram,
    /// The same observations as `queue_duration`, in the finer buckets of the stages.
    stage_duration: DurationHistogram,
    max_concurrent: Gauge,
    source: Source,
}

impl QueueMetrics {
    pub(super) fn new(stage_duration: DurationHistogram, max_concurrent: Gauge) -> Self {
        // 10 ns to 1,000 s. The decades cannot tell 5 s from 30 s; `stage_duration` can.
        let bounds = Bounds::exponential(1e-8, 10.0, 12);
        Self {
            adds: Counter::default(),
            retries: Counter::default(),
            queue_duration: DurationHistogram::new(bounds.clone()),
            work_duration: DurationHistogram::new(bounds),
            stage_duration,
            max_concurrent,
            source: Source::default(),
        }
    }

    /// Registers what carries the labels `name` and `controller`.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "workqueue_adds",
            "Total number of adds handled by workqueue",
            self.adds.clone(),
        );
        registry.register(
            "workqueue_retries",
            "Total number of retries handled by workqueue",
            self.retries.clone(),
        );
        registry.register(
            "workqueue_queue_duration_seconds",
            "How long in seconds an item stays in workqueue before being requested",
            self.queue_duration.clone(),
        );
        registry.register(
            "workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes",
            self.work_duration.clone(),
        );
        registry.register_collector(Box::new(WorkqueueGauges(self.source.clone())));
    }

    /// Registers what carries labels of its own.
    pub(super) fn register_tenants(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(TenantGauges(self.source.clone())));
    }

    /// Makes `queue` the one whose standing is shown from now on.
    pub fn show(&self, queue: &Arc<impl Standing + 'static>) {
        let weak: Weak<dyn Standing> = Arc::downgrade(queue) as Weak<dyn Standing>;
        *self.source.0.lock() = Some(weak);
    }

    /// Shows the bound on concurrent reconciles.
    pub fn max_concurrent_reconciles(&self, n_workers: usize) {
        self.max_concurrent
            .set(i64::try_from(n_workers).unwrap_or(i64::MAX));
    }

    /// Counts entries that became ready: by an add, or because their delay is over.
    pub fn added(&self, n_entries: usize) {
        self.adds.inc_by(n_entries as u64);
    }

    /// Counts an add with a delay.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// Records how long an entry waited from its first add, or from the end of its delay, until it was popped.
    pub fn popped(&self, waited: Duration) {
        self.queue_duration.observe(waited);
        self.stage_duration.observe(waited);
    }

    /// Records how long a worker slot was held.
    pub fn worked(&self, duration: Duration) {
        self.work_duration.observe(duration);
    }

    /// Adds counted so far.
    pub fn n_adds(&self) -> u64 {
        self.adds.get()
    }

    /// Adds with a delay counted so far.
    pub fn n_retries(&self) -> u64 {
        self.retries.get()
    }

    /// How the queue that is shown stands now; empty before the first.
    pub fn standing(&self) -> QueueStanding {
        self.source.standing()
    }

    /// Count and sum of the waits in the queue.
    pub fn queue_total(&self) -> DurationTotal {
        self.queue_duration.total()
    }

    /// Count and sum of the times that worker slots were held.
    pub fn work_total(&self) -> DurationTotal {
        self.work_duration.total()
    }
}

/// The queue to ask; none before the first, and none after the last is dropped.
#[derive(Debug, Clone, Default)]
struct Source(Arc<Mutex<Option<Weak<dyn Standing>>>>);

impl Source {
    fn standing(&self) -> QueueStanding {
        let queue = self.0.lock().as_ref().and_then(Weak::upgrade);
        queue.map(|queue| queue.standing()).unwrap_or_default()
    }
}

#[derive(Debug)]
struct WorkqueueGauges(Source);

impl Collector for WorkqueueGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let standing = self.0.standing();
        let mut depth = encoder.encode_descriptor(
            "workqueue_depth",
            "Current depth of workqueue",
            None,
            MetricType::Gauge,
        )?;
        for (priority, n_entries) in depth_by_label(standing.depth_by_priority) {
            let labels = [("priority", priority)];
            ConstGauge::new(n_entries as i64).encode(depth.encode_family(&labels)?)?;
        }
        let unfinished = encoder.encode_descriptor(
            "workqueue_unfinished_work_seconds",
            "How many seconds of work is in progress and has not been observed by work_duration",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(standing.unfinished_work.as_secs_f64()).encode(unfinished)?;
        let longest = encoder.encode_descriptor(
            "workqueue_longest_running_processor_seconds",
            "How many seconds the longest running processor for workqueue has been running",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(standing.longest_running.as_secs_f64()).encode(longest)
    }
}

fn depth_by_label(mut depth_by_priority: Vec<(i8, usize)>) -> Vec<(String, usize)> {
    if !depth_by_priority.iter().any(|(priority, _)| *priority == 0) {
        depth_by_priority.push((0, 0));
    }
    let n_named = depth_by_priority.len().min(MAX_PRIORITIES);
    let (named, rest) = depth_by_priority.split_at(n_named);
    let mut depths: Vec<_> = named
        .iter()
        .map(|(priority, n_entries)| (priority.to_string(), *n_entries))
        .collect();
    if !rest.is_empty() {
        let n_entries = rest.iter().map(|(_, n_entries)| n_entries).sum();
        depths.push((EXCEEDED.to_owned(), n_entries));
    }
    depths
}

#[derive(Debug)]
struct TenantGauges(Source);

impl Collector for TenantGauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let standing = self.0.standing();
        let tenants = encoder.encode_descriptor(
            "ark_query_active_tenants",
            "Number of namespaces with queries waiting or in flight",
            None,
            MetricType::Gauge,
        )?;
        ConstGauge::new(standing.active_tenants as i64).encode(tenants)?;
        let mut in_flight = encoder.encode_descriptor(
            "ark_query_inflight",
            "Number of queries in flight",
            None,
            MetricType::Gauge,
        )?;
        for (namespace, n_queries) in standing.in_flight_by_namespace {
            let labels = [("namespace", namespace)];
            ConstGauge::new(n_queries as i64).encode(in_flight.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
