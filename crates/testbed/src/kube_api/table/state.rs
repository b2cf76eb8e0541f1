//! What a table's lock guards.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::ops::Bound;
use std::sync::Arc;
use std::task::Waker;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::super::object::Object;
use super::{Event, Expired, Page, Raced, Scope};

/// Current objects by key and in order, and the history of how they came to be.
#[derive(Debug)]
pub(super) struct State {
    hasher: DefaultHashBuilder,
    by_key: HashTable<Entry>,
    slots: Vec<Option<Arc<Object>>>,
    free: Vec<u32>,
    order: BTreeMap<Arc<str>, u32>,
    pub(super) history: VecDeque<Event>,
    history_size: usize,
    /// Sequence number of the oldest entry of the history.
    pub(super) first: u64,
    /// The highest version that fell out of the history.
    pub(super) forgotten: u64,
    /// Who wants to know of the next entry.
    pub(super) waiting: Vec<Waker>,
}

/// The key stands beside the slot, so that a look-up touches no object but the one it finds.
#[derive(Debug)]
struct Entry {
    key: Arc<str>,
    slot: u32,
}

impl State {
    pub(super) fn new(history_size: usize, forgotten: u64) -> Self {
        Self {
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
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn find(&self, namespace: &str, name: &str) -> Option<u32> {
        let is_it = |entry: &Entry| is_key(&entry.key, namespace, name);
        let hash = hash(&self.hasher, namespace, name);
        self.by_key.find(hash, is_it).map(|entry| entry.slot)
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let slot = self.find(namespace, name)?;
        self.slots[slot as usize].clone()
    }

    pub(super) fn update(&mut self, slot: u32, object: Arc<Object>) {
        self.slots[slot as usize] = Some(object);
    }

    pub(super) fn get_at(
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
            None => self.get(namespace, name),
        })
    }

    pub(super) fn find_exactly(&self, expected: &Arc<Object>) -> Result<u32, Raced> {
        let meta = &expected.meta;
        let slot = self.find(meta.namespace(), meta.name()).ok_or(Raced)?;
        match &self.slots[slot as usize] {
            Some(current) if Arc::ptr_eq(current, expected) => Ok(slot),
            _ => Err(Raced),
        }
    }

    pub(super) fn place(&mut self, object: Arc<Object>) {
        let own_hash = hash(&self.hasher, object.meta.namespace(), object.meta.name());
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
        let entry = Entry {
            key: Arc::clone(&key),
            slot,
        };
        let hasher = &self.hasher;
        let rehash = |entry: &Entry| {
            let (namespace, name) = split(&entry.key);
            hash(hasher, namespace, name)
        };
        self.by_key.insert_unique(own_hash, entry, rehash);
        self.order.insert(key, slot);
    }

    pub(super) fn displace(&mut self, slot: u32, key: &str) {
        let (namespace, name) = split(key);
        if let Ok(entry) = self
            .by_key
            .find_entry(hash(&self.hasher, namespace, name), |entry| {
                entry.slot == slot
            })
        {
            entry.remove();
        }
        self.order.remove(key);
        self.slots[slot as usize] = None;
        self.free.push(slot);
    }

    pub(super) fn publish(&mut self, event: Event) {
        if self.history.len() == self.history_size
            && let Some(oldest) = self.history.pop_front()
        {
            self.first += 1;
            self.forgotten = oldest.object.version;
        }
        self.history.push_back(event);
    }

    pub(super) fn next_sequence(&self) -> u64 {
        self.first + self.history.len() as u64
    }

    /// Where the events after `version` begin in the history.
    pub(super) fn start_after(&self, version: u64) -> Result<usize, Expired> {
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
    pub(super) fn undone_since(
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

    pub(super) fn page(
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

/// Namespace and name of a key; the namespace is empty in cluster scope.
fn split(key: &str) -> (&str, &str) {
    key.split_once('/').unwrap_or(("", key))
}

fn is_key(key: &str, namespace: &str, name: &str) -> bool {
    let slash = usize::from(!namespace.is_empty());
    key.len() == namespace.len() + slash + name.len() && split(key) == (namespace, name)
}
