//! AgentMaestro's way: a counter whose expiry every request renews, a refused one too.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Algorithm;
use crate::gcra::{Nanos, Outcome};

/// Counts until the key has been silent for a window.
///
/// So it is no rate: a client that asks more often than once per window is given the limit once, and then
/// nothing for as long as it goes on asking. Here as what not to do.
#[derive(Clone, Copy, Debug)]
pub struct RenewedWindow {
    limit: NonZeroU32,
    window: Nanos,
}

/// The requests of a key since it was last silent, and when they are forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    n_requests: u32,
    expiry: Nanos,
}

impl RenewedWindow {
    /// `limit` permits, then a window of silence.
    pub fn new(limit: NonZeroU32, window: Duration) -> Self {
        let window = super::window_ns(window);
        Self { limit, window }
    }
}

impl Algorithm for RenewedWindow {
    type State = Pending;

    fn decide(&self, state: &mut Pending, now: Nanos) -> Outcome {
        if now >= state.expiry {
            state.n_requests = 0;
        }
        state.n_requests = state.n_requests.saturating_add(1);
        state.expiry = now.saturating_add(self.window);
        if state.n_requests <= self.limit.get() {
            return Outcome::Allow;
        }
        Outcome::Deny {
            retry_after: Duration::from_nanos(self.window),
        }
    }
}
