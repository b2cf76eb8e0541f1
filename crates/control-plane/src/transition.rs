//! Every phase change of a Query, as one pure function of the Query, an event and the time.
//!
//! ```text
//!                    Claim          Start             Execute … Finish
//!   pending ─────────────► (same) ────────► running ────────────────────► done, error
//!   provisioning     │                        │  ▲
//!   queued           │                        │  └ Record (answers so far, phase unchanged)
//!                    │ budget over            │
//!                    ▼                        ▼ spec.cancel
//!                  error                   canceled          (from every phase before)
//!
//!   done, error, canceled ── ttl over ──► Delete       deletionTimestamp, any phase ──► Release
//! ```
//!
//! A step carries at most one effect. Whoever performs it looks at the Query again afterwards and asks for the next
//! step, so that each decision rests on what really happened and a lost or refused write needs no case of its own.
//! No phase ever leaves `done`, `error` or `canceled`; `input-required` and phases that we do not know belong to
//! somebody else. Clock, network, queue and retries are the controller's.

mod claim;
mod completed;
mod outcome;
mod patch;
mod recorded;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use query_api::dialect::Dialect;
use query_api::go_duration::GoDuration;
use query_api::query::{Phase, Query, Response, TokenUsage};

use crate::execution::TargetOutcome;

pub use claim::{CLAIM_ANNOTATION, Claim};
pub use completed::Reason;
pub use patch::{MetadataPatch, StatusPatch};
pub use recorded::select;

/// How long a Query may wait and each target may run if its spec does not say; upstream's default.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What happened to a Query.
#[derive(Debug)]
pub enum Event<'a> {
    /// Somebody looked at it: it is new, it changed, or its time has come.
    Seen(Observer<'a>),
    /// Some of its targets have answered while others still run.
    Answered(&'a Progress),
    /// All its targets have come to an end.
    Executed(&'a Execution),
    /// It cannot be executed at all, or what executed it broke; the text names the cause.
    Failed(&'a str),
}

/// Who looks at a Query, and what it knows beside the Query itself.
#[derive(Debug, Clone, Copy)]
pub struct Observer<'a> {
    /// The name under which this controller claims Queries.
    pub identity: &'a str,
    /// The Query was already there when this controller started, so that a claim that another made is void.
    pub inherited: bool,
    /// The Query was read from the server, or written under a precondition, and not taken from a cache.
    pub fresh: bool,
    /// Since when this controller has seen the Query in its present phase.
    pub since: Timestamp,
}

/// The answers of a Query that still runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// One slot per target in the order of the spec; empty while a target runs, and if it failed.
    pub answers: Vec<Option<Response>>,
    /// The tokens behind these answers, those of earlier runs included.
    pub usage: TokenUsage,
}

/// What came of executing a Query.
#[derive(Debug)]
pub struct Execution {
    /// One outcome per target in the order of the spec.
    pub outcomes: Vec<TargetOutcome>,
    /// The tokens behind the answers that earlier runs had recorded.
    pub spent: TokenUsage,
    /// From the start of this run to its end.
    pub took: Duration,
}

/// What is to become of a Query.
#[derive(Debug, PartialEq)]
pub struct Step {
    /// The phase of the Query once the effect has been performed.
    pub phase: Phase,
    /// What to do; `None` if there is nothing to be done before the next event.
    pub effect: Option<Effect>,
}

/// One thing to do for a Query.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Put our finalizer and our claim on it.
    Claim(MetadataPatch),
    /// Read it anew: the next effect cannot be taken back, and what is known may be out of date.
    Read,
    /// Find the targets that its selector names, and put them in with [`select`].
    Select,
    /// Write that it runs.
    Start(StatusPatch),
    /// Ask the targets.
    Execute {
        /// The answers of earlier runs, one slot per target in the order of the spec.
        recorded: Vec<Option<Response>>,
        /// The tokens behind them.
        spent: TokenUsage,
    },
    /// Write the answers so far.
    Record(StatusPatch),
    /// Write its terminal phase.
    Finish(StatusPatch),
    /// Look at it again after this time.
    LookAgain(Duration),
    /// Delete it, because its time to live is over.
    Delete,
    /// Take our finalizer off, so that it can go.
    Release(MetadataPatch),
}

impl Effect {
    /// Whether the effect leads to calls of targets, so that it needs a place among the Queries in flight.
    #[must_use]
    pub fn leads_to_execution(&self) -> bool {
        matches!(
            self,
            Self::Claim(_) | Self::Read | Self::Select | Self::Start(_) | Self::Execute { .. }
        )
    }
}

