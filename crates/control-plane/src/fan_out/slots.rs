//! Waiting for a slot: the shell around [`Shares`].

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::fan_out::shares::Shares;

/// Slots that targets hold while they run.
#[derive(Debug)]
pub(crate) struct Slots {
    shares: Mutex<Shares<oneshot::Sender<()>>>,
}

/// One slot, given back on drop.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    slots: &'a Slots,
    namespace: &'a Arc<str>,
}

/// A place in the queue; leaving it early passes on a slot that was granted meanwhile.
struct Place<'a> {
    slots: &'a Slots,
    namespace: &'a Arc<str>,
    granted_rx: oneshot::Receiver<()>,
    is_settled: bool,
}

impl Slots {
    /// `total` slots, of which one namespace may hold `cap`.
    pub(crate) fn new(total: usize, cap: usize) -> Self {
        Self {
            shares: Mutex::new(Shares::new(total, cap)),
        }
    }

    /// Waits for a slot; at once if one is free.
    pub(crate) async fn acquire<'a>(&'a self, namespace: &'a Arc<str>) -> Slot<'a> {
        let granted_rx = {
            let mut shares = self.shares.lock();
            if shares.take(namespace) {
                return Slot {
                    slots: self,
                    namespace,
                };
            }
            let (granted_tx, granted_rx) = oneshot::channel();
            shares.wait(namespace, granted_tx);
            granted_rx
        };
        let mut place = Place {
            slots: self,
            namespace,
            granted_rx,
            is_settled: false,
        };
        // The sender lives in the queue until it grants, so this cannot fail while we wait.
        let _granted = (&mut place.granted_rx).await;
        place.is_settled = true;
        Slot {
            slots: self,
            namespace,
        }
    }

    fn give_back(&self, namespace: &Arc<str>) {
        let mut shares = self.shares.lock();
        let mut granted = shares.give_back(namespace);
        while let Some((namespace, waiter)) = granted {
            if waiter.send(()).is_ok() {
                return;
            }
            granted = shares.give_back(&namespace);
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.slots.give_back(self.namespace);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        self.granted_rx.close();
        if self.granted_rx.try_recv().is_ok() {
            self.slots.give_back(self.namespace);
        }
    }
}
