//! A scenario: one TOML file that says what load is offered, to whom, and what is promised.
//!
//! Unknown fields are errors, and a plan that no run could follow is refused before anything runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use query_api::go_duration::GoDuration;
use serde::Deserialize;

use crate::arrival::{Spacing, Stage};
use crate::error::ScenarioError;
use crate::mix::{Mix, Operation};
use crate::scenario::platform::{Ladder, Platform, Runs};
use crate::scenario::trace::Trace;
use crate::schedule::{Entry, Matrix, Schedule};
use crate::slo::Slo;

/// A scenario as its file says it, checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario shows, and what must not be concluded from it.
    pub text: String,
    /// Whose load test it is.
    #[serde(default)]
    pub platform: Platform,
    /// The seed of its schedule.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Arrivals that do not wait for answers.
    #[serde(default)]
    pub open: Option<Open>,
    /// Arrivals at recorded instants.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// Everything at once.
    #[serde(default)]
    pub burst: Option<Burst>,
    /// Users who wait for each answer.
    #[serde(default)]
    pub closed: Option<Closed>,
    /// Bursts of growing size, for a calibration.
    #[serde(default, rename = "ladder")]
    pub ladders: Vec<Ladder>,
    /// Each start is a whole run with child runs; unset if a start is one operation of the mix.
    #[serde(default)]
    pub runs: Option<Runs>,
    /// How many tenants there are; each is a namespace or a workspace.
    #[serde(default = "one")]
    pub tenants: usize,
    /// How many agents each tenant has.
    #[serde(default = "one")]
    pub agents: usize,
    /// The weighted mix; without one there is a single operation, `query`.
    #[serde(default = "single_operation", rename = "operation")]
    pub operations: Vec<Operation>,
    /// Whether `QUERIES_PER_SECOND`, `DURATION_SECONDS` and `TARGET_AGENT` of the environment replace its own numbers.
    #[serde(default)]
    pub environment: bool,
    /// How the LLM answers.
    pub llm: Llm,
    /// What is promised.
    #[serde(default, rename = "slo")]
    pub slos: Vec<Slo>,
    /// What every duration was multiplied by, see [`Scenario::scaled`]; 1 if they are as the file says.
    #[serde(skip, default = "full_length")]
    pub time_scale: f64,
}

/// Arrivals that do not wait for answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Arrivals per second at the begin.
    pub start: f64,
    /// How the rate goes on.
    pub stages: Vec<Stage>,
    /// How evenly arrivals follow the rate.
    #[serde(default)]
    pub spacing: Spacing,
}

/// Everything at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// How many.
    pub count: usize,
}

/// Users who wait for each answer before they ask again.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// How many users there are at once.
    pub users: usize,
    /// How many queries they send together; 0 if `duration` ends the load.
    #[serde(default)]
    pub queries: usize,
    /// How long they go on asking; unset if `queries` ends the load.
    #[serde(default)]
    pub duration: Option<GoDuration>,
    /// How many users join per second; unset means all at the begin.
    #[serde(default)]
    pub spawn_rate: Option<f64>,
    /// The shortest and the longest pause before the next question, uniform between them.
    #[serde(default)]
    pub think_time: Option<[GoDuration; 2]>,
}

/// How the LLM behind the system answers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Llm {
    /// The shortest and the longest reply time; equal for a fixed one.
    pub latency: [GoDuration; 2],
    /// Tool calls before the final answer.
    #[serde(default)]
    pub tool_calls: usize,
    /// How many tools are called at once each time.
    #[serde(default = "one")]
    pub tools: usize,
}

/// What a scenario comes down to before it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Starts that will be made.
    pub starts: usize,
    /// How long the arrivals take; for closed loops the time at the expected pace.
    pub duration: Duration,
    /// Completions per second that the system under test would reach if it added nothing.
    pub expected_throughput: f64,
    /// Every intended start; `None` for closed loops, whose starts depend on the answers.
    pub schedule: Option<Schedule>,
}

/// Whether the plan has samples enough for an SLO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decidable {
    /// Samples that are to be expected.
    pub expected: u64,
    /// Samples that it takes.
    pub needed: u64,
}

impl Scenario {
    /// Reads and checks a scenario file.
    ///
    /// # Errors
    ///
    /// If the file or its trace cannot be read, does not parse, has an unknown field, or asks for the impossible.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Finds a scenario by its name in `folder`, or by its path.
    ///
    /// # Errors
    ///
    /// If there is none of that name, with the names that there are; else as [`Scenario::read`].
    pub fn find(folder: &Path, name: &str) -> Result<Self, ScenarioError> {
        let path = Self::path(folder, name);
        if name.ends_with(".toml") || path.is_file() {
            return Self::read(&path);
        }
        Err(ScenarioError::Unknown {
            name: name.to_owned(),
            known: names(folder),
        })
    }

