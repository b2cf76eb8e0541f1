//! Drift over a soak: does something grow for ever, level off, or stay?
//!
//! ```text
//!  leak       ╱      bounded   ╭────     returns   ╱╲         none  ∿∿∿∿∿
//!           ╱                 ╱                  ╱   ╲___
//!         ╱                  ╱                 ╱      drained
//! ```
//!
//! A slope alone cries wolf: memory moves in steps, collectors saw, caches fill. A series is a leak only if its slope is
//! above chance for a series with such neighbours, in all series together (Holm); if it grew by more than a floor; if
//! it grows from third to third of the soak; if it has not slowed down; and if it does not return once the load is gone.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use results::stats::holm;
use serde::{Deserialize, Serialize};

pub mod record;

mod slope;
mod windows;

use self::slope::Trend;
use self::windows::{Window, windows};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// Median latency, in seconds.
    Latency,
    /// Resident memory, in bytes.
    Rss,
    /// Open file descriptors.
    FileDescriptors,
    /// Live tasks or threads.
    Tasks,
    /// Items that wait.
    QueueDepth,
    /// Stored objects.
    Objects,
}

/// One thing watched through a soak.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What.
    pub watched: Watched,
    /// Samples: seconds since the begin of the soak, and the value; by ascending time.
    pub samples: Vec<(f64, f64)>,
    /// The value after the load had ended and the queue was empty; unset if it was not waited for.
    pub after_drain: Option<f64>,
    /// What it must not reach, such as the memory of its cgroup; unset if there is none.
    pub most: Option<f64>,
}

/// What a series does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It grows, and nothing says that it will stop.
    Leak,
    /// It grew, but it slows down or returns after the load.
    Bounded,
    /// It does not grow.
    None,
    /// Too few samples.
    TooShort,
}

/// What was found of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What was watched.
    pub watched: Watched,
    /// What it does.
    pub class: Class,
    /// From where to where the slope was taken, in seconds since the begin of the soak; unset if there were too few
    /// samples.
    pub steady: Option<(f64, f64)>,
    /// Growth per second, after Theil and Sen.
    pub slope: f64,
    /// Lower end of its 95 % interval.
    pub slope_low: f64,
    /// Upper end.
    pub slope_high: f64,
    /// The level at the begin, behind the warm-up.
    pub start: f64,
    /// How much it grew over the rest, by its slope.
    pub growth: f64,
    /// The chance of such a slope in a series that does not grow.
    pub chance: f64,
    /// When it reaches what it must not, counted from the end of the soak; for leaks with such a bound.
    pub time_left: Option<Duration>,
    /// What decided, in words.
    pub reason: &'static str,
}

/// The share at the begin that is left out: caches fill, pools grow.
const WARM_UP: f64 = 0.1;

/// The chance of one or more false leaks among all series of a soak.
const BUDGET: f64 = 0.005;

/// Repeats of the bootstrap.
const REPEATS: usize = 2000;

/// Growth below this share of the start is none, over the whole soak.
const LEAST_GROWTH: f64 = 0.05;

/// A second half that grows by less than this share of the whole slope has slowed down, if that is not chance.
const SLOWED: f64 = 0.6;

/// The chance below which a bend is none.
const BENT: f64 = 0.005;

/// After the drain, less than this share of the growth is left: it has returned.
const RETURNED: f64 = 0.5;

impl Watched {
    /// In words, as reports use them.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Latency => "median latency",
            Self::Rss => "resident memory",
            Self::FileDescriptors => "file descriptors",
            Self::Tasks => "tasks",
            Self::QueueDepth => "queue depth",
            Self::Objects => "objects",
        }
    }

    /// Growth below this is none, from this level over the whole soak.
    pub(crate) fn least_growth(self, start: f64) -> f64 {
        (LEAST_GROWTH * start.abs()).max(self.floor())
    }

    /// Growth below this is none, whatever it is a share of: latencies jitter by it, pools open so many.
    fn floor(self) -> f64 {
        match self {
            Self::Latency => 0.001,
            Self::Rss => f64::from(1 << 20),
            Self::FileDescriptors | Self::Tasks => 8.0,
            Self::QueueDepth | Self::Objects => 16.0,
        }
    }

    /// A window stands for itself by its median, or by its minimum where things are taken and given back.
    fn by_minimum(self) -> bool {
        self != Self::Latency
    }
}

