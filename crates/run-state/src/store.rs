//! Where sessions are kept: one trait, one file per kind of store.
//!
//! Every write names the version that it is based on, so two writers of one session cannot
//! overwrite each other: the slower one gets a [`StoreError::Conflict`], loads what is new, and
//! decides again. Every read is of one version: a state is exactly what the events up to its
//! version add up to.

use std::future::Future;
use std::pin::Pin;

use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Change;
use crate::session::{RunStatus, Seq, SessionState, UnixMillis};

pub mod memory;

/// The future of a store's operation; boxed, so that stores can be chosen at run time.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A place that keeps sessions.
///
/// An operation whose future is dropped either happened completely or not at all.
pub trait Store: Send + Sync {
    /// Creates an empty session, at version 0.
    fn create<'a>(&'a self, session: &'a str, at: UnixMillis) -> StoreFuture<'a, ()>;

    /// Appends changes as one step, all or none, and returns the new version.
    ///
    /// The events get the numbers after `based_on`, which must be the session's version.
    fn append<'a>(
        &'a self,
        session: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq>;

    /// The newest state of a session.
    fn load<'a>(&'a self, session: &'a str) -> StoreFuture<'a, SessionState>;

    /// The events after `since_seq`, oldest first, at most `at_most` of them.
    fn since<'a>(
        &'a self,
        session: &'a str,
        since_seq: Seq,
        at_most: usize,
    ) -> StoreFuture<'a, Delta>;

    /// Sessions in the order of their names, at most `at_most`, after a name or from the start.
    fn list<'a>(
        &'a self,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<SessionSummary>>;

    /// Removes a session with all its events.
    fn remove<'a>(&'a self, session: &'a str) -> StoreFuture<'a, ()>;
}

/// What a list says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its name.
    pub session: String,
    /// Its version.
    pub version: Seq,
    /// How far its run is.
    pub status: RunStatus,
    /// When it last changed.
    pub updated_at_ms: UnixMillis,
}
