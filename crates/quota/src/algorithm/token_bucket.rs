//! Credit that grows with time up to a burst. Its decisions are GCRA's; its state is two numbers instead of one.

use std::time::Duration;

use super::Algorithm;
use crate::gcra::{Nanos, Outcome};
use crate::rate::{Burst, Rate};

/// A bucket of credit in nanoseconds; a permit costs as many as the rate's interval has.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    interval: Nanos,
    capacity: Nanos,
}

/// What a key has spent, and when that was true.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// How far below full the bucket was.
    amount: Nanos,
    at: Nanos,
}

impl TokenBucket {
    /// A bucket of `burst` permits, filled at `rate`.
    pub fn new(rate: Rate, burst: Burst) -> Self {
        let interval = rate.interval_ns();
        Self {
            interval,
            capacity: interval.saturating_mul(u64::from(burst.get())),
        }
    }
}

impl Algorithm for TokenBucket {
    type State = Spent;

    fn decide(&self, state: &mut Spent, now: Nanos) -> Outcome {
        let elapsed = now.saturating_sub(state.at);
        let spent = state.amount.saturating_sub(elapsed);
        let left = self.capacity - spent.min(self.capacity);
        let missing = self.interval.saturating_sub(left);
        *state = Spent {
            amount: if missing == 0 {
                spent + self.interval
            } else {
                spent
            },
            at: now,
        };
        if missing == 0 {
            return Outcome::Allow;
        }
        Outcome::Deny {
            retry_after: Duration::from_nanos(missing),
        }
    }
}
