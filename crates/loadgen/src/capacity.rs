//! Capacity: the highest load that keeps the promises, as a bracket between what passes and what fails.
//!
//! ```text
//!  closed loop, 1 2 4 8 … users        ──►  how much comes through at most; Little's law on each rung
//!  open loop, up or down until it turns ──►  a pass below a fail
//!  open loop, in the middle             ──►  the bracket, as narrow as asked; trials grow while nothing can be told
//!  the fail again, the pass for long    ──►  confirmed, or the bracket moves and the search goes on
//! ```
//!
//! A closed loop alone would find a property of the generator: where answers are slow it asks less.
//! A trial that the generator spoiled says nothing; no end of a bracket ever stands on one.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::slo::judge::{Judgement, Standing, overall};
use crate::usl::Usl;

pub mod search;

pub mod probing;

pub mod record;

mod bracket;
mod ladder;
mod place;

/// What is searched along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// Arrivals per second.
    Rate,
    /// How many arrive at once.
    Burst,
    /// How many users wait for answers at once.
    Concurrency,
}

/// What a load counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Arrivals.
    #[serde(rename = "per second")]
    PerSecond,
    /// Arrivals in one instant.
    #[serde(rename = "at once")]
    AtOnce,
    /// Those who wait for each answer.
    #[serde(rename = "users")]
    Users,
}

/// How a search goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Along what.
    pub axis: Axis,
    /// The first rung: users, or the size of the first burst.
    pub start: f64,
    /// The factor between rungs, above 1.
    pub growth: f64,
    /// No rung and no probe is above it, in the unit of the axis (for a rate, this bounds the users of the ladder).
    pub most: f64,
    /// How narrow the bracket is to become: first fail ÷ highest pass − 1.
    pub resolution: f64,
    /// Starts of the first trial at a place.
    pub trial: u64,
    /// Starts of the longest one.
    pub longest_trial: u64,
    /// Starts of the trial that confirms the highest pass.
    pub hold: u64,
    /// The search ends with what it knows after so many probes.
    pub most_probes: usize,
}

/// The load of a probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Users who wait for each answer.
    Closed {
        /// How many.
        users: u64,
    },
    /// Poisson arrivals.
    Open {
        /// How many per second.
        rate: f64,
    },
    /// All at once, again and again, each time after the last one has been answered.
    Burst {
        /// How many.
        size: u64,
    },
}

/// Why a probe is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A rung of the closed-loop ladder.
    Ladder,
    /// To find a pass below a fail.
    Bracket,
    /// To bring the two together.
    Narrow,
    /// The first fail once more.
    Repeat,
    /// The highest pass for long.
    Hold,
    /// Above the first fail: does it come back?
    Beyond,
}

/// One trial to be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Its number, from 0; seeds derive from it.
    pub index: usize,
    /// Why.
    pub purpose: Purpose,
    /// What is offered.
    pub load: Load,
    /// How many starts.
    pub starts: u64,
}

/// What a trial saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The promises, judged at [`search::LEVEL`] or stricter.
    pub judgements: Vec<Judgement>,
    /// Completions per second.
    pub throughput: f64,
    /// Its standard error.
    pub throughput_error: f64,
    /// How many were in the system on average.
    pub in_system: f64,
    /// Seconds that each stayed, on average.
    pub residence: f64,
    /// The 95th percentile of the service time, in seconds; unset if too many never came.
    pub service_p95: Option<f64>,
    /// How many were denied by a rate or a cap.
    pub refusals: u64,
    /// Why the generator spoiled it; unset if it did not.
    pub spoiled: Option<String>,
}

/// A trial and what it saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// What was asked for.
    pub probe: Probe,
    /// What came of it.
    pub observation: Observation,
}

/// What ends the bracket above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ceiling {
    /// A promise that was missed.
    Slo,
    /// Quotas refused; what the system can carry was not seen.
    Quota,
    /// The generator: beyond, it spoils its own trials.
    Generator,
    /// The settings allow no more load.
    Settings,
    /// The probes were used up, or nothing more could be told.
    Probes,
}

/// The bracket of one promise alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Own {
    /// The promise.
    pub slo: String,
    /// The highest load at which it was met, below the first miss.
    pub highest_pass: Option<f64>,
    /// The lowest load at which it was missed; loads of which nothing can be told are left out.
    pub first_fail: Option<f64>,
}

