//! The newest states of a store in memory, bounded by bytes.
//!
//! Off unless somebody wraps a store in it. A state that is held is never handed out as it is: the
//! store is asked what came since, which costs the change and not the state, so that a run which another
//! process has written to is read as it is now. One thing must not happen behind its back: that another
//! process removes a run and makes a longer one of the same name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Filter, RunLog, RunSummary, Store, StoreFuture};
use crate::bounds::{self, Field};
use crate::codec;
use crate::delta::Delta;
use crate::error::StoreError;
use crate::event::Change;
use crate::run::{Origin, RunState, Seq, UnixMillis};

/// A store with its newest states in memory.
#[derive(Debug)]
pub struct Cached<S> {
    store: S,
    held: Mutex<Held>,
    counts: Counts,
    /// `None` if states are held as they are.
    compress_above: Option<usize>,
}

/// What the cache has done since it was made.
#[derive(Debug, Default)]
pub struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: AtomicU64,
}

impl Counts {
    /// Loads that found a state in memory.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Loads that read the whole state from the store.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// States that were given up for others.
    pub fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// The names under which a service shows them to Prometheus, each a counter.
    pub fn metrics(&self) -> [(&'static str, u64); 3] {
        [
            ("run_state_cache_hits_total", self.hits()),
            ("run_state_cache_misses_total", self.misses()),
            ("run_state_cache_evictions_total", self.evictions()),
        ]
    }
}

/// States in the order of their last use.
#[derive(Debug)]
struct Held {
    states: HashMap<String, Entry>,
    /// Names by the number of their last use, the oldest first.
    names_by_use: BTreeMap<u64, String>,
    n_uses: u64,
    n_bytes: usize,
    most_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    state: Arc<Packed>,
    n_bytes: usize,
    last_use: u64,
}

/// A state whose long fields are compressed, if that was asked for.
#[derive(Debug)]
struct Packed {
    state: RunState,
    fields: Vec<(usize, Field)>,
}

impl Packed {
    fn of(mut state: RunState, compress_above: Option<usize>) -> Self {
        let fields = compress_above.map(|above| bounds::pack_fields(&mut state, above));
        Self {
            state,
            fields: fields.unwrap_or_default(),
        }
    }

    fn whole(&self) -> RunState {
        let mut state = self.state.clone();
        bounds::unpack_fields(&mut state, &self.fields);
        state
    }

    fn n_bytes(&self) -> usize {
        let fields = self.fields.iter().map(|(_, field)| field.n_bytes());
        codec::size_of(&self.state) + fields.sum::<usize>()
    }
}

impl Held {
    fn get(&mut self, run: &str) -> Option<Arc<Packed>> {
        let entry = self.states.get_mut(run)?;
        self.n_uses += 1;
        let name = self.names_by_use.remove(&entry.last_use)?;
        self.names_by_use.insert(self.n_uses, name);
        entry.last_use = self.n_uses;
        Some(Arc::clone(&entry.state))
    }

    /// Holds a state in place of an older one, and returns how many others had to go.
    fn put(&mut self, packed: Packed) -> u64 {
        let state = &packed.state;
        if let Some(held) = self.states.get(&state.id).map(|entry| &entry.state.state)
            && held.version > state.version
            && held.created_at_ms == state.created_at_ms
        {
            return 0;
        }
        let run = state.id.clone();
        self.forget(&run);
        let n_bytes = packed.n_bytes();
        if n_bytes > self.most_bytes {
            return 0;
        }
        let mut n_evicted = 0;
        while self.n_bytes + n_bytes > self.most_bytes {
            let Some((_, oldest)) = self.names_by_use.pop_first() else {
                break;
            };
            if let Some(entry) = self.states.remove(&oldest) {
                self.n_bytes -= entry.n_bytes;
            }
            n_evicted += 1;
        }
        self.n_uses += 1;
        self.n_bytes += n_bytes;
        self.names_by_use.insert(self.n_uses, run.clone());
        let entry = Entry {
            n_bytes,
            last_use: self.n_uses,
            state: Arc::new(packed),
        };
        self.states.insert(run, entry);
        n_evicted
    }