    /// Where the scenario of this name in `folder` lies, or that of a path.
    pub fn path(folder: &Path, name: &str) -> PathBuf {
        if name.ends_with(".toml") {
            return PathBuf::from(name);
        }
        folder.join(name).with_extension("toml")
    }

    /// Parses and checks the text of the file at `path`.
    ///
    /// # Errors
    ///
    /// As [`Scenario::read`], but for reading.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self =
            toml::from_str(text).map_err(|source| ScenarioError::Malformed {
                path: path.to_owned(),
                source: Box::new(source),
            })?;
        if let Some((place, reason)) = check::fault(&scenario) {
            return Err(ScenarioError::Impossible {
                path: path.to_owned(),
                place,
                reason,
            });
        }
        if let Some(trace) = &mut scenario.trace {
            trace.read(path, &scenario.operations)?;
        }
        Ok(scenario)
    }

    /// Whether a run of this plan can decide the SLO.
    pub fn decidable(&self, plan: &Plan, slo: &Slo) -> Decidable {
        Decidable {
            expected: self.samples(plan.starts, slo.operation.as_deref()),
            needed: slo.samples_needed(),
        }
    }

    /// What users of a closed load ask, in the order in which it is asked.
    pub fn questions(&self) -> Vec<Entry> {
        let count = self
            .closed
            .as_ref()
            .map_or(0, |closed| self.most_questions(closed));
        let matrix = Matrix {
            tenants: self.tenants,
            agents: self.agents,
        };
        let schedule = Schedule::burst(count, &self.mix(), matrix, self.seed);
        self.of_wholes(schedule).entries
    }

    /// The same schedule of the operation that stands for a start with calls on its way, where starts are such.
    fn of_wholes(&self, mut schedule: Schedule) -> Schedule {
        if let Some(whole) = self.whole() {
            let entries = schedule.entries.iter_mut();
            entries.for_each(|entry| entry.operation = whole);
        }
        schedule
    }

    /// The smallest latency that is promised; unset if none is.
    pub fn tightest_latency(&self) -> Option<Duration> {
        let bounds = self.slos.iter().filter_map(|slo| slo.at_most);
        bounds.map(|bound| bound.0).min()
    }

    /// The longest latency that is promised, if any is.
    pub fn longest_latency(&self) -> Option<Duration> {
        let bounds = self.slos.iter().filter_map(|slo| slo.at_most);
        bounds.map(|bound| bound.0).max()
    }

    fn mix(&self) -> Mix {
        Mix::new(self.operations.iter().map(|operation| operation.weight))
    }

    /// So many questions are drawn. If answers come faster than that, users begin again with the first.
    fn most_questions(&self, closed: &Closed) -> usize {
        /// A user who does not think is rarely answered faster.
        const FASTEST: Duration = Duration::from_millis(1);
        let Some(duration) = closed.duration else {
            return closed.queries;
        };
        let shortest = closed
            .think_time
            .map_or(FASTEST, |[shortest, _]| shortest.0.max(FASTEST));
        let each = (duration.0.as_secs_f64() / shortest.as_secs_f64()).ceil() + 1.0;
        closed.users.saturating_mul(each as usize)
    }

    /// The mean time of one execution: every tool call costs one more reply, and a run lasts a poll longer.
    fn mean_latency(&self) -> Duration {
        let [shortest, longest] = self.llm.latency;
        let replies = u32::try_from(self.llm.tool_calls + 1).unwrap_or(u32::MAX);
        let usual = (shortest.0 + longest.0) / 2 * replies;
        let shares = self.mix().shares();
        let of_mix = self
            .operations
            .iter()
            .zip(shares)
            .map(|(operation, share)| {
                let latency = operation.latency;
                let mean =
                    latency.map_or(usual, |[shortest, longest]| (shortest.0 + longest.0) / 2);
                mean.mul_f64(share)
            });
        let poll = self
            .runs
            .as_ref()
            .map_or(Duration::ZERO, |runs| runs.poll_interval.0);
        of_mix.sum::<Duration>() + poll
    }

    fn mean_think_time(&self) -> Duration {
        let think_time = self.closed.as_ref().and_then(|closed| closed.think_time);
        think_time.map_or(Duration::ZERO, |[shortest, longest]| {
            (shortest.0 + longest.0) / 2
        })
    }
}

impl Decidable {
    /// There are samples enough.
    pub fn holds(self) -> bool {
        self.expected >= self.needed
    }
}

/// The names of all scenarios in `folder`, sorted, with commas between them.
fn names(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut names: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names.join(", ")
}

fn default_seed() -> u64 {
    1
}

fn one() -> usize {
    1
}

fn full_length() -> f64 {
    1.0
}

fn single_operation() -> Vec<Operation> {
    vec![Operation {
        name: "query".to_owned(),
        weight: 1.0,
        latency: None,
    }]
}

mod change;
mod check;
mod pace;
mod plan;
pub mod platform;
pub mod trace;
