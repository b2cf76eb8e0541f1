//! Runs in the memory of this process: for tests, and for services that may forget.
//!
//! One lock per run, and one for the map of their names that is held only to look one up.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::{Filter, RunLog, RunSummary, Store, StoreFuture, admitted, compact_event, not_ahead};
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::run::{Origin, RunState, Seq, UnixMillis};

/// A store that is as lasting as the value itself. Clones share their runs.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    runs: Arc<RwLock<BTreeMap<String, Arc<Mutex<Run>>>>>,
}

/// The log of one run, and what it adds up to.
#[derive(Debug)]
struct Run {
    head: Head,
    state: RunState,
    events: Vec<Event>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn find(&self, run: &str) -> Result<Arc<Mutex<Run>>, StoreError> {
        let found = self.runs.read().get(run).cloned();
        found.ok_or_else(|| StoreError::NotFound {
            run: run.to_owned(),
        })
    }

    fn insert(&self, state: RunState, events: Vec<Event>) -> Result<(), StoreError> {
        let mut runs = self.runs.write();
        if runs.contains_key(&state.id) {
            return Err(StoreError::Exists { run: state.id });
        }
        let run = Run {
            head: Head::of(&state),
            state,
            events,
        };
        runs.insert(run.state.id.clone(), Arc::new(Mutex::new(run)));
        Ok(())
    }

    fn list_now(&self, filter: &Filter, after: Option<&str>, at_most: usize) -> Vec<RunSummary> {
        let runs = self.runs.read();
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = runs.range::<str, _>((start, Bound::Unbounded));
        rest.map(|(_, run)| run.lock().summary())
            .filter(|summary| filter.matches(summary))
            .take(at_most)
            .collect()
    }

    fn remove_now(&self, run: &str) -> Result<(), StoreError> {
        let removed = self.runs.write().remove(run);
        removed.map(drop).ok_or_else(|| StoreError::NotFound {
            run: run.to_owned(),
        })
    }
}

impl Run {
    fn append(
        &mut self,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Seq, StoreError> {
        let mut head = self.head.clone();
        let events = admitted(&self.state.id, &mut head, based_on, at, changes)?;
        for event in &events {
            self.state
                .apply(event)
                .expect("a head admits only what the state applies");
        }
        self.events.extend(events);
        self.head = head;
        Ok(self.head.version)
    }

    fn since(&self, since_seq: Seq, at_most: usize) -> Result<Delta, StoreError> {
        let newest_seq = self.head.version;
        not_ahead(&self.state.id, since_seq, newest_seq)?;
        let unknown = self.events.iter().skip(since_seq as usize);
        Ok(Delta {
            run: self.state.id.clone(),
            since_seq,
            newest_seq,
            events: unknown.take(at_most).cloned().collect(),
        })
    }

    fn compact(&mut self, kinds: &[&str], older_than: UnixMillis) -> usize {
        let events = self.events.iter_mut();
        events
            .map(|event| usize::from(compact_event(event, kinds, older_than)))
            .sum()
    }

    fn summary(&self) -> RunSummary {
        RunSummary::of(&self.state.id, &self.state.origin, &self.head)
    }
}

impl Store for Memory {
    fn create<'a>(
        &'a self,
        run: &'a str,
        origin: &'a Origin,
        at: UnixMillis,
    ) -> StoreFuture<'a, ()> {
        let state = RunState::new(run, at).with_origin(origin.clone());
        Box::pin(async move { self.insert(state, Vec::new()) })
    }

    fn append<'a>(
        &'a self,
        run: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq> {
        Box::pin(async move { self.find(run)?.lock().append(based_on, at, changes) })
    }

    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState> {
        Box::pin(async move { Ok(self.find(run)?.lock().state.clone()) })
    }

    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta> {
        Box::pin(async move { self.find(run)?.lock().since(since_seq, at_most) })
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<RunSummary>> {
        Box::pin(async move { Ok(self.list_now(filter, after, at_most)) })
    }

    fn compact<'a>(
        &'a self,
        run: &'a str,
        kinds: &'a [&'a str],
        older_than: UnixMillis,
    ) -> StoreFuture<'a, usize> {
        Box::pin(async move { Ok(self.find(run)?.lock().compact(kinds, older_than)) })
    }

    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let state = log.state()?;
            self.insert(state, log.events.clone())
        })
    }

    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.remove_now(run) })
    }

    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>> {
        Box::pin(async move { self.find(run).map(|_| Vec::new()) })
    }
}
