//! Time stamps as Kubernetes writes them, to the second.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Gives the current second as text, formatting each second once.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Mutex<(i64, String)>,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one clock of the stand-in: creation times are wall-clock times"
    )]
    pub(super) fn now(&self) -> String {
        let second = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
        let mut last = self.last.lock();
        if last.0 != second || last.1.is_empty() {
            let text = jiff::Timestamp::from_second(second)
                .map_or_else(|_| String::new(), |at| at.to_string());
            *last = (second, text);
        }
        last.1.clone()
    }
}
