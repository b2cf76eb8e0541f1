//! Where runs are kept: one trait, one file per kind of store.
//!
//! Every write names the version that it is based on, so two writers of one run cannot overwrite
//! each other: the slower one gets a [`StoreError::Conflict`], loads what is new, and decides again.
//! Every read is of one version: a state is exactly what the events up to its version add up to.
//!
//! An append reads and writes the [head](crate::head) and the new events; it costs the same at the end
//! of any history. A state is a snapshot and the events after it; whoever loads a state with a long
//! tail of events leaves a newer snapshot behind, so that no append ever pays for one.

use std::future::Future;
use std::pin::Pin;

use crate::codec::{self, Encoding, Format};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::json::Json;
use crate::run::{Origin, RunState, RunStatus, Seq, UnixMillis};

pub(crate) mod disk;
pub(crate) mod name;

pub mod memory;

pub mod cached;

pub mod files;

#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "postgres")]
pub mod postgres;

/// The future of a store's operation; boxed, so that stores can be chosen at run time.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A place that keeps runs.
///
/// An operation whose future is dropped either happened completely or not at all.
/// The stores on a disk of this machine do their work in the first poll, and block the thread for as
/// long as the disk takes: tens of microseconds, and milliseconds for a durable write to a slow disk.
pub trait Store: Send + Sync {
    /// Creates a run without events, at version 0.
    fn create<'a>(
        &'a self,
        run: &'a str,
        origin: &'a Origin,
        at: UnixMillis,
    ) -> StoreFuture<'a, ()>;

    /// Appends changes as one write, all or none, and returns the new version.
    ///
    /// The events get the numbers after `based_on`, which must be the run's version.
    /// Where the clock has stepped back, they get the time of the event before them.
    fn append<'a>(
        &'a self,
        run: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq>;

    /// The newest state of a run.
    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState>;

    /// The events after `since_seq`, oldest first, at most `at_most` of them.
    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta>;

    /// Runs in the order of their names, at most `at_most`, after a name or from the start.
    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<RunSummary>>;

    /// Takes the payloads out of the notes of these kinds that are older than a time, and returns
    /// how many. The events keep their numbers, so that no reader of deltas sees a gap.
    fn compact<'a>(
        &'a self,
        run: &'a str,
        kinds: &'a [&'a str],
        older_than: UnixMillis,
    ) -> StoreFuture<'a, usize>;

    /// Takes in a run as another store kept it, times and numbers included.
    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()>;

    /// Removes a run with all its events.
    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()>;

    /// Reads everything that is kept of a run, and names what is damaged; empty if all is whole.
    ///
    /// A damaged snapshot hinders nobody, for it is made anew from the events. A damaged event is an
    /// error of whoever needs it; the events before and after it can still be read.
    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>>;
}

/// Which runs are listed: those that agree with every field that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Runs of this session.
    pub session: Option<String>,
    /// Child runs of this run.
    pub parent: Option<String>,
    /// Runs of this workspace.
    pub workspace: Option<String>,
    /// Runs that stand so.
    pub status: Option<RunStatus>,
    /// Runs that ended before this time.
    pub ended_before: Option<UnixMillis>,
}

impl Filter {
    /// Whether a run is listed.
    pub fn matches(&self, summary: &RunSummary) -> bool {
        let agrees =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        agrees(&self.session, &summary.origin.session)
            && agrees(&self.parent, &summary.origin.parent)
            && agrees(&self.workspace, &summary.origin.workspace)
            && self.status.is_none_or(|status| status == summary.status)
            && self.ended_before.is_none_or(|before| {
                summary
                    .ended_at_ms
                    .is_some_and(|ended_at_ms| ended_at_ms < before)
            })
    }
}

/// What a list says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its name.
    pub run: String,
    /// What it belongs to.
    pub origin: Origin,
    /// Its version.
    pub version: Seq,
    /// How far it is.
    pub status: RunStatus,
    /// When it was created.
    pub created_at_ms: UnixMillis,
    /// When it last changed.
    pub updated_at_ms: UnixMillis,
    /// When it ended; `None` while it has not.
    pub ended_at_ms: Option<UnixMillis>,
}

impl RunSummary {
    fn of(run: &str, origin: &Origin, head: &Head) -> Self {
        Self {
            run: run.to_owned(),
            origin: origin.clone(),
            version: head.version,
            status: head.status,
            created_at_ms: head.created_at_ms,
            updated_at_ms: head.updated_at_ms,
            ended_at_ms: head.ended_at_ms,
        }
    }
}