/// The outcome of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Along what.
    pub axis: Axis,
    /// The highest load that keeps every promise, confirmed; unset if none was found.
    pub highest_pass: Option<f64>,
    /// The lowest load that breaks one, confirmed; unset if none was found.
    pub first_fail: Option<f64>,
    /// What ends the bracket above.
    pub ceiling: Ceiling,
    /// The promises that are broken at the first fail, the worst first.
    pub binding: Vec<String>,
    /// Each promise alone.
    pub own: Vec<Own>,
    /// The law of throughput over concurrency, from the rungs that obey Little's law.
    pub usl: Option<Usl>,
    /// A higher load passed where a lower one had failed.
    pub non_monotonic: bool,
    /// Loads at which nothing could be told within the longest trial, or trials contradicted each other.
    pub undecided: Vec<f64>,
    /// Every trial.
    pub trials: Vec<Trial>,
}

/// Little's law holds to this share, or objects were lost, clocks disagree, or there was no steady state.
pub const LITTLE_TOLERANCE: f64 = 0.05;

impl Axis {
    /// What it counts.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Rate => Unit::PerSecond,
            Self::Burst => Unit::AtOnce,
            Self::Concurrency => Unit::Users,
        }
    }
}

impl Unit {
    /// The words that reports use.
    pub const fn words(self) -> &'static str {
        match self {
            Self::PerSecond => "per second",
            Self::AtOnce => "at once",
            Self::Users => "users",
        }
    }
}

impl Display for Unit {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(self.words())
    }
}

impl Load {
    /// Its place on the axis: users, arrivals per second, or size.
    pub fn value(self) -> f64 {
        match self {
            Self::Closed { users } => users as f64,
            Self::Open { rate } => rate,
            Self::Burst { size } => size as f64,
        }
    }

    /// What it counts.
    pub const fn unit(self) -> Unit {
        let axis = match self {
            Self::Closed { .. } => Axis::Concurrency,
            Self::Open { .. } => Axis::Rate,
            Self::Burst { .. } => Axis::Burst,
        };
        axis.unit()
    }
}

impl Purpose {
    /// The word that reports use.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ladder => "ladder",
            Self::Bracket => "bracket",
            Self::Narrow => "narrow",
            Self::Repeat => "repeat",
            Self::Hold => "hold",
            Self::Beyond => "beyond",
        }
    }
}

impl Display for Purpose {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(self.words())
    }
}

impl Observation {
    /// What the trial says of all promises; invalid if the generator spoiled it.
    pub fn standing(&self) -> Standing {
        if self.spoiled.is_some() {
            return Standing::Invalid;
        }
        overall(&self.judgements)
    }

    /// How far `in system = throughput × residence` is off, as a share; infinite if nothing was in the system.
    pub fn little_gap(&self) -> f64 {
        let expected = self.throughput * self.residence;
        if self.in_system <= 0.0 {
            return f64::INFINITY;
        }
        (expected - self.in_system).abs() / self.in_system
    }
}

impl Capacity {
    /// The share of the capacity's lower end that a demand leaves free; below zero if it exceeds it.
    ///
    /// `None` without a confirmed pass: no capacity is stated then.
    pub fn headroom(&self, demand: f64) -> Option<f64> {
        self.highest_pass
            .map(|capacity| (capacity - demand) / capacity)
    }

    /// The 95th percentile of the service time at the highest pass, in seconds, from its longest trial.
    pub fn service_p95(&self) -> Option<f64> {
        let is_pass = |trial: &&Trial| {
            trial.probe.purpose != Purpose::Ladder
                && Some(trial.probe.load.value()) == self.highest_pass
        };
        let longest = self
            .trials
            .iter()
            .filter(is_pass)
            .max_by_key(|trial| trial.probe.starts);
        longest.and_then(|trial| trial.observation.service_p95)
    }

    /// The bracket holds this load.
    pub fn holds(&self, truth: f64) -> bool {
        self.highest_pass.is_none_or(|pass| pass <= truth)
            && self.first_fail.is_none_or(|fail| truth <= fail)
    }
}

#[cfg(test)]
mod tests;
