//! What submits operations and watches them: one trait, and one file beside this one for each system.
//!
//! A driver is told what to start and when; it tells back what it saw. It decides nothing about the load, and the run
//! decides nothing about right answers: that is the driver's oracle. A reply that says "accepted" is no success.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::error::DriverError;
use crate::outcome::Outcome;
use crate::share::Worker;

pub mod completions;
pub mod engine;
pub mod in_process;
pub mod kubernetes;
pub mod null;

/// Drives one system.
///
/// The run calls in this order: `prepare`, `observe`, then `start` and `cancel` as often as the load wants and at
/// any time, `verify`, `clean_up`. Cleaning up is also called if preparing failed half-way.
pub trait Driver: Send + Sync {
    /// What it can see, and what it takes for an end.
    fn capabilities(&self) -> Capabilities;

    /// Makes everything that operations need.
    ///
    /// # Errors
    /// If the system is out of reach, refuses, or lacks what operations need; the message says which.
    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Begins to watch; ends when nothing of what is started from now on can be missed.
    ///
    /// # Errors
    /// If the system does not let itself be watched.
    fn observe(&self, sightings: Sightings) -> BoxFuture<'_, Result<(), DriverError>>;

    /// Submits one operation, and tells what came of the submission. It ends with the acknowledgement.
    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()>;

    /// Asks the system to give an operation up. Whether it does is seen by the watch.
    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()>;

    /// The oracle for one end.
    fn classify(&self, start: &Start, end: &End) -> Outcome;

    /// The oracle for the whole: what can only be known when all is over.
    ///
    /// # Errors
    /// If the system can no longer be asked.
    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>>;

    /// How the system stands right now. It is asked every second, and must not cost what it tells.
    fn inside(&self) -> Inside {
        Inside::default()
    }

    /// Removes what the run made, and waits until it is gone. Returns how much is left.
    ///
    /// # Errors
    /// If the system can no longer be asked.
    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>>;
}

/// What a driver can see; said in every report, because what cannot be seen cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The driver's name.
    pub name: String,
    /// What counts as an end.
    pub terminal_rule: String,
    /// It sees when work begins, so that the wait in the queue is known.
    pub sees_running: bool,
    /// It sees the first piece of an answer.
    pub sees_first_token: bool,
    /// It knows how often each operation was executed.
    pub counts_executions: bool,
    /// It knows the right answer.
    pub knows_answers: bool,
    /// It can ask the system to give an operation up.
    pub cancels: bool,
}

/// How a system stands at one moment; a field is unset if the driver cannot see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Inside {
    /// Operations that wait in its queue.
    pub queued: Option<u64>,
    /// Objects that it stores for operations.
    pub objects: Option<u64>,
    /// How long each of its workers was busy since the begin, on average.
    pub worked: Option<Duration>,
    /// Passes of its controller that failed since the begin.
    pub errors: Option<u64>,
}

/// What a driver has to prepare for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Names the run, as a label and in names: lower-case letters, digits and dashes.
    pub run: String,
    /// How many tenants there are.
    pub tenants: usize,
    /// How many agents each has.
    pub agents: usize,
    /// The shortest and the longest time of the model to reply.
    pub latency: [Duration; 2],
    /// How often an operation calls tools before it answers.
    pub tool_calls: usize,
    /// How many tools are called each time.
    pub tools: usize,
    /// How long an operation may take.
    pub timeout: Duration,
    /// How long the system keeps what has ended.
    pub ttl: Duration,
    /// The seed of whatever is left to chance.
    pub seed: u64,
    /// Whose share of the load is made; the others may be at work in the same system.
    pub worker: Worker,
}

/// One operation to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its number in the run, from 0.
    pub id: u64,
    /// Index of the operation in the mix.
    pub operation: usize,
    /// Whose it is, from 0.
    pub tenant: usize,
    /// Which of the tenant's agents it addresses, from 0.
    pub agent: usize,
}

/// Something that was seen of an operation.
#[derive(Debug)]
pub struct Sighting {
    /// The operation's number.
    pub id: u64,
    /// When, by our own monotonic clock.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What was seen.
#[derive(Debug)]
pub enum What {
    /// It left the generator.
    Sent,
    /// The system took it in.
    Acknowledged,
    /// The watch shows it.
    Sighted,
    /// It waits in a queue.
    Queued,
    /// It is at work.
    Running,
    /// The first piece of its answer is there.
    FirstToken,
    /// A call that is a part of it went so: a sample of another operation.
    Called {
        /// The index of that operation.
        operation: usize,
        /// When the call was made.
        began: Instant,
        /// What became of it.
        outcome: Outcome,
    },
    /// It ended.
    Ended {
        /// How.
        end: End,
        /// It ended while the watch was blind, so that its time is not known.
        unseen: bool,
    },
}

/// How an operation ended, as the system says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this answer.
    Answered(String),
    /// With this failure.
    Failed(String),
    /// Given up.
    Cancelled,
    /// Gone without an end.
    Vanished,
    /// Refused: too many in a time.
    DeniedByRate,
    /// Refused: too many at once.
    DeniedByCap,
}

impl End {
    /// What it comes to, if this is how to tell a right answer.
    pub fn outcome(&self, is_right: impl FnOnce(&str) -> bool) -> Outcome {
        match self {
            Self::Answered(answer) if is_right(answer) => Outcome::Done,
            Self::Answered(_) => Outcome::WrongAnswer,
            Self::Failed(_) => Outcome::Failed,
            Self::Cancelled => Outcome::Cancelled,
            Self::Vanished => Outcome::Lost,
            Self::DeniedByRate => Outcome::DeniedByRate,
            Self::DeniedByCap => Outcome::DeniedByCap,
        }
    }
}

/// Who takes up what is seen.
pub trait Watcher: Send + Sync {
    /// Called wherever it was seen, and must be quick: whoever saw it waits.
    fn saw(&self, sighting: Sighting);
}

/// Where sightings go. Clones go to the same place.
#[derive(Clone)]
pub struct Sightings(Arc<dyn Watcher>);

/// What came to light after the last operation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Operations that were not executed exactly once, with how often they were; unset if nobody counted.
    pub executions: Option<HashMap<u64, u64>>,
    /// The most operations that were at work at once, and the cap on it; unset if nobody counted.
    pub most_at_once: Option<(u64, u64)>,
    /// How many are still at work although all have ended; unset if nobody counted.
    pub still_at_work: Option<u64>,
    /// What the model behind the system was asked, as it counted itself; unset if it could not be asked.
    pub model: Option<ModelUse>,
}

/// What a model was asked in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelUse {
    /// Requests.
    pub calls: u64,
    /// Of these, the ones that got their whole answer.
    pub answered: u64,
    /// Tokens of requests that were answered.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Questions that were not answered at once: a fault struck them, or they were refused.
    pub struck: u64,
    /// Of these, the ones that were answered in the end.
    pub recovered: u64,
}

impl Sightings {
    /// All go to this watcher.
    pub fn to(watcher: Arc<dyn Watcher>) -> Self {
        Self(watcher)
    }

    /// Tells what is seen right now. Nobody hears it once the run is over.
    pub fn tell(&self, id: u64, what: What) {
        let at = Instant::now();
        self.0.saw(Sighting { id, at, what });
    }

    /// Tells an end that is seen right now.
    pub fn tell_end(&self, id: u64, end: End) {
        self.tell(id, What::Ended { end, unseen: false });
    }
}
