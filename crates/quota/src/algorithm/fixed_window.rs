//! So many per window, and windows that begin at whole multiples of their length.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Algorithm;
use crate::gcra::{Nanos, Outcome};

/// Counts within windows that everybody shares; the count starts afresh in each.
#[derive(Clone, Copy, Debug)]
pub struct FixedWindow {
    limit: NonZeroU32,
    window: Nanos,
}

/// The window that a key asked in last, and what it was given there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    index: u64,
    n_admitted: u32,
}

impl FixedWindow {
    /// `limit` permits per window; a window of no length is taken as one nanosecond.
    pub fn new(limit: NonZeroU32, window: Duration) -> Self {
        let window = super::window_ns(window);
        Self { limit, window }
    }
}

impl Algorithm for FixedWindow {
    type State = Counted;

    fn decide(&self, state: &mut Counted, now: Nanos) -> Outcome {
        let index = now / self.window;
        if state.index != index {
            *state = Counted {
                index,
                n_admitted: 0,
            };
        }
        if state.n_admitted < self.limit.get() {
            state.n_admitted += 1;
            return Outcome::Allow;
        }
        Outcome::Deny {
            retry_after: Duration::from_nanos(self.window - now % self.window),
        }
    }
}
