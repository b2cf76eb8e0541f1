//! Latency over time: windows of a second, and wider ones when a run is long, so that memory stays bounded.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::outcome::Outcomes;
use crate::recorder::{LONGEST_NS, SHORTEST_NS, nanoseconds};
use crate::sample::Sample;

/// The width of a window as long as there are few.
const NARROWEST: Duration = Duration::from_secs(1);

/// So many windows there are at most; then neighbours are joined.
const MOST: usize = 512;

/// Digits of a latency within a window; a picture shows no more.
const DIGITS: u8 = 2;

/// Equal stretches of a run, from its begin.
#[derive(Debug, Clone)]
pub struct Windows {
    width: Duration,
    windows: Vec<Window>,
}

/// What happened in one stretch of time.
#[derive(Debug, Clone)]
pub struct Window {
    /// How many were to start.
    pub intended: u64,
    /// What ended, and how.
    pub ended: Outcomes,
    /// Response times of what ended and was not set aside, in nanoseconds.
    pub response: Histogram<u32>,
}

impl Windows {
    pub(super) fn new() -> Self {
        Self {
            width: NARROWEST,
            windows: Vec::new(),
        }
    }

    /// These windows, from the begin on; unset if no recorder keeps such.
    pub(crate) fn of_kept(width: Duration, windows: Vec<Window>) -> Option<Self> {
        let seconds = width.as_secs();
        let is_kept = width == NARROWEST * u32::try_from(seconds).ok()?;
        let is_ours = is_kept && seconds.is_power_of_two() && windows.len() <= MOST;
        is_ours.then_some(Self { width, windows })
    }

    /// How wide each is: a second, or a power of two of them.
    pub fn width(&self) -> Duration {
        self.width
    }

    /// All, from the begin of the run on, empty ones included.
    pub fn iter(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter()
    }

    pub(super) fn record(&mut self, sample: &Sample) {
        let response = sample.times.response();
        let response = response.filter(|_| sample.outcome.has_latency());
        let window = self.set_aside(sample);
        if let Some(response) = response {
            window.response.saturating_record(nanoseconds(response));
        }
    }

    /// Counts a sample without its response time; returns the window of its end.
    pub(super) fn set_aside(&mut self, sample: &Sample) -> &mut Window {
        let times = &sample.times;
        self.at(times.intended).intended += 1;
        let end = times.done.or(times.acknowledged).unwrap_or(times.intended);
        let window = self.at(end);
        window.ended.add(sample.outcome);
        window
    }

    pub(super) fn merge(&mut self, other: &Self) {
        while self.width < other.width {
            self.widen();
        }
        let mut other = other.clone();
        while other.width < self.width {
            other.widen();
        }
        for (index, others) in other.windows.iter().enumerate() {
            let from = self.width * u32::try_from(index).unwrap_or(u32::MAX);
            self.at(from).merge(others);
        }
    }

    /// The window of this time, made if need be.
    fn at(&mut self, time: Duration) -> &mut Window {
        while self.index(time) >= MOST {
            self.widen();
        }
        let index = self.index(time);
        while self.windows.len() <= index {
            self.windows.push(Window::default());
        }
        &mut self.windows[index]
    }

    fn index(&self, time: Duration) -> usize {
        let index = time.as_nanos() / self.width.as_nanos();
        usize::try_from(index).unwrap_or(usize::MAX)
    }

    fn widen(&mut self) {
        self.width *= 2;
        let narrow = std::mem::take(&mut self.windows);
        for (index, window) in narrow.into_iter().enumerate() {
            if index % 2 == 0 {
                self.windows.push(window);
            } else if let Some(last) = self.windows.last_mut() {
                last.merge(&window);
            }
        }
    }
}

impl Default for Window {
    /// One in which nothing happened.
    fn default() -> Self {
        let response = Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS);
        Self {
            intended: 0,
            ended: Outcomes::default(),
            response: response.expect("the bounds are constants that a histogram takes"),
        }
    }
}

impl Window {
    fn merge(&mut self, other: &Self) {
        self.intended += other.intended;
        self.ended.merge(&other.ended);
        self.response
            .add(&other.response)
            .expect("all windows have the same bounds");
    }
}
