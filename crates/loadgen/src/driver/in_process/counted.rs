//! An executor that counts how many executions there are at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use control_plane::execution::{Execute, TargetOutcome};
use futures::future::BoxFuture;
use query_api::query::{Query, Response};
use tokio_util::sync::CancellationToken;

/// How long slots may take to come back after the last status was written.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often is looked.
const LOOK: Duration = Duration::from_millis(5);

/// How many executions there are, and the most there ever were.
#[derive(Debug, Default)]
pub(in crate::driver) struct AtWork {
    now: AtomicU64,
    most: AtomicU64,
}

impl AtWork {
    pub(in crate::driver) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(in crate::driver) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// Waits until there is none, within reason.
    pub(in crate::driver) async fn until_none(&self) {
        let none = async {
            while self.now() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Whoever asks looks at the count, whether we gave up or not.
        let _ = tokio::time::timeout(PATIENCE, none).await;
    }

    pub(in crate::driver) fn begin(self: &Arc<Self>) -> Place {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        Place(self.clone())
    }
}

/// One execution; given back when dropped.
pub(in crate::driver) struct Place(Arc<AtWork>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An executor with its count.
pub(super) struct Counted<E> {
    executor: E,
    at_work: Arc<AtWork>,
}

impl<E> Counted<E> {
    pub(super) fn new(executor: E, at_work: Arc<AtWork>) -> Self {
        Self { executor, at_work }
    }
}

impl<E: Execute> Execute for Counted<E> {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        recorded: &'a [Option<Response>],
        cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        let place = self.at_work.begin();
        let executing = self.executor.execute(query, recorded, cancel, finished);
        Box::pin(async move {
            let outcomes = executing.await;
            drop(place);
            outcomes
        })
    }
}
