//! The worker slots: how many are taken, and since when.

use std::time::{Duration, Instant};

use super::slab::Slab;

/// Since when each taken slot is held.
#[derive(Debug, Default)]
pub(super) struct Workers {
    since: Slab<Instant>,
}

impl Workers {
    pub(super) fn n_occupied(&self) -> usize {
        self.since.len()
    }

    pub(super) fn occupy(&mut self, now: Instant) -> u32 {
        self.since.insert(now)
    }

    /// Frees a slot and tells how long it was held.
    pub(super) fn vacate(&mut self, worker: u32, now: Instant) -> Duration {
        let since = self.since.remove(worker);
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// How long the taken slots have been held: summed, and the longest.
    pub(super) fn unfinished(&self, now: Instant) -> (Duration, Duration) {
        let held = || {
            self.since
                .iter()
                .map(|since| now.saturating_duration_since(*since))
        };
        (held().sum(), held().max().unwrap_or_default())
    }
}
