//! What all parts of a running controller share.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use query_api::dialect::Dialect;
use tokio_util::sync::CancellationToken;

use super::api::QueryApi;
use super::clock::Clock;
use super::config::ControllerConfig;
use super::ledger::{Call, Ledger, Origin};
use super::sighting::Sighting;
use crate::execution::Execute;
use crate::key::QueryKey;
use crate::metrics::Metrics;
use crate::queue::{Lane, Priority, Queue};

/// What all parts of a running controller share.
pub(super) struct Shop {
    pub(super) client: kube::Client,
    pub(super) api: QueryApi,
    pub(super) execute: Arc<dyn Execute>,
    pub(super) config: ControllerConfig,
    pub(super) dialect: Dialect,
    pub(super) identity: Arc<str>,
    pub(super) metrics: Metrics,
    pub(super) queue: Queue,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) clock: Clock,
    /// Cancelled when running executions are to be left to the next controller.
    pub(super) abandon: CancellationToken,
}

impl Shop {
    /// Takes in what the watch shows and queues what it calls for.
    pub(super) fn observe(&self, sighting: Sighting, origin: Origin, priority: Priority) {
        let call = self
            .ledger
            .lock()
            .observe(sighting, origin, self.clock.now());
        if let Some(call) = call {
            self.enqueue(call, priority);
        }
    }

    /// Takes in what a repeated list shows, and tells the key under which it is known now.
    pub(super) fn observe_listed(&self, sighting: Sighting) -> QueryKey {
        let key = self.ledger.lock().key(&sighting);
        self.observe(sighting, Origin::Watch, Priority::NORMAL);
        key
    }

    /// Queues a Query, and again for the moment when it will have waited too long.
    pub(super) fn enqueue(&self, call: Call, priority: Priority) {
        if let Some(deadline) = call.deadline {
            let left = Duration::try_from(deadline.duration_since(self.clock.now()));
            let left = left.unwrap_or_default();
            self.queue.add_after(call.key.clone(), Lane::Control, left);
        }
        self.queue.add(call.key, call.lane, priority);
    }
}
