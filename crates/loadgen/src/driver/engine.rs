//! Our own engine behind the operations of the HTTP platforms, in process: runs in a durable store, quotas, and models
//! behind stubs.
//!
//! ```text
//!   generator ── start ──► the engine's own threads ──► store (SQLite), quotas, LLM stub
//!        ▲                              │
//!        └──────── sightings ◄──────────┘
//! ```
//!
//! What an operation does is that of its platform: `agentcore`, `taskforce`, `maestro`. No HTTP lies in between;
//! what a front door adds is not in these latencies.

mod agentcore;
mod changes;
mod maestro;
mod taskforce;
mod world;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::task::AbortHandle;

use self::world::World;
use super::in_process::model_use;
use crate::driver::{Capabilities, Driver, End, Findings, Inside, Setting, Sightings, Start, What};
use crate::error::DriverError;
use crate::outcome::Outcome;
use crate::scenario::Scenario;
use crate::scenario::platform::{Platform, Runs};

/// Threads of the engine.
const THREADS: usize = 2;

/// What the engine does, and its bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    /// Whose operations are meant.
    pub platform: Platform,
    /// The names of the operations, in the order of the mix.
    pub operations: Vec<String>,
    /// How often each asks the model.
    pub model_calls: Vec<usize>,
    /// Each start is a whole run.
    pub runs: Option<Runs>,
    /// How many sessions there are.
    pub sessions: usize,
    /// Model calls at once.
    pub in_flight: usize,
    /// The rates and caps that are enforced; none if unset.
    pub limits: Option<quota::Limits>,
}

/// What one operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Solve { calls: usize },
    Session(taskforce::Action),
    Mission { calls: usize },
    Maestro(maestro::Action),
    Run,
}

/// Drives an engine of its own.
pub struct Engine {
    config: EngineConfig,
    works: Vec<Work>,
    running: Mutex<Option<Running>>,
    at_work: Mutex<HashMap<u64, AbortHandle>>,
}

/// From its preparation to its end.
struct Running {
    world: Arc<World>,
    runtime: Runtime,
}

/// Whom the course of one operation is told.
#[derive(Clone)]
struct Told {
    id: u64,
    sightings: Sightings,
}

impl EngineConfig {
    /// What a scenario wants. An operation asks the model as often as fits into the time that it is expected to take.
    pub fn of(scenario: &Scenario, in_flight: usize, limits: Option<quota::Limits>) -> Self {
        let mean = |[shortest, longest]: [Duration; 2]| (shortest + longest) / 2;
        let of_model = mean(scenario.llm.latency.map(|bound| bound.0));
        let calls = scenario.operations.iter().map(|operation| {
            let of_operation = operation
                .latency
                .map(|range| mean(range.map(|bound| bound.0)));
            let replies = of_operation.unwrap_or(of_model).as_secs_f64() / of_model.as_secs_f64();
            replies.round() as usize
        });
        Self {
            platform: scenario.platform,
            operations: scenario
                .operations
                .iter()
                .map(|one| one.name.clone())
                .collect(),
            model_calls: calls.collect(),
            runs: scenario.runs.clone(),
            sessions: scenario
                .closed
                .as_ref()
                .map_or(1, |closed| closed.users.max(1)),
            in_flight,
            limits,
        }
    }
}

impl Engine {
    /// An engine that nothing was asked of yet.
    ///
    /// # Errors
    /// If the platform has no operation of one of these names.
    pub fn new(config: EngineConfig) -> Result<Self, DriverError> {
        let works = match &config.runs {
            Some(_) => Ok(vec![Work::Run]),
            None => {
                let names = config.operations.iter().zip(&config.model_calls);
                names
                    .map(|(name, calls)| work(config.platform, name, (*calls).max(1)))
                    .collect()
            }
        };
        Ok(Self {
            works: works?,
            config,
            running: Mutex::default(),
            at_work: Mutex::default(),
        })
    }

    fn world(&self) -> Option<Arc<World>> {
        self.running
            .lock()
            .as_ref()
            .map(|running| running.world.clone())
    }

    fn work_of(&self, start: &Start) -> Work {
        let last = self.works.len().saturating_sub(1);
        self.works[start.operation.min(last)]
    }
}

fn work(platform: Platform, name: &str, calls: usize) -> Result<Work, DriverError> {
    let (found, known) = match platform {
        Platform::AgentCore => (Some(Work::Solve { calls }), Vec::new()),
        Platform::Taskforce if name == taskforce::MISSION => {
            (Some(Work::Mission { calls }), Vec::new())
        }
        Platform::Taskforce => (
            taskforce::Action::named(name).map(Work::Session),
            taskforce::Action::names(),
        ),
        Platform::AgentMaestro => (
            maestro::Action::named(name).map(Work::Maestro),
            maestro::Action::names(),
        ),
        Platform::Ark => (None, vec!["Queries, which the control plane takes"]),
    };
    found.ok_or_else(|| DriverError::Operation {
        operation: name.to_owned(),
        platform: platform.name(),
        known: known.join(", "),
    })
}

