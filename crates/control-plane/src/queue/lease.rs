//! A key that was handed out.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::lane::Lane;
use super::order::Popped;
use crate::key::QueryKey;

/// The right to work on a key: nobody else gets the key while this lives.
///
/// A lease answers for everything that was added for its key before it was handed out, whatever the lane:
/// the holder of a [`Lane::Control`] lease who finds that the Query is to be executed adds it to [`Lane::Start`].
/// What is added while the lease lives is handed out after it.
#[derive(Debug)]
#[must_use = "the key is released when the lease is dropped"]
pub struct Lease {
    shared: Arc<Shared>,
    popped: Popped,
}

impl Lease {
    pub(super) fn new(shared: Arc<Shared>, popped: Popped) -> Self {
        Self { shared, popped }
    }

    /// The key.
    pub fn key(&self) -> &QueryKey {
        &self.popped.key
    }

    /// What the key was queued for.
    pub fn lane(&self) -> Lane {
        self.popped.lane
    }

    /// How long it was ready before it was handed out.
    pub fn waited(&self) -> Duration {
        self.popped.waited
    }

    /// Gives the worker slot back, so that the next key can be handed out while this one executes.
    ///
    /// The key and, from [`Lane::Start`], the in-flight slot stay until the lease is dropped. A second call does nothing.
    pub fn start_execution(&self) {
        let id = self.popped.id;
        let worked = self
            .shared
            .change(|order, now| order.start_execution(id, now));
        self.record_work(worked);
    }

    fn record_work(&self, worked: Option<Duration>) {
        if let Some(worked) = worked {
            self.shared.metrics.worked(worked);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let id = self.popped.id;
        let worked = self.shared.change(|order, now| order.release(id, now));
        self.record_work(worked);
    }
}