impl Class {
    /// In a word or two, as reports use them.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Leak => "leak",
            Self::Bounded => "bounded",
            Self::None => "no growth",
            Self::TooShort => "too short",
        }
    }
}

/// Classifies all series of one soak together; `seed` makes the chances repeatable.
pub fn findings(series: &[Series], seed: u64) -> Vec<Finding> {
    let mut findings: Vec<Finding> = series.iter().map(|series| finding(series, seed)).collect();
    let chances: Vec<f64> = findings.iter().map(|finding| finding.chance).collect();
    let grows = holm(&chances, BUDGET, findings.len());
    for (finding, grows) in findings.iter_mut().zip(grows) {
        if finding.class == Class::Leak && !grows {
            finding.class = Class::None;
            finding.reason = "its slope is within chance";
            finding.time_left = None;
        }
    }
    findings
}

fn finding(series: &Series, seed: u64) -> Finding {
    let windows = windows(&series.samples, WARM_UP, series.watched.by_minimum());
    let Some(windows) = windows else {
        return too_short(series.watched);
    };
    let trend = Trend::of(&windows, REPEATS, &mut StdRng::seed_from_u64(seed));
    let (from, to) = (windows[0].at, windows[windows.len() - 1].at);
    let growth = trend.slope * (to - from);
    let (class, reason) = classify(series, &windows, &trend, growth);
    let end = trend.start + growth;
    let time_left = series
        .most
        .filter(|_| class == Class::Leak && trend.slope > 0.0);
    Finding {
        watched: series.watched,
        class,
        steady: Some((from, to)),
        slope: trend.slope,
        slope_low: trend.low,
        slope_high: trend.high,
        start: trend.start,
        growth,
        chance: trend.chance,
        time_left: time_left.map(|most| {
            let seconds = ((most - end) / trend.slope).max(0.0);
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        }),
        reason,
    }
}

/// What the series does if its slope is above chance; whether it is, all series decide together.
fn classify(
    series: &Series,
    windows: &[Window],
    trend: &Trend,
    growth: f64,
) -> (Class, &'static str) {
    if growth < series.watched.least_growth(trend.start) || trend.low <= 0.0 {
        return (Class::None, "it grows by less than the floor");
    }
    let left = series
        .after_drain
        .map(|level| (level - trend.start) / growth);
    if left.is_some_and(|left| left < RETURNED) {
        return (Class::Bounded, "it returns after the load");
    }
    if trend.last < SLOWED * trend.slope && trend.chance_of_bend < BENT {
        return (Class::Bounded, "it slows down");
    }
    let levels: Vec<f64> = windows
        .chunks(windows.len().div_ceil(3))
        .map(level)
        .collect();
    if levels.windows(2).any(|pair| pair[1] <= pair[0]) {
        return (Class::Bounded, "it does not grow from third to third");
    }
    (
        Class::Leak,
        "it grows from third to third and does not slow down",
    )
}

/// The median of some windows.
fn level(windows: &[Window]) -> f64 {
    let mut values: Vec<f64> = windows.iter().map(|window| window.value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn too_short(watched: Watched) -> Finding {
    Finding {
        watched,
        class: Class::TooShort,
        steady: None,
        slope: 0.0,
        slope_low: f64::NEG_INFINITY,
        slope_high: f64::INFINITY,
        start: 0.0,
        growth: 0.0,
        chance: 1.0,
        time_left: None,
        reason: "too few samples",
    }
}

#[cfg(test)]
mod tests;
