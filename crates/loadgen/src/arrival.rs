//! When work arrives at an open system: a rate over time, and how evenly the arrivals follow it.
//!
//! ```text
//!  rate                         expected arrivals so far
//!   │    ╭────────╮                 │        ╭───  equal steps up this axis (even),
//!   │   ╱          ╲                │      ╱       or random ones of mean 1 (poisson, gamma),
//!   │  ╱            ╲               │    ╱         are carried over to the time axis
//!   └─────────────────► time        └──────────► time
//! ```
//!
//! Both halves are pure: the same seed gives the same instants on every machine.

use std::time::Duration;

use query_api::go_duration::GoDuration;
use rand::rngs::StdRng;
use rand_distr::{Distribution, Exp1, Gamma};
use serde::Deserialize;

/// A stretch of time in which the rate moves in a straight line.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long the stretch is.
    pub duration: GoDuration,
    /// Arrivals per second at its end; it begins at the end of the stage before.
    pub rate: f64,
}

/// How evenly arrivals follow the rate.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spacing {
    /// Evenly, like a metronome.
    Even,
    /// Independently of each other, as from many users who do not know each other.
    #[default]
    Poisson,
    /// In clumps: gamma-distributed gaps with a coefficient of variation of 2 (shape 1/4).
    Gamma,
}

/// A rate over time that begins at `start` and moves through stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    start: f64,
    stages: Vec<Stage>,
}

/// Shape of the gamma distribution in [`Spacing::Gamma`]; the coefficient of variation is `1 / sqrt(shape)`.
const CLUMPED_SHAPE: f64 = 0.25;

impl Profile {
    /// A profile that begins with `start` arrivals per second.
    pub fn new(start: f64, stages: Vec<Stage>) -> Self {
        Self { start, stages }
    }

    /// The same rate all the time.
    pub fn constant(rate: f64, duration: Duration) -> Self {
        let duration = GoDuration(duration);
        Self::new(rate, vec![Stage { duration, rate }])
    }

    /// From the first stage's begin to the last one's end.
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration.0).sum()
    }

    /// Arrivals per second at `at`; zero after the end.
    pub fn rate_at(&self, at: Duration) -> f64 {
        let mut begin = 0.0;
        let at = at.as_secs_f64();
        for (from, stage) in self.stages_with_start() {
            let length = stage.duration.0.as_secs_f64();
            if at < begin + length {
                return from + (stage.rate - from) * (at - begin) / length;
            }
            begin += length;
        }
        0.0
    }

    /// How many arrivals the whole profile expects.
    pub fn expected(&self) -> f64 {
        self.stages_with_start()
            .map(|(from, stage)| area(from, stage.rate, stage.duration.0.as_secs_f64()))
            .sum()
    }

    /// When the expected number of arrivals reaches `count`; `None` if it never does.
    fn when(&self, count: f64) -> Option<Duration> {
        let mut begin = 0.0;
        let mut left = count;
        for (from, stage) in self.stages_with_start() {
            let length = stage.duration.0.as_secs_f64();
            let here = area(from, stage.rate, length);
            if left <= here && here > 0.0 {
                let at = begin + time_to_cover(left, from, stage.rate, length);
                return Some(Duration::from_secs_f64(at));
            }
            left -= here;
            begin += length;
        }
        None
    }

    /// Each stage with the rate that it begins at.
    fn stages_with_start(&self) -> impl Iterator<Item = (f64, &Stage)> {
        let starts = std::iter::once(self.start).chain(self.stages.iter().map(|stage| stage.rate));
        starts.zip(&self.stages)
    }

    /// All intended starts, in order, from the seeded `rng`.
    ///
    /// Even arrivals stand in the middle of their share (the first one after half a gap), so that a run of `n`
    /// whole gaps holds exactly `n` arrivals.
    pub fn intended_starts(&self, spacing: Spacing, rng: &mut StdRng) -> Vec<Duration> {
        let clumped = Gamma::new(CLUMPED_SHAPE, 1.0 / CLUMPED_SHAPE)
            .expect("a constant shape above zero is a distribution");
        let mut covered = match spacing {
            Spacing::Even => -0.5,
            Spacing::Poisson | Spacing::Gamma => 0.0,
        };
        std::iter::from_fn(|| {
            covered += match spacing {
                Spacing::Even => 1.0,
                Spacing::Poisson => Exp1.sample(rng),
                Spacing::Gamma => clumped.sample(rng),
            };
            self.when(covered)
        })
        .collect()
    }
}

/// Arrivals in `length` seconds while the rate moves in a straight line: the area of a trapezium.
fn area(from: f64, to: f64, length: f64) -> f64 {
    (from + to) / 2.0 * length
}

/// Seconds until `count` arrivals are covered within a stage: the root of `from·t + slope·t²/2 = count`.
///
/// Written so that nothing cancels where the slope is small or zero.
fn time_to_cover(count: f64, from: f64, to: f64, length: f64) -> f64 {
    let slope = (to - from) / length;
    let discriminant = (from * from + 2.0 * slope * count).max(0.0);
    let denominator = from + discriminant.sqrt();
    if denominator == 0.0 {
        return 0.0;
    }
    (2.0 * count / denominator).min(length)
}

#[cfg(test)]
mod tests;