    fn forget(&mut self, run: &str) {
        if let Some(entry) = self.states.remove(run) {
            self.names_by_use.remove(&entry.last_use);
            self.n_bytes -= entry.n_bytes;
        }
    }
}

impl<S: Store> Cached<S> {
    /// Holds states of a store, of at most so many bytes as JSON together.
    pub fn new(store: S, most_bytes: usize) -> Self {
        Self {
            store,
            held: Mutex::new(Held {
                states: HashMap::new(),
                names_by_use: BTreeMap::new(),
                n_uses: 0,
                n_bytes: 0,
                most_bytes,
            }),
            counts: Counts::default(),
            compress_above: None,
        }
    }

    /// The same, with fields of more than so many bytes compressed while they are held: more states fit, and a hit
    /// pays for taking the fields out of their packing.
    #[must_use]
    pub fn compressing_above(self, n_bytes: usize) -> Self {
        Self {
            compress_above: Some(n_bytes),
            ..self
        }
    }

    /// How many states are held, and their bytes together.
    pub fn held(&self) -> (usize, usize) {
        let held = self.held.lock();
        (held.states.len(), held.n_bytes)
    }

    /// What the cache has done.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn hold(&self, state: RunState) {
        let packed = Packed::of(state, self.compress_above);
        let n_evicted = self.held.lock().put(packed);
        self.counts
            .evictions
            .fetch_add(n_evicted, Ordering::Relaxed);
    }

    async fn load_newest(&self, run: &str) -> Result<RunState, StoreError> {
        let held = self.held.lock().get(run);
        let caught_up = match held {
            Some(held) => self.caught_up(&held).await?,
            None => None,
        };
        if let Some((state, is_newer)) = caught_up {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            // What is held already needs no packing anew.
            if is_newer {
                self.hold(state.clone());
            }
            return Ok(state);
        }
        let state = self.store.load(run).await?;
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        self.hold(state.clone());
        Ok(state)
    }

    /// A held state with what came since, and whether anything did; `None` if it is not of the run that the store has.
    async fn caught_up(&self, packed: &Packed) -> Result<Option<(RunState, bool)>, StoreError> {
        let held = &packed.state;
        let delta = match self.store.since(&held.id, held.version, usize::MAX).await {
            Ok(delta) => delta,
            Err(StoreError::AheadOfLog { .. } | StoreError::NotFound { .. }) => {
                self.held.lock().forget(&held.id);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let mut state = packed.whole();
        let is_newer = !delta.events.is_empty();
        Ok(delta
            .apply_to(&mut state)
            .is_ok()
            .then_some((state, is_newer)))
    }
}

impl<S: Store> Store for Cached<S> {
    fn create<'a>(
        &'a self,
        run: &'a str,
        origin: &'a Origin,
        at: UnixMillis,
    ) -> StoreFuture<'a, ()> {
        self.store.create(run, origin, at)
    }

    fn append<'a>(
        &'a self,
        run: &'a str,
        based_on: Seq,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> StoreFuture<'a, Seq> {
        // The next load takes the events from the store, so that no append pays for the length of a state.
        self.store.append(run, based_on, at, changes)
    }

    fn load<'a>(&'a self, run: &'a str) -> StoreFuture<'a, RunState> {
        Box::pin(self.load_newest(run))
    }

    fn since<'a>(&'a self, run: &'a str, since_seq: Seq, at_most: usize) -> StoreFuture<'a, Delta> {
        self.store.since(run, since_seq, at_most)
    }

    fn list<'a>(
        &'a self,
        filter: &'a Filter,
        after: Option<&'a str>,
        at_most: usize,
    ) -> StoreFuture<'a, Vec<RunSummary>> {
        self.store.list(filter, after, at_most)
    }

    fn compact<'a>(
        &'a self,
        run: &'a str,
        kinds: &'a [&'a str],
        older_than: UnixMillis,
    ) -> StoreFuture<'a, usize> {
        // No state holds the payload of a note.
        self.store.compact(run, kinds, older_than)
    }

    fn restore<'a>(&'a self, log: &'a RunLog) -> StoreFuture<'a, ()> {
        self.store.restore(log)
    }

    fn remove<'a>(&'a self, run: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let removed = self.store.remove(run).await;
            self.held.lock().forget(run);
            removed
        })
    }

    fn check<'a>(&'a self, run: &'a str) -> StoreFuture<'a, Vec<StoreError>> {
        self.store.check(run)
    }
}
