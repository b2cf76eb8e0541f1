//! Times in which the whole stub stands still, or takes no connections.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use parking_lot::RwLock;
use tokio::time::Instant;

/// Windows that are kept at most; beyond, the oldest is forgotten.
const MOST: usize = 1_024;

/// One window, from the start of the stub on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// Windows that may overlap.
#[derive(Debug)]
pub(crate) struct Windows {
    began: Instant,
    /// So that no request of a stub without windows takes the lock.
    has_any: AtomicBool,
    spans: RwLock<Vec<(Instant, Instant)>>,
}

impl Windows {
    pub(crate) fn new(began: Instant, windows: &[Window]) -> Self {
        let made = Self {
            began,
            has_any: AtomicBool::new(false),
            spans: RwLock::default(),
        };
        for window in windows {
            made.add(*window);
        }
        made
    }

    pub(crate) fn add(&self, window: Window) {
        let from = self.began + window.at;
        let mut spans = self.spans.write();
        if spans.len() == MOST {
            spans.remove(0);
        }
        spans.push((from, from + window.lasts));
        self.has_any.store(true, Ordering::Release);
    }

    /// When the windows are over that hold `now`; `None` outside of all.
    pub(crate) fn until(&self, now: Instant) -> Option<Instant> {
        if !self.has_any.load(Ordering::Acquire) {
            return None;
        }
        let spans = self.spans.read();
        let mut until = now;
        // Each round reaches the end of another window that holds what is reached.
        while let Some((_, end)) = spans
            .iter()
            .find(|(from, end)| *from <= until && until < *end)
        {
            until = *end;
        }
        (until > now).then_some(until)
    }

    /// When the first window begins that is yet to come.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let spans = self.spans.read();
        spans
            .iter()
            .map(|(from, _)| *from)
            .filter(|from| *from > now)
            .min()
    }

    /// Sleeps until `due`, and on to the end of any window that holds it; returns what it slept for, without the
    /// timer's error.
    ///
    /// As if the process had stood still: what came due meanwhile happens at the end.
    pub(crate) async fn sleep_until(&self, due: Instant) -> Instant {
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let mut slept_for = due;
        while let Some(until) = self.until(Instant::now()) {
            tokio::time::sleep_until(until).await;
            slept_for = until;
        }
        slept_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_in_a_window_happens_at_its_end_and_all_else_in_time() {
        let began = Instant::now();
        let window = |at, lasts| Window {
            at: seconds(at),
            lasts: seconds(lasts),
        };
        let windows = Windows::new(began, &[window(10, 2), window(11, 3), window(20, 1)]);
        assert_eq!(windows.next(began), Some(began + seconds(10)));
        for (due, expected) in [(5, 5), (10, 14), (13, 14), (14, 14), (20, 21), (30, 30)] {
            windows.sleep_until(began + seconds(due)).await;
            assert_eq!(began.elapsed(), seconds(expected), "due after {due} s");
        }
        assert_eq!(windows.next(Instant::now()), None);
    }
}
