//! Ways to hold a rate, behind one trait: what services use, what it costs, how far it departs from its rate.
//!
//! The service's own limits are held by [`Gcra`]; the others are here to be held against it.
//! Each is pure: the state of a key is a value, "now" is an argument.
//!
//! | algorithm | admits at most | state of a key |
//! |---|---|---|
//! | [`Gcra`], [`TokenBucket`] | burst + rate × any window | one number; two |
//! | [`SlidingLog`] | the limit in any window | a time per permit in the window |
//! | [`SlidingCounter`] | up to twice the limit in a window, if requests bunch up at its edges; near the limit if not | three numbers |
//! | [`FixedWindow`] | twice the limit in a window that straddles two | two numbers |
//! | [`RenewedWindow`] | the limit, and then nothing until the key is silent for a whole window | two numbers |

use crate::gcra::{Gcra, Nanos, Outcome};

mod fixed_window;
mod renewed_window;
mod sliding_counter;
mod sliding_log;
mod token_bucket;

pub use fixed_window::FixedWindow;
pub use renewed_window::RenewedWindow;
pub use sliding_counter::SlidingCounter;
pub use sliding_log::SlidingLog;
pub use token_bucket::TokenBucket;

/// A way to hold a rate.
pub trait Algorithm {
    /// What is known of a key; the default is that of a key that never asked.
    type State: Default;

    /// Decides one request, and notes it in the state.
    fn decide(&self, state: &mut Self::State, now: Nanos) -> Outcome;
}

impl Algorithm for Gcra {
    type State = Nanos;

    fn decide(&self, state: &mut Nanos, now: Nanos) -> Outcome {
        let step = Gcra::decide(self, *state, now);
        *state = step.tat;
        step.outcome
    }
}

/// A window in nanoseconds, at least one.
fn window_ns(window: std::time::Duration) -> Nanos {
    u64::try_from(window.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests;
