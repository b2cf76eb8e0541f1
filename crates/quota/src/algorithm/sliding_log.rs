//! The exact window: every permit is remembered for as long as it counts.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use super::Algorithm;
use crate::gcra::{Nanos, Outcome};

/// Remembers when each permit was given.
#[derive(Clone, Copy, Debug)]
pub struct SlidingLog {
    limit: NonZeroU32,
    window: Nanos,
}

impl SlidingLog {
    /// `limit` permits in any window; eight bytes for each.
    pub fn new(limit: NonZeroU32, window: Duration) -> Self {
        let window = super::window_ns(window);
        Self { limit, window }
    }
}

impl Algorithm for SlidingLog {
    /// The permits' times, oldest first.
    type State = VecDeque<Nanos>;

    fn decide(&self, state: &mut VecDeque<Nanos>, now: Nanos) -> Outcome {
        // After a step back of the clock, what lies ahead happened at the latest now.
        for time in state.iter_mut().rev().take_while(|time| **time > now) {
            *time = now;
        }
        while let Some(oldest) = state.front() {
            if now - oldest < self.window {
                break;
            }
            state.pop_front();
        }
        match state.front() {
            Some(oldest) if state.len() >= self.limit.get() as usize => Outcome::Deny {
                retry_after: Duration::from_nanos(self.window - (now - oldest)),
            },
            _ => {
                state.push_back(now);
                Outcome::Allow
            }
        }
    }
}