/// Decides what is to become of `query` after `event`.
///
/// Only `Event::Seen` asks what to do next. The other events report the end of something, so they either lead to a
/// write or, where the Query has meanwhile ended or is about to be deleted, to nothing.
#[must_use]
pub fn transition(query: &Query, event: &Event<'_>, now: Timestamp) -> Step {
    let phase = query.phase();
    if query.metadata.deletion_timestamp.is_some() {
        return Step {
            phase,
            effect: claim::release(query).map(Effect::Release),
        };
    }
    match (phase, event) {
        (Phase::Done | Phase::Error | Phase::Canceled, Event::Seen(observer)) => Step {
            phase,
            effect: expire(query, observer, now),
        },
        (Phase::Done | Phase::Error | Phase::Canceled | Phase::Other, _) => Step::rest(phase),
        (_, Event::Executed(execution)) => outcome::conclude(query, execution, now),
        (_, Event::Seen(_) | Event::Failed(_)) if query.spec.cancel => outcome::cancel(query, now),
        (_, Event::Failed(cause)) => outcome::fail(query, Reason::QueryErrored, cause, now),
        (_, Event::Answered(progress)) => outcome::record(query, progress),
        (Phase::InputRequired, Event::Seen(_)) => Step::rest(phase),
        (Phase::Pending | Phase::Provisioning | Phase::Queued, Event::Seen(observer)) => {
            begin(query, observer, now)
        }
        (Phase::Running | Phase::Evaluating, Event::Seen(observer)) => resume(query, observer),
    }
}

/// When the Query has waited too long to be started; `None` if it may wait for ever.
///
/// Only dialect `Target` counts the timeout from creation until the start; the older one gives it to targets alone.
fn start_deadline(query: &Query) -> Option<Timestamp> {
    if Dialect::of_query(&query.spec) != Dialect::Target {
        return None;
    }
    let created = query.metadata.creation_timestamp.as_ref()?.0;
    Some(deadline(created, query.spec.timeout))
}

/// When a Query of dialect `Target` has waited too long, by its time of creation and its timeout.
#[must_use]
pub fn deadline(created: Timestamp, timeout: Option<GoDuration>) -> Timestamp {
    let budget = timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.0);
    later(created, budget)
}

impl Step {
    /// Nothing is to be done.
    fn rest(phase: Phase) -> Self {
        Self {
            phase,
            effect: None,
        }
    }

    /// The phase stays while the effect is performed.
    fn stay(query: &Query, effect: Effect) -> Self {
        Self {
            phase: query.phase(),
            effect: Some(effect),
        }
    }
}

/// The next step of a Query that has not been started.
fn begin(query: &Query, observer: &Observer<'_>, now: Timestamp) -> Step {
    if let Some(deadline) = start_deadline(query)
        && deadline <= now
    {
        let cause = "its timeout passed before it could be started";
        return outcome::fail(query, Reason::TimedOutInQueue, cause, now);
    }
    match Claim::of(query, observer) {
        Claim::Theirs => Step::rest(query.phase()),
        Claim::Free => Step::stay(query, Effect::Claim(claim::claim(query, observer))),
        Claim::Ours if query.spec.selector.is_some() => Step::stay(query, Effect::Select),
        Claim::Ours if query.spec.all_targets().next().is_none() => {
            outcome::fail(query, Reason::QueryErrored, "it has no target", now)
        }
        Claim::Ours => outcome::start(query, now),
    }
}

/// The next step of a Query that has been started, by this controller or by one before it.
fn resume(query: &Query, observer: &Observer<'_>) -> Step {
    let effect = match Claim::of(query, observer) {
        Claim::Theirs => return Step::rest(query.phase()),
        Claim::Free if observer.inherited => Effect::Claim(claim::claim(query, observer)),
        // Whoever started it left no claim: a controller that is not of our kind, and it may well be alive.
        Claim::Free => return Step::rest(query.phase()),
        Claim::Ours if !observer.fresh => Effect::Read,
        Claim::Ours if query.spec.selector.is_some() => Effect::Select,
        Claim::Ours => Effect::Execute {
            recorded: recorded::recorded(query),
            spent: recorded::spent(query),
        },
    };
    Step::stay(query, effect)
}

/// The next step of a Query that has ended: it is kept for its time to live, then deleted.
fn expire(query: &Query, observer: &Observer<'_>, now: Timestamp) -> Option<Effect> {
    let ttl = query.spec.ttl?.0;
    let ended = completed::completed_at(query).unwrap_or(observer.since);
    let left = later(ended, ttl).duration_since(now);
    match Duration::try_from(left) {
        Ok(left) if left > Duration::ZERO => Some(Effect::LookAgain(left)),
        _ => Some(Effect::Delete),
    }
}

/// `time` plus `duration`, at the end of time if there is no such time.
fn later(time: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}
