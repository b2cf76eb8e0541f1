//! The objects of one resource: current versions, listing order, and a bounded history of changes.
//!
//! One short lock per resource. A change gets its version, replaces the object and enters the history under
//! that lock, so the order of versions is the order of events. Older states are not stored: they are computed
//! from the current one by undoing the history, as far as it reaches.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use hashbrown::{DefaultHashBuilder, HashTable};
use parking_lot::Mutex;

use super::object::{Change, Draft, Object};

/// Gives out versions; one for all resources of a server, like a revision of etcd.
#[derive(Debug)]
pub(super) struct Versions(AtomicU64);

impl Versions {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(1))
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

#[derive(Debug)]
struct State {
    hasher: DefaultHashBuilder,
    by_key: HashTable<u32>,
    slots: Vec<Option<Arc<Object>>>,
    free: Vec<u32>,
    order: BTreeMap<Arc<str>, u32>,
    history: VecDeque<Event>,
    history_size: usize,
    /// Sequence number of the oldest entry of the history.
    first: u64,
    /// The highest version that fell out of the history.
    forgotten: u64,
    waiting: Vec<Waker>,
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
            state: Mutex::new(State {
                hasher: DefaultHashBuilder::default(),
                by_key: HashTable::new(),
                slots: Vec::new(),
                free: Vec::new(),
                order: BTreeMap::new(),
                history: VecDeque::new(),
                history_size: history_size.max(1),
                first: 0,
                forgotten,
                waiting: Vec::new(),
            }),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let state = self.state.lock();
        state
            .find(namespace, name)
            .and_then(|slot| state.slots[slot as usize].clone())
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().order.len()
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
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
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
        state.slots[slot as usize] = Some(Arc::clone(&object));
        let event = Event {
            object: Arc::clone(&object),
            previous: Some(Arc::clone(expected)),
        };
        state.publish(event);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
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
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
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
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        waiting.into_iter().for_each(Waker::wake);
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
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl State {
    fn find(&self, namespace: &str, name: &str) -> Option<u32> {
        let is_it = |slot: &u32| {
            self.slots[*slot as usize].as_ref().is_some_and(|object| {
                object.meta.name() == name && object.meta.namespace() == namespace
            })
        };
        self.by_key
            .find(hash(&self.hasher, namespace, name), is_it)
            .copied()
    }

    fn get_at(
        &self,
        namespace: &str,
        name: &str,
        version: u64,
    ) -> Result<Option<Arc<Object>>, Expired> {
        let is_it = |event: &&Event| {
            let meta = &event.object.meta;
            meta.name() == name && meta.namespace() == namespace
        };
        let start = self.start_after(version)?;
        Ok(match self.history.range(start..).find(is_it) {
            Some(event) => event.previous.clone(),
            None => self
                .find(namespace, name)
                .and_then(|slot| self.slots[slot as usize].clone()),
        })
    }

    fn find_exactly(&self, expected: &Arc<Object>) -> Result<u32, Raced> {
        let meta = &expected.meta;
        let slot = self.find(meta.namespace(), meta.name()).ok_or(Raced)?;
        match &self.slots[slot as usize] {
            Some(current) if Arc::ptr_eq(current, expected) => Ok(slot),
            _ => Err(Raced),
        }
    }

    fn place(&mut self, object: Arc<Object>) {
        let hasher = &self.hasher;
        let hash_of = |object: &Object| hash(hasher, object.meta.namespace(), object.meta.name());
        let own_hash = hash_of(&object);
        let key = Arc::clone(&object.meta.key);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(object);
                slot
            }
            None => {
                self.slots.push(Some(object));
                u32::try_from(self.slots.len() - 1)
                    .expect("memory ends before four billion objects")
            }
        };
        let slots = &self.slots;
        let rehash = |slot: &u32| slots[*slot as usize].as_deref().map_or(0, hash_of);
        self.by_key.insert_unique(own_hash, slot, rehash);
        self.order.insert(key, slot);
    }

    fn displace(&mut self, slot: u32, key: &str) {
        let (namespace, name) = key.split_once('/').unwrap_or(("", key));
        if let Ok(entry) = self
            .by_key
            .find_entry(hash(&self.hasher, namespace, name), |other| *other == slot)
        {
            entry.remove();
        }
        self.order.remove(key);
        self.slots[slot as usize] = None;
        self.free.push(slot);
    }

    fn publish(&mut self, event: Event) {
        if self.history.len() == self.history_size
            && let Some(oldest) = self.history.pop_front()
        {
            self.first += 1;
            self.forgotten = oldest.object.version;
        }
        self.history.push_back(event);
    }

    fn next_sequence(&self) -> u64 {
        self.first + self.history.len() as u64
    }

    /// Where the events after `version` begin in the history.
    fn start_after(&self, version: u64) -> Result<usize, Expired> {
        if version < self.forgotten {
            return Err(Expired {
                oldest: self.forgotten,
            });
        }
        let is_seen = |event: &Event| event.object.version <= version;
        // Mostly nothing came since, and searching touches memory that is long cold.
        if self.history.back().is_none_or(is_seen) {
            return Ok(self.history.len());
        }
        Ok(self.history.partition_point(is_seen))
    }

    /// The keys changed after `version`, with what they were at it.
    fn undone_since(
        &self,
        version: u64,
    ) -> Result<BTreeMap<Arc<str>, Option<Arc<Object>>>, Expired> {
        let mut undone = BTreeMap::new();
        for event in self.history.range(self.start_after(version)?..) {
            undone
                .entry(Arc::clone(&event.object.meta.key))
                .or_insert_with(|| event.previous.clone());
        }
        Ok(undone)
    }

    fn page(
        &self,
        scope: Scope<'_>,
        version: u64,
        undone: &BTreeMap<Arc<str>, Option<Arc<Object>>>,
        matches: &dyn Fn(&Object) -> bool,
    ) -> Page {
        let (prefix, past) = match scope.namespace {
            "" => (String::new(), None),
            namespace => (format!("{namespace}/"), Some(format!("{namespace}0"))),
        };
        let lower = match scope.after {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix.as_str()),
        };
        let upper = past.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = (lower, upper);
        let mut current = self.order.range::<str, _>(bounds).peekable();
        let mut older = undone.range::<str, _>(bounds).peekable();
        let mut page = Page {
            version,
            objects: Vec::new(),
            remaining: 0,
        };
        loop {
            let take_older = match (current.peek(), older.peek()) {
                (None, None) => return page,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((now, _)), Some((then, _))) => then <= now,
            };
            let object = if take_older {
                let (key, was) = older.next().expect("peeked just above");
                if current.peek().is_some_and(|(now, _)| *now == key) {
                    current.next();
                }
                was.as_ref()
            } else {
                let (_, slot) = current.next().expect("peeked just above");
                self.slots[*slot as usize].as_ref()
            };
            let Some(object) = object.filter(|object| matches(object)) else {
                continue;
            };
            if page.objects.len() == scope.limit {
                // Exact without later changes; with them, objects that came meanwhile must not count.
                let is_then = |key: &Arc<str>| undone.get(key).is_none_or(Option::is_some);
                let unchanged = current
                    .filter(|(key, _)| !undone.contains_key(*key))
                    .count();
                let changed = older.filter(|(key, _)| is_then(key)).count();
                page.remaining = 1 + unchanged + changed;
                return page;
            }
            page.objects.push(Arc::clone(object));
        }
    }
}

fn hash(hasher: &DefaultHashBuilder, namespace: &str, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(namespace.as_bytes());
    hasher.write_u8(b'/');
    hasher.write(name.as_bytes());
    hasher.finish()
}
