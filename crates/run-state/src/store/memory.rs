//! Sessions in the memory of this process: for tests, and for services that may forget.
//!
//! One lock per session, and one for the map of their names that is held only to look one up.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{SessionSummary, Store, StoreFuture};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::session::{Seq, SessionState, UnixMillis};

/// A store that is as lasting as the value itself. Clones share their sessions.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    sessions: Arc<RwLock<BTreeMap<String, Arc<Mutex<Session>>>>>,
}

/// The log of one session, and what it adds up to.
#[derive(Debug)]
struct Session {
    state: SessionState,
    events: Vec<Event>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, session: &str) -> Result<Arc<Mutex<Session>>, StoreError> {
        let found = self.sessions.read().get(session).cloned();
        found.ok_or_else(|| StoreError::NotFound {
            session: session.to_owned(),
        })
    }

    fn create_now(&self, session: &str, at: UnixMillis) -> Result<(), StoreError> {
        let mut sessions = self.sessions.write();
        if sessions.contains_key(session) {
            return Err(StoreError::Exists {
                session: session.to_owned(),
            });
        }
        let empty = Session {
            state: SessionState::new(session, at),
            events: Vec::new(),
        };
        sessions.insert(session.to_owned(), Arc::new(Mutex::new(empty)));
        Ok(())
    }

    fn list_now(&self, after: Option<&str>, at_most: usize) -> Vec<SessionSummary> {
        let sessions = self.sessions.read();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = sessions.range::<str, _>((start, Bound::Unbounded));
        page.take(at_most)
            .map(|(_, session)| session.lock().summary())
            .collect()
    }

    fn remove_now(&self, session: &str) -> Result<(), StoreError> {
        let removed = self.sessions.write().remove(session);
        removed.map(drop).ok_or_else(|| StoreError::NotFound {
            session: session.to_owned(),
        })
    }
}

impl Session {
    fn append(
        &mut self,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Seq, StoreError> {
        if based_on != self.state.version {
            return Err(StoreError::Conflict {
                session: self.state.id.clone(),
                based_on,
                found: self.state.version,
            });
        }
        let n_before = self.events.len();
        let numbered = changes.into_iter().zip(based_on + 1..);
        let events = numbered.map(|(change, seq)| Event {
            seq,
            at_ms: at,
            change,
        });
        self.events.extend(events);
        for position in n_before..self.events.len() {
            if let Err(source) = self.state.apply(&self.events[position]) {
                return Err(self.roll_back(n_before, position, source));
            }
        }
        Ok(self.state.version)
    }

    /// Takes back a step of which some events were applied. Refused steps are rare, so the state
    /// is simply built anew from the log.
    fn roll_back(
        &mut self,
        n_kept: usize,
        n_applied: usize,
        source: crate::error::Rejection,
    ) -> StoreError {
        self.events.truncate(n_kept);
        let session = self.state.id.clone();
        if n_applied > n_kept {
            let mut state = SessionState::new(session.clone(), self.state.created_at_ms);
            for event in &self.events {
                // Each of them fitted before.
                let _ = state.apply(event);
            }
            self.state = state;
        }
        StoreError::Rejected { session, source }
    }

    fn since(&self, since_seq: Seq, at_most: usize) -> Result<Delta, StoreError> {
        let newest_seq = self.state.version;
        let known = usize::try_from(since_seq).unwrap_or(usize::MAX);
        let Some(events) = self.events.get(known..) else {
            return Err(StoreError::AheadOfLog {
                session: self.state.id.clone(),
                since_seq,
                newest_seq,
            });
        };
        Ok(Delta {
            session: self.state.id.clone(),
            since_seq,
            newest_seq,
            events: events.iter().take(at_most).cloned().collect(),
        })
    }

    fn summary(&self) -> SessionSummary {
        SessionSummary {
            session: self.state.id.clone(),
            version: self.state.version,
            status: self.state.status,
            updated_at_ms: self.state.updated_at_ms,
        }
    }
}

impl Store for Memory {
    fn create<'a>(&'a self, session: &'a str, at: UnixMillis) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.create_now(session, at) })
    }

    fn append<'a>(
        &'a self,
        session: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq> {
        Box::pin(async move { self.find(session)?.lock().append(based_on, at, changes) })
    }

    fn load<'a>(&'a self, session: &'a str) -> StoreFuture<'a, SessionState> {
        Box::pin(async move { Ok(self.find(session)?.lock().state.clone()) })
    }

    fn since<'a>(
        &'a self,
        session: &'a str,
        since_seq: Seq,
        at_most: usize,
    ) -> StoreFuture<'a, Delta> {
        Box::pin(async move { self.find(session)?.lock().since(since_seq, at_most) })
    }

    fn list<'a>(
        &'a self,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<SessionSummary>> {
        Box::pin(async move { Ok(self.list_now(after, at_most)) })
    }

    fn remove<'a>(&'a self, session: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.remove_now(session) })
    }
}