async fn done(world: &Arc<World>, work: Work, start: &Start, told: &Told) -> End {
    let ended = match work {
        Work::Solve { calls } => agentcore::solve(world, start, calls, told).await,
        Work::Session(action) => taskforce::act(world, action, start, told).await,
        Work::Mission { calls } => taskforce::mission(world, start, calls, told).await,
        Work::Maestro(action) => maestro::act(world, action, start, told).await,
        Work::Run => maestro::run(world, start, told).await,
    };
    ended.map_or_else(End::from, End::Answered)
}

/// The action of this name.
fn named<A: Copy>(actions: &[(&'static str, A)], name: &str) -> Option<A> {
    let mut actions = actions.iter();
    actions
        .find(|(known, _)| *known == name)
        .map(|(_, action)| *action)
}

/// Why an operation has no answer.
#[derive(Debug)]
enum Stopped {
    Failed(String),
    Denied(quota::Decision),
}

impl<E: std::error::Error> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Stopped> for End {
    fn from(stopped: Stopped) -> Self {
        match (stopped.outcome(), stopped) {
            (Outcome::DeniedByRate, _) => Self::DeniedByRate,
            (Outcome::DeniedByCap, _) => Self::DeniedByCap,
            (_, Stopped::Failed(reason)) => Self::Failed(reason),
            (_, Stopped::Denied(decision)) => Self::Failed(decision.to_string()),
        }
    }
}

impl Stopped {
    fn outcome(&self) -> Outcome {
        use quota::Decision;
        match self {
            Self::Denied(Decision::DeniedByRate { .. }) => Outcome::DeniedByRate,
            Self::Denied(Decision::DeniedByCap { .. }) => Outcome::DeniedByCap,
            Self::Denied(_) | Self::Failed(_) => Outcome::Failed,
        }
    }
}

impl Told {
    fn tell(&self, what: What) {
        self.sightings.tell(self.id, what);
    }
}

impl Driver for Engine {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "engine in process".to_owned(),
            terminal_rule: match self.config.runs {
                Some(_) => "a snapshot shows that the run has ended",
                None => "the end of the call",
            }
            .to_owned(),
            sees_running: true,
            sees_first_token: false,
            counts_executions: false,
            knows_answers: true,
            cancels: true,
        }
    }

    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(THREADS)
                .thread_name("engine")
                .enable_all()
                .build();
            let runtime = runtime.map_err(|error| DriverError::Unreachable {
                system: "the engine's own threads".to_owned(),
                reason: error.to_string(),
            })?;
            let (config, setting) = (self.config.clone(), setting.clone());
            let opening = runtime.spawn(async move { World::open(&config, setting).await });
            let opened = opening.await.map_err(|error| DriverError::Unreachable {
                system: "the engine".to_owned(),
                reason: error.to_string(),
            });
            let world = Arc::new(opened??);
            *self.running.lock() = Some(Running { world, runtime });
            Ok(())
        })
    }

    fn observe(&self, _: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let told = Told {
                id: start.id,
                sightings: sightings.clone(),
            };
            let (work, start) = (self.work_of(start), *start);
            let working = self.running.lock().as_ref().map(|running| {
                let world = running.world.clone();
                let working = async move {
                    let end = done(&world, work, &start, &told).await;
                    told.sightings.tell_end(told.id, end);
                };
                let working = running.runtime.spawn(working);
                self.at_work.lock().insert(start.id, working.abort_handle());
                working
            });
            let ended = match working {
                Some(working) => working.await.map_err(|error| match error.is_cancelled() {
                    true => End::Cancelled,
                    false => End::Failed("the engine panicked".to_owned()),
                }),
                None => Err(End::Failed("the engine is not there".to_owned())),
            };
            self.at_work.lock().remove(&start.id);
            if let Err(end) = ended {
                sightings.tell_end(start.id, end);
            }
        })
    }

    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Some(working) = self.at_work.lock().remove(&start.id) {
                working.abort();
            }
        })
    }

    fn classify(&self, start: &Start, end: &End) -> Outcome {
        let world = self.world();
        let work = self.work_of(start);
        end.outcome(|answer| match work {
            Work::Solve { calls } | Work::Mission { calls } => {
                world.is_some_and(|world| answer == world.right_answer(start, calls))
            }
            // Whoever did it has held what it read against what was written.
            Work::Session(_) | Work::Maestro(_) | Work::Run => answer == world::RIGHT,
        })
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        Box::pin(async {
            let Some(world) = self.world() else {
                return Ok(Findings::default());
            };
            world.at_work.until_none().await;
            Ok(Findings {
                executions: None,
                most_at_once: Some((world.at_work.most(), self.config.in_flight as u64)),
                still_at_work: Some(world.at_work.now()),
                model: Some(model_use(&world.stub)),
            })
        })
    }

    fn inside(&self) -> Inside {
        Inside {
            objects: self.world().map(|world| world.n_runs()),
            ..Inside::default()
        }
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        Box::pin(async {
            let running = self.running.lock().take();
            // Its threads are waited for, and its folder removed, which must not hold up the generator.
            let _ = tokio::task::spawn_blocking(|| drop(running)).await;
            Ok(0)
        })
    }
}
