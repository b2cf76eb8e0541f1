//! What time it is: one cheap monotonic reading per decision.
//!
//! The clock is most of the price of a rate check by handle, so the default one reads the
//! processor's time stamp counter where the kernel itself trusts it, and the standard clock
//! everywhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::gcra::Nanos;

mod tsc;

pub use tsc::FastClock;

/// A source of monotonic time.
///
/// A reading that is earlier than a previous one does no harm beyond a wait of one interval and a second:
/// see [`Gcra::decide`](crate::gcra::Gcra::decide).
pub trait Clock: Clone + Send + Sync {
    /// Nanoseconds since an origin that stays the same for this clock and its clones.
    fn now(&self) -> Nanos;
}

/// A clock that stands until it is set: for tests and simulations.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Moves the clock and its clones, forwards or backwards.
    pub fn set(&self, now: Nanos) {
        self.0.store(now, Ordering::Release);
    }

    /// Moves the clock and its clones forwards.
    pub fn advance(&self, by: std::time::Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX / 2);
        self.0.fetch_add(by, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        self.0.load(Ordering::Acquire)
    }
}
