//! Taking the readings while a run goes on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::system::{self, Counters};
use super::{Health, Reading, Verdict, Window, judge, judge_run};
use crate::sample::Times;

/// The width of a window.
const WIDTH: Duration = Duration::from_secs(1);

/// A start that is later than this was not made in its time.
const IN_TIME: Duration = Duration::from_millis(10);

/// How often the event loop is asked for the time.
const TICK: Duration = Duration::from_millis(10);

/// So many windows are kept; the oldest are the ones that a long run has most of.
const MOST_WINDOWS: usize = 100_000;

/// A window that has just closed.
pub(crate) struct Closed {
    /// From the begin of the run.
    pub(crate) begin: Duration,
    /// The same; the next window begins there.
    pub(crate) end: Duration,
    /// Whether it may be believed.
    pub(crate) verdict: Verdict,
}

/// Watches the generator during one run.
pub(crate) struct Watch {
    begin: Instant,
    tightest: Option<Duration>,
    window_begin: Duration,
    counters: Counters,
    lag: Lags,
    all_lag: Lags,
    watch_lag: Lags,
    loop_lag: Arc<Mutex<Lags>>,
    offered: u64,
    achieved: u64,
    socket_errors: u64,
    windows: Vec<Window>,
    ticker: JoinHandle<()>,
}

impl Watch {
    /// Begins; must be called on the generator's runtime, whose loop it watches.
    pub(crate) fn begin(begin: Instant, tightest: Option<Duration>) -> Self {
        let loop_lag = Arc::new(Mutex::new(Lags::new()));
        Self {
            begin,
            tightest,
            window_begin: Duration::ZERO,
            counters: Counters::read(),
            lag: Lags::new(),
            all_lag: Lags::new(),
            watch_lag: Lags::new(),
            ticker: tokio::spawn(tick(loop_lag.clone())),
            loop_lag,
            offered: 0,
            achieved: 0,
            socket_errors: 0,
            windows: Vec::new(),
        }
    }

    /// Counts a start.
    pub(crate) fn sent(&mut self, times: &Times) {
        let Some(lag) = times.lag() else {
            return;
        };
        self.lag.add(lag);
        self.offered += 1;
        self.achieved += u64::from(lag <= IN_TIME);
    }

    /// Counts a first sighting.
    pub(crate) fn sighted(&mut self, times: &Times) {
        if let Some(watch_lag) = times.watch_lag() {
            self.watch_lag.add(watch_lag);
        }
    }

    /// Counts a failure if it is one of our own.
    pub(crate) fn failed(&mut self, reason: &str) {
        /// What the system says when it has no file descriptor or no port left.
        const OURS: [&str; 2] = ["Too many open files", "Cannot assign requested address"];
        self.socket_errors += u64::from(OURS.iter().any(|ours| reason.contains(ours)));
    }

    /// Whether it is time to close the window.
    pub(crate) fn is_full(&self) -> bool {
        self.begin.elapsed() >= self.window_begin + WIDTH
    }

    /// Ends the watch and judges the run; with the last window, if it was long enough to be one.
    pub(crate) fn end(mut self) -> (Health, Option<Closed>) {
        /// A shorter rest says nothing by itself.
        const SHORTEST: Duration = Duration::from_millis(300);
        let elapsed = self.begin.elapsed();
        let is_window = self.windows.is_empty() || elapsed >= self.window_begin + SHORTEST;
        let last = is_window.then(|| self.close(elapsed, Counters::read()));
        if last.is_none() {
            self.all_lag.merge(&self.lag);
        }
        self.ticker.abort();
        let windows = std::mem::take(&mut self.windows);
        let health = judge_run(windows, self.all_lag.p99(), self.tightest);
        (health, last)
    }

