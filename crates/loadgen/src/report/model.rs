//! The record of a run: all numbers, with their units in their names.

use results::machine::Machine;
use serde::{Deserialize, Deserializer, Serialize};

use crate::advice::Measurements;
use crate::driver::Capabilities;
use crate::invariants::{self, Invariant};
use crate::judging::{self, Conclusion};
use crate::recorder::nanoseconds;
use crate::run::Ran;
use crate::scenario::Scenario;

pub mod bar;
pub mod health;
pub mod operation;
pub mod over_time;
pub mod slo;

use bar::Bar;
use health::HealthRow;
use operation::{ModelRow, OperationRow};
use over_time::{UsageRow, WindowRow};
use slo::SloRow;

/// The version of the record, and the only one that is read back; a field that changes its meaning is a new number.
pub const SCHEMA: u32 = 1;

/// What a record is of. Its field `kind` says so, for whoever is handed a file and has to know how to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A run: [`LoadRecord`].
    Load,
    /// A search: [`CapacityRecord`](crate::capacity::record::CapacityRecord).
    Capacity,
    /// A soak: [`SoakRecord`](crate::drift::record::SoakRecord).
    Soak,
}

/// All that a run says, and all that any form of it is made of: read back from JSON, it says the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadRecord {
    /// The version of this record.
    pub schema: u32,
    /// [`Kind::Load`].
    pub kind: Kind,
    /// The scenario's name.
    pub scenario: String,
    /// What it shows and what not.
    pub text: String,
    /// What the run comes to.
    pub conclusion: Conclusion,
    /// All durations were multiplied by this; 1 for the scenario as it is written.
    pub time_scale: f64,
    /// It was broken off.
    pub interrupted: bool,
    /// The seed of its schedule.
    pub seed: u64,
    /// What drove the system.
    pub driver: Capabilities,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// Operations that the plan has.
    pub planned: u64,
    /// Operations that were started.
    pub started: u64,
    /// From the first intended start to the last end.
    pub duration_ns: u64,
    /// How fast it went.
    pub throughput: Throughput,
    /// All operations together, then each by its name.
    pub operations: Vec<OperationRow>,
    /// Every promise with its judgement.
    pub slos: Vec<SloRow>,
    /// What must hold after every run.
    pub invariants: Vec<Invariant>,
    /// The generator's health.
    pub health: HealthRow,
    /// How many answers took how long, all operations together; empty if none came.
    pub response_bars: Vec<Bar>,
    /// Latency over time.
    pub windows: Vec<WindowRow>,
    /// What the model was asked; unset if it could not be asked for that.
    pub model: Option<ModelRow>,
    /// Whose memory and CPU time was looked at.
    pub usage_of: String,
    /// What it used, second by second.
    pub usage: Vec<UsageRow>,
    /// What the advice rests on.
    pub measurements: Measurements,
    /// Where it ran.
    pub machine: Machine,
}

/// How fast a run went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Throughput {
    /// Completions with the right answer per second.
    pub per_second: f64,
    /// What the scenario would reach if the system added nothing; infinite if its answers take no time.
    #[serde(deserialize_with = "finite_or_infinite")]
    pub expected_per_second: f64,
    /// The first ÷ the second.
    pub ratio: f64,
}

/// What a report says beside what the run found.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The scenario's name.
    pub name: String,
    /// All durations were multiplied by this.
    pub time_scale: f64,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// Where it ran.
    pub machine: Machine,
}

impl LoadRecord {
    /// Judges a run and writes it down.
    pub fn new(scenario: &Scenario, ran: &Ran, circumstances: Circumstances) -> Self {
        let judgements = judging::judgements(scenario, ran);
        let invariants = invariants::check(ran);
        let per_second = judging::completions_per_second(ran);
        let expected_per_second = ran.plan.expected_throughput;
        let names = scenario.operation_names();
        let named = names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some(OperationRow::new(name, ran.recorder.of(index)?)));
        let all = OperationRow::new("all", &ran.recorder.all());
        Self {
            schema: SCHEMA,
            kind: Kind::Load,
            scenario: circumstances.name,
            text: scenario.text.trim().to_owned(),
            conclusion: judging::conclude(ran, &judgements, &invariants),
            time_scale: circumstances.time_scale,
            interrupted: ran.interrupted,
            seed: scenario.seed,
            driver: ran.capabilities.clone(),
            settings: circumstances.settings,
            planned: ran.plan.starts as u64,
            started: ran.started,
            duration_ns: nanoseconds(ran.duration),
            throughput: Throughput {
                per_second,
                expected_per_second,
                ratio: per_second / expected_per_second,
            },
            operations: std::iter::once(all).chain(named).collect(),
            slos: judgements.iter().map(SloRow::new).collect(),
            invariants,
            health: HealthRow::new(&ran.health),
            response_bars: bar::bars(ran),
            windows: over_time::windows(ran),
            model: ran.findings.model.map(|used| ModelRow::new(used, ran)),
            usage_of: ran.subject.to_string(),
            usage: over_time::usage(ran),
            measurements: Measurements::of(scenario, ran),
            machine: circumstances.machine,
        }
    }
}

/// JSON has no infinity and writes it as null.
fn finite_or_infinite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    Ok(number.unwrap_or(f64::INFINITY))
}
