//! The objects of one resource: current versions, listing order, and a bounded history of changes.
//!
//! One short lock per resource. A change gets its version, replaces the object and enters the history under
//! that lock, so the order of versions is the order of events. Older states are not stored: they are computed
//! from the current one by undoing the history, as far as it reaches.

mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use parking_lot::{Mutex, MutexGuard};

use super::object::{Change, Draft, Object};

use state::State;

/// Gives out versions; one for all resources of a server, like a revision of etcd.
#[derive(Debug)]
pub(super) struct Versions(AtomicU64);

impl Versions {
    pub(super) fn new() -> Self {
        // As on a real server, whose own objects came first, no kind's history reaches back to version 1.
        const FIRST: u64 = 100;
        Self(AtomicU64::new(FIRST))
    }

    pub(super) fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The objects of one resource.
#[derive(Debug)]
pub(super) struct Table {
    versions: Arc<Versions>,
    state: Mutex<State>,
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The version made by the change; for a deletion the last state under the deletion's version.
    pub(super) object: Arc<Object>,
    /// What was there before; `None` for a creation.
    pub(super) previous: Option<Arc<Object>>,
}

/// The object changed between reading and writing: read again.
#[derive(Debug)]
pub(super) struct Raced;

/// The asked state is older than the history.
#[derive(Debug)]
pub(super) struct Expired {
    /// The oldest version that can still be asked for.
    pub(super) oldest: u64,
}

/// Part of the objects of a resource at one version.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) version: u64,
    pub(super) objects: Vec<Arc<Object>>,
    /// How many more keys follow the last object, matching or not; zero if the page is the last.
    pub(super) remaining: usize,
}

/// Which objects a page is taken from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// Empty for all namespaces and for cluster scope.
    pub(super) namespace: &'a str,
    /// The last key of the page before.
    pub(super) after: Option<&'a str>,
    pub(super) limit: usize,
}

