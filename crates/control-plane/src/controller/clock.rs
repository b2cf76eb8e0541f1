//! What time it is for the controller.

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock as it was read once, moved on by the monotonic clock.
///
/// Steps of the wall clock so never shorten a TTL, and in tests the wall clock follows tokio's paused time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            wall: Timestamp::now(),
            monotonic: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        let elapsed = self.monotonic.elapsed();
        self.wall.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}
