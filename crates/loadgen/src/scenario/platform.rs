//! What scenarios of the HTTP platforms have beside a load: runs with child runs, ladders, and whose document they are of.

use query_api::go_duration::GoDuration;
use serde::Deserialize;

use crate::scenario::Scenario;

/// Whose load test a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Query objects, as Ark has them.
    #[default]
    Ark,
    /// Runs, child runs and snapshots.
    AgentMaestro,
    /// `modular.solve` calls.
    AgentCore,
    /// Sessions with missions.
    Taskforce,
}

/// Each start is a whole run: created, its child runs spawned, its snapshot polled until it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// How many child runs each has.
    pub children: usize,
    /// The pause between two polls of the snapshot.
    pub poll_interval: GoDuration,
    /// How long a run is polled before it is given up.
    pub poll_timeout: GoDuration,
}

/// One ladder of a calibration: bursts of one operation, each larger than the one before.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ladder {
    /// The operation.
    pub operation: String,
    /// How many arrive at once, rung by rung, ascending.
    pub sizes: Vec<usize>,
}

impl Platform {
    /// Its name, as its users write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ark => "Ark",
            Self::AgentMaestro => "AgentMaestro",
            Self::AgentCore => "AgentCore",
            Self::Taskforce => "Taskforce",
        }
    }
}

impl Runs {
    /// The index of creating a run among [`Runs::operations`].
    pub const CREATE: usize = 0;
    /// That of spawning a child.
    pub const SPAWN: usize = 1;
    /// That of polling a snapshot.
    pub const SNAPSHOT: usize = 2;
    /// That of a step which a snapshot showed.
    pub const TICK: usize = 3;
    /// That of the run as a whole, which is what is started.
    pub const WHOLE: usize = 4;

    /// The operations of a run, each with how often a run of the scenario makes it at least.
    pub fn operations(&self) -> [(&'static str, usize); 5] {
        [
            ("create", 1),
            ("spawn", self.children),
            ("snapshot", 1),
            ("tick", 1),
            ("run", 1),
        ]
    }

    /// How many calls of the API a run makes at least: the run as a whole and its ticks are none.
    fn calls(&self) -> usize {
        2 + self.children
    }
}

impl Scenario {
    /// The index of the operation that a start as a whole is, if calls on its way are samples of others.
    pub(crate) fn whole(&self) -> Option<usize> {
        self.runs.as_ref().map(|_| Runs::WHOLE)
    }

    /// The names of its operations.
    pub fn operation_names(&self) -> Vec<&str> {
        match &self.runs {
            Some(runs) => runs.operations().map(|(name, _)| name).to_vec(),
            None => {
                let names = self.operations.iter().map(|operation| &*operation.name);
                names.collect()
            }
        }
    }

    /// How many samples of an operation (unset: of all) so many starts bring at least.
    pub fn samples(&self, starts: usize, operation: Option<&str>) -> u64 {
        let samples = match (&self.runs, operation) {
            (Some(runs), None) => (starts * runs.calls()) as f64,
            (Some(runs), Some(name)) => {
                let per_run = runs
                    .operations()
                    .into_iter()
                    .find(|(known, _)| *known == name);
                (starts * per_run.map_or(0, |(_, per_run)| per_run)) as f64
            }
            (None, None) => starts as f64,
            (None, Some(name)) if !self.ladders.is_empty() => {
                let ladders = self
                    .ladders
                    .iter()
                    .filter(|ladder| ladder.operation == name);
                ladders.flat_map(|ladder| &ladder.sizes).sum::<usize>() as f64
            }
            (None, Some(name)) => starts as f64 * self.share(name),
        };
        samples.floor() as u64
    }

    /// The part of the mix that an operation has.
    fn share(&self, name: &str) -> f64 {
        let index = self.operations.iter().position(|known| known.name == name);
        index.map_or(0.0, |index| self.mix().shares()[index])
    }
}
