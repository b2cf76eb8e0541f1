//! The rate decision as a pure function: generic cell rate algorithm in whole nanoseconds.
//!
//! No clock, no lock, no key: the state is one number and "now" is an argument.
//! Where states are kept is [`crate::limiter`]'s affair, what time it is [`crate::clock`]'s.
//!
//! ```text
//!            tolerance = (burst - 1) × interval
//!        |<------------------------------->|
//!  ------+---------------------------------+-----> time
//!     earliest                            tat
//!  deny  |  allow, tat moves right by one  |  allow, tat becomes now + interval
//! ```

use std::time::Duration;

use crate::rate::{Burst, Rate};

/// A time in nanoseconds since the origin of the clock in use.
///
/// As the state of a key it is the theoretical arrival time (`tat`): when the next permit would
/// be due if all were evenly spaced. A `tat` that is not after now equals no state at all.
pub type Nanos = u64;

/// How late a reading of the clock may be decided upon: a second, longer than any thread sleeps between the two.
///
/// Requests that run at once are decided in another order than they read the clock. To cut their state as after a clock
/// that stepped back would give permits back, up to as many as the rate admits while the late one slept.
pub const MOST_LATE: Duration = Duration::from_secs(1);

/// What a rate says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The request may go on; its permit is spent.
    Allow,
    /// The request must not go on, and has spent nothing.
    Deny {
        /// After this time a request alone on its key is allowed; one nanosecond earlier it is
        /// not. Never longer than one interval, and [`MOST_LATE`] after a clock that stepped back.
        retry_after: Duration,
    },
}

impl Outcome {
    /// Whether the request may go on.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allow)
    }
}

/// The next state of a key, and the outcome of the request that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state to keep. On a denial it differs from the old one only if the clock stepped back.
    pub tat: Nanos,
    /// What to tell the request.
    pub outcome: Outcome,
}

/// A rate and a burst, prepared for deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcra {
    /// Pause between two permits.
    interval: Nanos,
    /// How far a permit may be ahead of its theoretical time.
    tolerance: Nanos,
    /// How far ahead a state may be of a reading that is not of a clock that stepped back.
    furthest: Nanos,
}

impl Gcra {
    /// Prepares a rate and a burst.
    pub fn new(rate: Rate, burst: Burst) -> Self {
        let interval = rate.interval_ns();
        // Saturated at half the range, so that sums with a clock's reading cannot wrap.
        let tolerance = interval
            .saturating_mul(u64::from(burst.get() - 1))
            .min(u64::MAX / 2);
        Self {
            interval,
            tolerance,
            furthest: tolerance + interval + MOST_LATE.as_nanos() as Nanos,
        }
    }

    /// Decides one request for a key whose state is `tat`.
    ///
    /// A clock that stepped back leaves states that are further ahead than any sequence of
    /// permits can bring them. Those are cut to the furthest one possible, "burst just spent" in the
    /// sight of a request that is [`MOST_LATE`], so that a key waits for one interval and a second,
    /// and not for the length of the step.
    #[inline]
    pub fn decide(&self, tat: Nanos, now: Nanos) -> Step {
        let tat = tat.min(now.saturating_add(self.furthest));
        let earliest = tat.saturating_sub(self.tolerance);
        if now < earliest {
            return Step {
                tat,
                outcome: Outcome::Deny {
                    retry_after: Duration::from_nanos(earliest - now),
                },
            };
        }
        Step {
            tat: tat.max(now) + self.interval,
            outcome: Outcome::Allow,
        }
    }
}

#[cfg(test)]
mod tests;
