//! Two counters in place of a log: the last window's count is taken to be spread evenly over it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Algorithm;
use crate::gcra::{Nanos, Outcome};

/// Estimates a sliding window: this window's count, and of the last one's the part that still overlaps.
#[derive(Clone, Copy, Debug)]
pub struct SlidingCounter {
    limit: NonZeroU32,
    window: Nanos,
}

/// What a key was given in the window that it asked in last, and in the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct TwoWindows {
    index: u64,
    current: u32,
    previous: u32,
}

impl SlidingCounter {
    /// `limit` permits per window, by estimate.
    pub fn new(limit: NonZeroU32, window: Duration) -> Self {
        let window = super::window_ns(window);
        Self { limit, window }
    }

    /// How far into a window the first request is admitted after these counts.
    ///
    /// The estimate, with the request itself, is `previous × (1 - elapsed / window) + current + 1`.
    /// `None` if this window has no room at all.
    fn first_admitted(&self, previous: u32, current: u32) -> Option<Nanos> {
        let room = u64::from(self.limit.get()).checked_sub(u64::from(current) + 1)?;
        if u64::from(previous) <= room {
            return Some(0);
        }
        let still_counted = u128::from(room) * u128::from(self.window) / u128::from(previous);
        // Less than a window, because the room is less than the count.
        Some(self.window - still_counted as Nanos)
    }
}

impl Algorithm for SlidingCounter {
    type State = TwoWindows;

    fn decide(&self, state: &mut TwoWindows, now: Nanos) -> Outcome {
        let (index, elapsed) = (now / self.window, now % self.window);
        if state.index != index {
            let follows = state.index + 1 == index;
            *state = TwoWindows {
                index,
                current: 0,
                previous: if follows { state.current } else { 0 },
            };
        }
        let to_wait = match self.first_admitted(state.previous, state.current) {
            Some(first) if first <= elapsed => {
                state.current += 1;
                return Outcome::Allow;
            }
            // At its very end the next window has begun, where other counts hold.
            Some(first) if first < self.window => first - elapsed,
            _ => {
                let first = self.first_admitted(state.current, 0).unwrap_or(0);
                self.window - elapsed + first
            }
        };
        Outcome::Deny {
            retry_after: Duration::from_nanos(to_wait),
        }
    }
}