impl Table {
    pub(super) fn new(versions: Arc<Versions>, history_size: usize) -> Self {
        let forgotten = versions.current();
        Self {
            versions,
            state: Mutex::new(State::new(history_size, forgotten)),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let state = self.state.lock();
        state.get(namespace, name)
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().len()
    }

    /// The current version, in step with this table's history.
    pub(super) fn version(&self) -> u64 {
        let _state = self.state.lock();
        self.versions.current()
    }

    /// Stores a new object; `None` if there is one of that key already.
    pub(super) fn insert(&self, head: &[u8], draft: &Draft<'_>) -> Option<Arc<Object>> {
        let mut state = self.state.lock();
        let meta = &draft.meta;
        if state.find(meta.namespace(), meta.name()).is_some() {
            return None;
        }
        let object = Arc::new(draft.build(head, Change::Added, self.versions.next()));
        state.place(Arc::clone(&object));
        let event = Event {
            object: Arc::clone(&object),
            previous: None,
        };
        state.publish(event);
        wake_waiting(state);
        Some(object)
    }

    /// Replaces `expected` by its next version.
    pub(super) fn replace(
        &self,
        head: &[u8],
        expected: &Arc<Object>,
        draft: &Draft<'_>,
    ) -> Result<Arc<Object>, Raced> {
        let mut state = self.state.lock();
        let slot = state.find_exactly(expected)?;
        let object = Arc::new(draft.build(head, Change::Modified, self.versions.next()));
        state.update(slot, Arc::clone(&object));
        let event = Event {
            object: Arc::clone(&object),
            previous: Some(Arc::clone(expected)),
        };
        state.publish(event);
        wake_waiting(state);
        Ok(object)
    }

    /// Removes `expected`, announcing `last` as its last state.
    pub(super) fn remove(
        &self,
        head: &[u8],
        expected: &Arc<Object>,
        last: &Draft<'_>,
    ) -> Result<Arc<Object>, Raced> {
        let mut state = self.state.lock();
        let slot = state.find_exactly(expected)?;
        let object = Arc::new(last.build(head, Change::Deleted, self.versions.next()));
        state.displace(slot, &expected.meta.key);
        let event = Event {
            object: Arc::clone(&object),
            previous: Some(Arc::clone(expected)),
        };
        state.publish(event);
        wake_waiting(state);
        Ok(object)
    }

    /// Objects that `matches`, in key order, at the current version or at an older one.
    pub(super) fn page(
        &self,
        scope: Scope<'_>,
        at: Option<u64>,
        matches: &dyn Fn(&Object) -> bool,
    ) -> Result<Page, Expired> {
        let state = self.state.lock();
        let current = self.versions.current();
        let version = at.unwrap_or(current).min(current);
        let undone = state.undone_since(version)?;
        Ok(state.page(scope, version, &undone, matches))
    }

    /// A page that can only have one object, found by its name instead of by looking at all.
    pub(super) fn page_of_one(
        &self,
        namespace: &str,
        name: &str,
        at: Option<u64>,
        matches: &dyn Fn(&Object) -> bool,
    ) -> Result<Page, Expired> {
        let state = self.state.lock();
        let current = self.versions.current();
        let version = at.unwrap_or(current).min(current);
        let object = state.get_at(namespace, name, version)?;
        Ok(Page {
            version,
            objects: object
                .filter(|object| matches(object))
                .into_iter()
                .collect(),
            remaining: 0,
        })
    }

    /// One object as it was at an older version.
    pub(super) fn get_at(
        &self,
        namespace: &str,
        name: &str,
        version: u64,
    ) -> Result<Option<Arc<Object>>, Expired> {
        self.state.lock().get_at(namespace, name, version)
    }

    /// The version before the last `n` changes of this table, as far back as the history reaches.
    pub(super) fn version_before(&self, n: usize) -> u64 {
        let state = self.state.lock();
        let back = n.min(state.history.len());
        match state.history.len() - back {
            0 => state.forgotten,
            kept if back > 0 => state.history[kept - 1].object.version,
            _ => self.versions.current(),
        }
    }

    /// Where a watch that has seen `version` goes on.
    pub(super) fn cursor_after(&self, version: u64) -> Result<u64, Expired> {
        let state = self.state.lock();
        Ok(state.first + state.start_after(version)? as u64)
    }

    /// A page and the place in the history from which on changes are missing in it.
    pub(super) fn page_and_cursor(
        &self,
        scope: Scope<'_>,
        at: Option<u64>,
        matches: &dyn Fn(&Object) -> bool,
    ) -> Result<(Page, u64), Expired> {
        let state = self.state.lock();
        let current = self.versions.current();
        let version = at.unwrap_or(current).min(current);
        let undone = state.undone_since(version)?;
        let page = state.page(scope, version, &undone, matches);
        let cursor = state.first + state.start_after(version)? as u64;
        Ok((page, cursor))
    }

    /// Gives the events from `cursor` on to `take`, until it says it has enough.
    ///
    /// When there are none, `waker` is woken by the next one. `Err` if the history no longer holds them.
    /// The version returned is one that the events given so far are complete up to.
    pub(super) fn read(
        &self,
        cursor: &mut u64,
        waker: &Waker,
        mut take: impl FnMut(&Event) -> bool,
    ) -> Result<u64, Expired> {
        let mut state = self.state.lock();
        if *cursor < state.first {
            return Err(Expired {
                oldest: state.forgotten,
            });
        }
        let start = usize::try_from(*cursor - state.first).unwrap_or(usize::MAX);
        let mut complete_to = self.versions.current();
        if start >= state.history.len() {
            if !state.waiting.iter().any(|known| known.will_wake(waker)) {
                state.waiting.push(waker.clone());
            }
            return Ok(complete_to);
        }
        for event in state.history.range(start..) {
            *cursor += 1;
            if !take(event) {
                complete_to = event.object.version;
                break;
            }
        }
        Ok(complete_to)
    }

    /// Wakes every watcher, for a fault or a shutdown that they must notice.
    pub(super) fn wake_all(&self) {
        wake_waiting(self.state.lock());
    }

    /// Ends every watch, also those that have seen all there is.
    pub(super) fn end_watches(&self) {
        self.state.lock().first += 1;
        self.forget_history();
    }

    /// Forgets the history, so that every older version is expired.
    pub(super) fn forget_history(&self) {
        let mut state = self.state.lock();
        state.first = state.next_sequence();
        state.history.clear();
        state.forgotten = self.versions.current();
        wake_waiting(state);
    }
}

/// Wakes every watcher that has seen all there was, after the lock is free for them.
fn wake_waiting(mut state: MutexGuard<'_, State>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    waiting.into_iter().for_each(Waker::wake);
}
