//! The states of all keys of one rate: a sharded open-addressing table, read without locks.
//!
//! A look-up hashes the borrowed key once and touches two cache lines of its own: eight bytes of
//! the slot array (half the hash beside a cell number) and the [`Cell`] with key and state.
//! Only adding a key, growing, and evicting take a lock, that of the key's shard.
//! A reader that misses because a writer was at work takes the lock and looks again.
//!
//! Arrays of slots double and are never freed before the table; cells never move, so that
//! [`Pinned`] can point at one.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::cell::{Cell, LONGEST_KEY};
use crate::gcra::{Gcra, Nanos, Outcome};

/// Shards per table: writers of different shards do not meet. A power of two.
const N_SHARDS: usize = 16;
/// Slots of a new shard, and cells of its first chunk: a power of two.
const FIRST: usize = 64;
/// Doublings of a shard, to 2^26 slots.
const N_LEVELS: usize = 21;

#[derive(Debug)]
pub(crate) struct Table {
    /// Seeded per table, so that nobody outside can choose colliding keys.
    hasher: RandomState,
    shards: Box<[Shard]>,
}

/// One shard; the alignment keeps the hot fields of two shards apart.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    /// Which of the slot arrays is in use.
    level: AtomicU32,
    slot_arrays: [OnceLock<Box<[AtomicU64]>>; N_LEVELS],
    chunks: [OnceLock<Arc<[Cell]>>; N_LEVELS],
    writer: Mutex<Writer>,
}

/// What only a writer needs.
#[derive(Debug, Default)]
struct Writer {
    n_keys: usize,
    /// Cells handed out so far; those of evicted keys are in `free`.
    n_cells: usize,
    free: Vec<u32>,
    /// The latest time of an eviction: cells that it freed are older.
    evicted_at: Nanos,
    /// Keys too long for a cell.
    cells_by_long_key: HashMap<Box<[u8]>, Arc<[Cell]>, RandomState>,
}

/// A cell that stays with its key for as long as this lives.
#[derive(Debug)]
pub(crate) struct Pinned {
    chunk: Arc<[Cell]>,
    offset: usize,
}

impl Pinned {
    #[inline]
    pub(crate) fn cell(&self) -> &Cell {
        &self.chunk[self.offset]
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        self.cell().unpin();
    }
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            shards: (0..N_SHARDS).map(|_| Shard::default()).collect(),
        }
    }

    #[inline]
    pub(crate) fn decide(&self, key: &str, gcra: &Gcra, now: Nanos) -> Outcome {
        let key = key.as_bytes();
        let (shard, tag) = self.locate(key);
        match shard.decide(tag, key, gcra, now) {
            Some(outcome) => outcome,
            None => shard.decide_locked(tag, key, gcra, now),
        }
    }

    pub(crate) fn pin(&self, key: &str, now: Nanos) -> Pinned {
        let key = key.as_bytes();
        let (shard, tag) = self.locate(key);
        let mut writer = shard.writer.lock();
        let now = now.max(writer.evicted_at);
        let (chunk, offset) = shard.cell_for(&mut writer, tag, key, now);
        chunk[offset].pin();
        Pinned { chunk, offset }
    }

    /// Forgets keys whose state equals none at `now`; returns how many.
    pub(crate) fn evict_idle(&self, now: Nanos) -> usize {
        self.shards.iter().map(|shard| shard.evict_idle(now)).sum()
    }

    pub(crate) fn n_keys(&self) -> usize {
        let count = |shard: &Shard| {
            let writer = shard.writer.lock();
            writer.n_keys + writer.cells_by_long_key.len()
        };
        self.shards.iter().map(count).sum()
    }

    /// The shard of a key from one half of its hash, the tag in the shard from the other.
    #[inline]
    fn locate(&self, key: &[u8]) -> (&Shard, u32) {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        (&self.shards[(hash >> 32) as usize % N_SHARDS], hash as u32)
    }
}

impl Shard {
    /// Decides without a lock; `None` if the key was not found.
    #[inline]
    fn decide(&self, tag: u32, key: &[u8], gcra: &Gcra, now: Nanos) -> Option<Outcome> {
        let slots = self.slots()?;
        let mask = slots.len() - 1;
        let mut position = tag as usize & mask;
        for _ in 0..slots.len() {
            let slot = slots[position].load(Ordering::Acquire);
            if slot == EMPTY {
                return None;
            }
            if slot_tag(slot) == tag {
                let outcome = self.cell(slot_cell(slot))?.decide_for(key, gcra, now);
                if outcome.is_some() {
                    return outcome;
                }
            }
            position = (position + 1) & mask;
        }
        None
    }

    #[cold]
    #[inline(never)]
    fn decide_locked(&self, tag: u32, key: &[u8], gcra: &Gcra, now: Nanos) -> Outcome {
        let mut writer = self.writer.lock();
        let now = now.max(writer.evicted_at);
        let (chunk, offset) = self.cell_for(&mut writer, tag, key, now);
        // Nobody retires the cell while the lock is held.
        chunk[offset].decide_pinned(gcra, now)
    }

    /// The cell of a key, a fresh one if it has none.
    fn cell_for(
        &self,
        writer: &mut Writer,
        tag: u32,
        key: &[u8],
        now: Nanos,
    ) -> (Arc<[Cell]>, usize) {
        if key.len() > LONGEST_KEY {
            return (writer.cell_of_long_key(key, now), 0);
        }
        let index = self
            .find(tag, key)
            .unwrap_or_else(|| self.add(writer, tag, key, now));
        let (chunk, offset) = chunk_and_offset(index);
        (Arc::clone(self.chunk(chunk)), offset)
    }

