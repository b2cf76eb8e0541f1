//! What is known of each key, and the namespaces they belong to.

use std::hash::BuildHasher;
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::chain::{Link, Links};
use super::lane::{Lane, Priority};
use super::rounds::{Namespace, Waiting};
use super::slab::{KEPT_SLOTS, Slab};
use crate::key::QueryKey;

/// One key that waits, is leased, is delayed or is backed off.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: QueryKey,
    /// Kept so that leaving the index does not read the key again, which a long queue has long lost from the cache.
    hash: u64,
    pub(super) namespace: u32,
    /// Set while it waits, or while it is leased and was added meanwhile.
    pub(super) ready: Option<Ready>,
    pub(super) lease: Option<Lease>,
    /// Failures since the last success.
    pub(super) n_failures: u32,
    link: Link,
}

impl Entry {
    /// Neither waiting nor leased nor backed off; it may still be delayed.
    pub(super) fn is_idle(&self) -> bool {
        self.ready.is_none() && self.lease.is_none() && self.n_failures == 0
    }
}

/// What a key was added for, and since when it waits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    pub(super) lane: Lane,
    pub(super) priority: Priority,
    pub(super) added: Instant,
}

/// What a handed-out key holds.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) lane: Lane,
    /// `None` once the worker slot was given back.
    pub(super) worker: Option<u32>,
}

/// All entries, found by key or by id.
#[derive(Debug)]
pub(super) struct Entries {
    entries: Slab<Entry>,
    namespaces: Slab<Namespace>,
    ids_by_key: HashTable<u32>,
    namespaces_by_name: HashTable<u32>,
    hasher: FixedState,
}

impl Entries {
    pub(super) fn with_seed(seed: u64) -> Self {
        Self {
            entries: Slab::default(),
            namespaces: Slab::default(),
            ids_by_key: HashTable::new(),
            namespaces_by_name: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(super) fn find(&self, key: &QueryKey) -> Option<u32> {
        self.find_hashed(key, self.hash_key(key))
    }

    pub(super) fn find_or_insert(&mut self, key: QueryKey) -> u32 {
        let hash = self.hash_key(&key);
        if let Some(id) = self.find_hashed(&key, hash) {
            return id;
        }
        let namespace = self.join_namespace(&key.namespace);
        let id = self.entries.insert(Entry {
            key,
            hash,
            namespace,
            ready: None,
            lease: None,
            n_failures: 0,
            link: Link::default(),
        });
        let entries = &self.entries;
        self.ids_by_key
            .insert_unique(hash, id, |id| entries[*id].hash);
        id
    }

    pub(super) fn remove(&mut self, id: u32) {
        let Some(entry) = self.entries.remove(id) else {
            return;
        };
        if let Ok(found) = self.ids_by_key.find_entry(entry.hash, |other| *other == id) {
            found.remove();
        }
        self.leave_namespace(entry.namespace);
        if self.entries.is_empty() && self.ids_by_key.capacity() > KEPT_SLOTS {
            self.ids_by_key = HashTable::new();
            self.namespaces_by_name = HashTable::new();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn n_namespaces(&self) -> usize {
        self.namespaces.len()
    }

    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.iter()
    }

    pub(super) fn namespace_mut(&mut self, id: u32) -> &mut Namespace {
        &mut self.namespaces[id]
    }

    /// Namespaces and entries apart, as the rounds need both at once.
    pub(super) fn parts(&mut self) -> (&mut Slab<Namespace>, &mut Slab<Entry>) {
        (&mut self.namespaces, &mut self.entries)
    }

    fn hash_key(&self, key: &QueryKey) -> u64 {
        self.hasher.hash_one(key)
    }

    fn find_hashed(&self, key: &QueryKey, hash: u64) -> Option<u32> {
        let is_same = |id: &u32| {
            let entry = &self.entries[*id];
            entry.hash == hash && entry.key == *key
        };
        self.ids_by_key.find(hash, is_same).copied()
    }

    fn join_namespace(&mut self, name: &Arc<str>) -> u32 {
        let hash = self.hasher.hash_one(name);
        let namespaces = &mut self.namespaces;
        let found = self
            .namespaces_by_name
            .find(hash, |id| namespaces[*id].name == *name);
        let id = match found {
            Some(id) => *id,
            None => {
                let id = namespaces.insert(Namespace::new(name.clone(), hash));
                self.namespaces_by_name
                    .insert_unique(hash, id, |id| namespaces[*id].hash);
                id
            }
        };
        namespaces[id].n_entries += 1;
        id
    }

    fn leave_namespace(&mut self, id: u32) {
        self.namespaces[id].n_entries -= 1;
        self.remove_namespace_if_over(id);
    }

    /// Drops a namespace with the last of its entries and turns.
    pub(super) fn remove_namespace_if_over(&mut self, id: u32) {
        let namespace = &self.namespaces[id];
        if !namespace.is_over() {
            return;
        }
        let hash = namespace.hash;
        if let Ok(found) = self
            .namespaces_by_name
            .find_entry(hash, |other| *other == id)
        {
            found.remove();
        }
        self.namespaces.remove(id);
    }
}

impl Index<u32> for Entries {
    type Output = Entry;

    fn index(&self, id: u32) -> &Entry {
        &self.entries[id]
    }
}

impl IndexMut<u32> for Entries {
    fn index_mut(&mut self, id: u32) -> &mut Entry {
        &mut self.entries[id]
    }
}

impl Links for Slab<Entry> {
    fn link(&mut self, id: u32) -> &mut Link {
        &mut self[id].link
    }
}

impl Waiting for Slab<Entry> {
    fn added(&self, id: u32) -> Option<Instant> {
        self[id].ready.map(|ready| ready.added)
    }
}