/// A whole run as its log: what archives hold, and what makes the same run in another store.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLog {
    /// Its name.
    pub run: String,
    /// What it belongs to.
    pub origin: Origin,
    /// When it was created.
    pub created_at_ms: UnixMillis,
    /// All its events.
    pub events: Vec<Event>,
}

impl RunLog {
    /// What the events add up to.
    pub fn state(&self) -> Result<RunState, StoreError> {
        let state = RunState::new(self.run.clone(), self.created_at_ms);
        replay(state.with_origin(self.origin.clone()), &self.events)
    }
}

/// Events in a page when a whole log is read.
const PAGE: usize = 1_000;

/// Reads the whole log of a run, page by page.
pub async fn log(store: &dyn Store, run: &str) -> Result<RunLog, StoreError> {
    let state = store.load(run).await?;
    let mut log = RunLog {
        run: state.id,
        origin: state.origin,
        created_at_ms: state.created_at_ms,
        events: Vec::new(),
    };
    loop {
        let since = log.events.len() as Seq;
        let page = store.since(run, since, PAGE).await?;
        let has_more = page.has_more();
        log.events.extend(page.events);
        if !has_more {
            return Ok(log);
        }
    }
}

/// Brings a state up to the last of these events.
fn replay(mut state: RunState, events: &[Event]) -> Result<RunState, StoreError> {
    for event in events {
        state.apply(event).map_err(|source| StoreError::Rejected {
            run: state.id.clone(),
            source,
        })?;
    }
    Ok(state)
}

/// The events of an append and the head after them: the rules that all stores share.
fn admitted(
    run: &str,
    head: &mut Head,
    based_on: Seq,
    at: UnixMillis,
    changes: Vec<Change>,
) -> Result<Vec<Event>, StoreError> {
    if based_on != head.version {
        return Err(StoreError::Conflict {
            run: run.to_owned(),
            based_on,
            found: head.version,
        });
    }
    head.extend(at, changes)
        .map_err(|source| StoreError::Rejected {
            run: run.to_owned(),
            source,
        })
}

/// Refuses a reader who claims to have what does not exist yet.
fn not_ahead(run: &str, since_seq: Seq, newest_seq: Seq) -> Result<(), StoreError> {
    if since_seq > newest_seq {
        return Err(StoreError::AheadOfLog {
            run: run.to_owned(),
            since_seq,
            newest_seq,
        });
    }
    Ok(())
}

/// Refuses a log with a gap in it, or with less than its head says.
fn whole(run: &str, since_seq: Seq, n_expected: u64, events: &[Event]) -> Result<(), StoreError> {
    let numbered = events.iter().zip(since_seq + 1..);
    for (event, seq) in numbered {
        if event.seq != seq {
            return Err(missing(run, seq));
        }
    }
    if (events.len() as u64) < n_expected {
        return Err(missing(run, since_seq + events.len() as u64 + 1));
    }
    Ok(())
}

fn missing(run: &str, seq: Seq) -> StoreError {
    damaged(run, &format!("event {seq}"), &"it is missing")
}

/// Takes the payload out of a note that is to be compacted; whether it was one.
fn compact_event(event: &mut Event, kinds: &[&str], older_than: UnixMillis) -> bool {
    let Change::Noted { kind, payload } = &mut event.change else {
        return false;
    };
    let is_due = event.at_ms < older_than && kinds.contains(&kind.as_str());
    let is_compact = payload.as_str() == Json::NULL;
    if is_due && !is_compact {
        *payload = Json::null();
    }
    is_due && !is_compact
}

/// How stores keep what no person reads.
const FORMAT: Format = Format {
    encoding: Encoding::Binary,
    compress_above: Some(1_024),
};

/// An event as stores keep it, which must be the one of its number.
fn decode_event(run: &str, seq: Seq, body: &[u8]) -> Result<Event, StoreError> {
    let event: Event =
        codec::decode(body).map_err(|error| damaged(run, &format!("event {seq}"), &error))?;
    if event.seq == seq {
        return Ok(event);
    }
    Err(damaged(
        run,
        &format!("event {seq}"),
        &format!("it is event {}", event.seq),
    ))
}

/// What is wrong with a part of a run.
fn damaged(run: &str, what: &str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged {
        run: run.to_owned(),
        what: what.to_owned(),
        reason: reason.to_string(),
    }
}

/// Bytes of events after a snapshot from which on a load writes a new one, if they are also more than
/// the snapshot has: so all snapshots of a run together cost no more than a few times its log.
const SNAPSHOT_AFTER: usize = 32 * 1024;

/// Whether a load leaves a snapshot behind.
fn is_snapshot_due(snapshot_bytes: usize, tail_bytes: usize) -> bool {
    tail_bytes > SNAPSHOT_AFTER.max(snapshot_bytes)
}