    /// The number of the key's cell. Exact only under the writer's lock.
    fn find(&self, tag: u32, key: &[u8]) -> Option<u32> {
        let slots = self.slots()?;
        let mask = slots.len() - 1;
        (0..slots.len())
            .map(|step| slots[(tag as usize + step) & mask].load(Ordering::Acquire))
            .take_while(|&slot| slot != EMPTY)
            .filter(|&slot| slot_tag(slot) == tag)
            .map(slot_cell)
            .find(|&index| self.cell(index).is_some_and(|cell| cell.holds(key)))
    }

    fn add(&self, writer: &mut Writer, tag: u32, key: &[u8], now: Nanos) -> u32 {
        self.make_room(writer);
        let index = writer.free.pop().unwrap_or_else(|| {
            let index = writer.n_cells as u32;
            writer.n_cells += 1;
            index
        });
        let (chunk, offset) = chunk_and_offset(index);
        self.chunk(chunk)[offset].assign(key, now);
        if let Some(slots) = self.slots() {
            put(slots, new_slot(tag, index));
        }
        writer.n_keys += 1;
        index
    }

    /// Keeps at least a quarter of the slots empty, so that probes stay short.
    fn make_room(&self, writer: &Writer) {
        let level = self.level.load(Ordering::Relaxed) as usize;
        let Some(slots) = self.slot_arrays[level].get() else {
            let _ = self.slot_arrays[level].set(empty_slots(level));
            return;
        };
        let full = (writer.n_keys + 1) * 4 > slots.len() * 3;
        if !full || level + 1 == N_LEVELS {
            return;
        }
        let larger = self.slot_arrays[level + 1].get_or_init(|| empty_slots(level + 1));
        for slot in slots {
            let slot = slot.load(Ordering::Relaxed);
            if slot != EMPTY {
                put(larger, slot);
            }
        }
        self.level.store(level as u32 + 1, Ordering::Release);
    }

    fn evict_idle(&self, now: Nanos) -> usize {
        let mut writer = self.writer.lock();
        writer.evicted_at = writer.evicted_at.max(now);
        let n_long = writer.cells_by_long_key.len();
        writer
            .cells_by_long_key
            .retain(|_, cells| !cells[0].retire_if_idle(now));
        let n_long_evicted = n_long - writer.cells_by_long_key.len();
        let Some(slots) = self.slots() else {
            return n_long_evicted;
        };
        let mut kept = Vec::with_capacity(writer.n_keys);
        for slot in slots.iter().map(|slot| slot.load(Ordering::Relaxed)) {
            if slot == EMPTY {
                continue;
            }
            let index = slot_cell(slot);
            match self.cell(index) {
                Some(cell) if cell.retire_if_idle(now) => writer.free.push(index),
                _ => kept.push(slot),
            }
        }
        let n_evicted = writer.n_keys - kept.len();
        if n_evicted > 0 {
            // Linear probing leaves no gaps, so the survivors are put in anew. A reader that
            // misses one meanwhile waits for this lock and looks again.
            for slot in slots {
                slot.store(EMPTY, Ordering::Release);
            }
            for slot in &kept {
                put(slots, *slot);
            }
            writer.n_keys = kept.len();
        }
        n_evicted + n_long_evicted
    }

    #[inline]
    fn slots(&self) -> Option<&[AtomicU64]> {
        let level = self.level.load(Ordering::Acquire) as usize;
        self.slot_arrays[level].get().map(Box::as_ref)
    }

    #[inline]
    fn cell(&self, index: u32) -> Option<&Cell> {
        let (chunk, offset) = chunk_and_offset(index);
        self.chunks[chunk].get()?.get(offset)
    }

    fn chunk(&self, chunk: usize) -> &Arc<[Cell]> {
        self.chunks[chunk].get_or_init(|| {
            let len = FIRST << chunk.saturating_sub(1);
            (0..len).map(|_| Cell::retired()).collect()
        })
    }
}

impl Writer {
    fn cell_of_long_key(&mut self, key: &[u8], now: Nanos) -> Arc<[Cell]> {
        let cells = self
            .cells_by_long_key
            .entry(key.into())
            .or_insert_with(|| Arc::new([Cell::without_key(now)]));
        Arc::clone(cells)
    }
}

const EMPTY: u64 = 0;

fn new_slot(tag: u32, cell: u32) -> u64 {
    u64::from(tag) << 32 | u64::from(cell + 1)
}

#[inline]
fn slot_tag(slot: u64) -> u32 {
    (slot >> 32) as u32
}

#[inline]
fn slot_cell(slot: u64) -> u32 {
    slot as u32 - 1
}

fn empty_slots(level: usize) -> Box<[AtomicU64]> {
    (0..FIRST << level).map(|_| AtomicU64::new(EMPTY)).collect()
}

/// Puts a slot into the first empty place of its probe sequence. Only under the writer's lock.
fn put(slots: &[AtomicU64], slot: u64) {
    let mask = slots.len() - 1;
    let mut position = slot_tag(slot) as usize & mask;
    while slots[position].load(Ordering::Relaxed) != EMPTY {
        position = (position + 1) & mask;
    }
    slots[position].store(slot, Ordering::Release);
}

/// Chunks hold 64, 64, 128, 256 … cells, so that each doubles what there is.
#[inline]
fn chunk_and_offset(index: u32) -> (usize, usize) {
    let index = index as usize;
    let chunk = (usize::BITS - (index / FIRST).leading_zeros()) as usize;
    let chunk_start = if chunk == 0 { 0 } else { FIRST << (chunk - 1) };
    (chunk, index - chunk_start)
}

#[cfg(test)]
mod tests;
