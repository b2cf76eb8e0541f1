//! Where all that is seen comes together, from whatever thread saw it, and how the run learns that all is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::collector::Collector;
use crate::driver::{Sighting, Watcher};

/// The collector, which is there from the begin of a run to its end. What is seen before or after changes nothing.
pub(super) struct Gathering {
    collector: Mutex<Option<Collector>>,
    feeding: Arc<Feeding>,
}

/// Whether all starts were made, and all that was started has ended.
#[derive(Default)]
pub(super) struct Feeding {
    is_over: AtomicBool,
    may_be_settled: Notify,
}

/// Says that the last start was made when it is dropped, however that comes about.
pub(super) struct Over(Arc<Feeding>);

impl Gathering {
    /// Nothing is taken up before [`Gathering::begin`].
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            collector: Mutex::new(None),
            feeding: Arc::default(),
        })
    }

    pub(super) fn begin(&self, collector: Collector) {
        *self.collector.lock() = Some(collector);
    }

    /// Takes the collector away; nothing is taken up any more.
    pub(super) fn end(&self) -> Option<Collector> {
        self.collector.lock().take()
    }

    /// The collector; whoever holds it holds up all who see something.
    pub(super) fn collector(&self) -> MappedMutexGuard<'_, Collector> {
        MutexGuard::map(self.collector.lock(), |collector| {
            collector.as_mut().expect("the run has begun and goes on")
        })
    }

    /// Gives up what has been open for too long.
    pub(super) fn give_up_overdue(&self) {
        let mut collector = self.collector();
        collector.give_up_overdue();
        self.feeding.tell_if_settled(&collector);
    }

    /// To be held by whatever makes starts.
    pub(super) fn feeds(&self) -> Over {
        Over(self.feeding.clone())
    }

    /// Returns when nothing is open, and nothing will be started any more.
    pub(super) async fn settled(&self) {
        // Asked in this order: a start that is made after the first is still open then, or was taken up.
        while !(self.feeding.is_over() && self.collector().is_settled()) {
            self.feeding.may_be_settled.notified().await;
        }
    }
}

impl Watcher for Gathering {
    fn saw(&self, sighting: Sighting) {
        let mut collector = self.collector.lock();
        let Some(collector) = &mut *collector else {
            return;
        };
        collector.take(sighting);
        self.feeding.tell_if_settled(collector);
    }
}

impl Feeding {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn tell_if_settled(&self, collector: &Collector) {
        if self.is_over() && collector.is_settled() {
            self.may_be_settled.notify_one();
        }
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Release);
        self.0.may_be_settled.notify_one();
    }
}