    /// Closes the window with what was read right now, and begins the next.
    pub(crate) fn close(&mut self, now: Duration, counters: Counters) -> Closed {
        let wall = now
            .saturating_sub(self.window_begin)
            .as_secs_f64()
            .max(f64::MIN_POSITIVE);
        let before = std::mem::replace(&mut self.counters, counters);
        let spent = |now: Duration, before: Duration| now.saturating_sub(before);
        let ticks = counters.ticks.saturating_sub(before.ticks).max(1);
        let stolen = counters.stolen_ticks.saturating_sub(before.stolen_ticks);
        let loop_lag = std::mem::replace(&mut *self.loop_lag.lock(), Lags::new());
        let cpu = spent(counters.cpu, before.cpu).as_secs_f64();
        let reading = Reading {
            offered: std::mem::take(&mut self.offered),
            achieved: std::mem::take(&mut self.achieved),
            lag_p99: self.lag.all_but_a_hundredth(),
            cpu: cpu / (wall * system::processors()),
            waiting: spent(counters.waiting, before.waiting).as_secs_f64() / wall,
            throttled: spent(counters.throttled, before.throttled),
            steal: stolen as f64 / ticks as f64,
            loop_lag_p99: loop_lag.p99().unwrap_or_default(),
            watch_lag_p99: self.watch_lag.p99(),
            socket_errors: std::mem::take(&mut self.socket_errors),
        };
        let (verdict, reasons) = judge(&reading, self.tightest);
        if verdict != Verdict::Stolen {
            self.all_lag.merge(&self.lag);
        }
        self.lag = Lags::new();
        self.watch_lag = Lags::new();
        let closed = Closed {
            begin: self.window_begin,
            end: now,
            verdict,
        };
        if self.windows.len() < MOST_WINDOWS {
            self.windows.push(Window {
                begin: self.window_begin,
                reading,
                verdict,
                reasons,
            });
        }
        self.window_begin = now;
        closed
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ticker.abort();
    }
}

/// Notes how late the event loop looks at the clock.
async fn tick(lags: Arc<Mutex<Lags>>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        lags.lock().add(due.elapsed());
    }
}

/// Delays of one kind.
struct Lags(Histogram<u64>);

impl Lags {
    fn new() -> Self {
        /// A microsecond to an hour, in nanoseconds, with two digits: a bound is either kept or far off.
        const BOUNDS: (u64, u64, u8) = (1_000, 3_600_000_000_000, 2);
        let histogram = Histogram::new_with_bounds(BOUNDS.0, BOUNDS.1, BOUNDS.2);
        Self(histogram.expect("the bounds are constants that a histogram takes"))
    }

    fn add(&mut self, lag: Duration) {
        let nanos = u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(nanos);
    }

    fn merge(&mut self, other: &Self) {
        let added = self.0.add(&other.0);
        added.expect("all lags have the same bounds");
    }

    /// The greatest but for one in a hundred, or for one of fewer: a single late start is no habit. The lag of the whole
    /// run is judged without this.
    fn all_but_a_hundredth(&self) -> Duration {
        let n_lags = self.0.len();
        let rank = n_lags - n_lags.div_ceil(100);
        if rank == 0 {
            return Duration::ZERO;
        }
        // Half a rank lower, so that no rounding takes the next one.
        let quantile = (rank as f64 - 0.5) / n_lags as f64;
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// Unset if there was none.
    fn p99(&self) -> Option<Duration> {
        let p99 = || Duration::from_nanos(self.0.value_at_quantile(0.99));
        (!self.0.is_empty()).then(p99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags(n_lags: u64, n_late: u64) -> Lags {
        let mut lags = Lags::new();
        for number in 0..n_lags {
            let is_late = number < n_late;
            lags.add(Duration::from_millis(if is_late { 50 } else { 1 }));
        }
        lags
    }

    #[test]
    fn one_late_start_of_a_hundred_or_of_fewer_is_no_lag_and_two_are() {
        let is_late = |lags: &Lags| lags.all_but_a_hundredth() > Duration::from_millis(40);
        for n_lags in [1, 2, 20, 83, 99, 100] {
            assert!(!is_late(&lags(n_lags, 1)), "1 of {n_lags}");
        }
        for n_lags in [2, 20, 83, 99, 100] {
            assert!(is_late(&lags(n_lags, 2)), "2 of {n_lags}");
        }
        assert!(!is_late(&lags(1_000, 10)));
        assert!(is_late(&lags(1_000, 11)));
        assert_eq!(lags(0, 0).all_but_a_hundredth(), Duration::ZERO);
        // The run as a whole is not forgiven.
        assert!(lags(20, 1).p99() > Some(Duration::from_millis(40)));
        assert_eq!(lags(0, 0).p99(), None);
    }
}
