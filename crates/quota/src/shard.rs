//! A part of a [table](crate::table): an open-addressing array of cells that is read without locks.
//!
//! A key is looked for from the place that its print names, cell by cell, until an empty one.
//! Only adding a key, growing, and evicting take the lock; a reader who misses because a writer
//! was at work takes the lock and looks again.
//!
//! ```text
//! print names ─┐
//!   ┌───────┬──▼────┬───────┬───────┬───────┐
//!   │ empty │ key a │retired│ key b │ empty │     b: past the retired cell; an unknown key: to the end
//!   └───────┴───────┴───────┴───────┴───────┘
//! ```
//!
//! Arrays double, and the keys of the smaller one move. It stays, all its cells retired, until the
//! table goes, because a reader may still look at it.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;

use crate::cell::{Cell, Print, Probe};
use crate::gcra::{Gcra, Nanos, Outcome};

/// Cells of a shard's first array: a power of two.
const FIRST: usize = 64;
/// Arrays of a shard, each twice as long as the one before; the last has 2^31 cells.
const N_LEVELS: usize = 26;

/// One shard; the alignment keeps the hot fields of two shards apart.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Shard {
    /// Which of the arrays is in use.
    level: AtomicU32,
    arrays: [OnceLock<Box<[Cell]>>; N_LEVELS],
    writer: Mutex<Writer>,
}

/// What only a writer needs.
#[derive(Debug, Default)]
struct Writer {
    n_keys: usize,
    /// Cells of the array in use that are not empty.
    n_used: usize,
    /// The latest time of an eviction: cells that it retired had earlier ones.
    evicted_at: Nanos,
    /// How many handles each key has that has any; these keys are not evicted.
    pins: HashMap<Print, u32>,
}

/// Where a key is: array and cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: u32,
    pub(crate) position: u32,
}

impl Shard {
    /// Decides without a lock; `None` if the key was not found.
    #[inline]
    pub(crate) fn decide(&self, print: Print, gcra: &Gcra, now: Nanos) -> Option<Outcome> {
        let cells = self.array(self.level.load(Ordering::Acquire))?;
        let mask = cells.len() - 1;
        let mut position = print.bits() as usize & mask;
        for _ in 0..cells.len() {
            match cells[position].decide_for(print, gcra, now) {
                Probe::Decided(outcome) => return Some(outcome),
                Probe::Empty => return None,
                Probe::Other => position = (position + 1) & mask,
            }
        }
        None
    }

    /// Decides at a place where the key once was; `None` if it has moved.
    #[inline]
    pub(crate) fn decide_at(
        &self,
        place: Place,
        print: Print,
        gcra: &Gcra,
        now: Nanos,
    ) -> Option<Outcome> {
        self.array(place.level)?[place.position as usize].decide(print, gcra, now)
    }

    /// Decides for a key that may be new; returns its place as well.
    #[cold]
    #[inline(never)]
    pub(crate) fn decide_locked(&self, print: Print, gcra: &Gcra, now: Nanos) -> (Outcome, Place) {
        let mut writer = self.writer.lock();
        let now = now.max(writer.evicted_at);
        loop {
            let place = self.place(&mut writer, print, now);
            // Nobody takes the cell from the key while the lock is held.
            if let Some(outcome) = self.decide_at(place, print, gcra, now) {
                return (outcome, place);
            }
        }
    }

    /// Keeps a key, new or not, until it is unpinned as often as pinned.
    pub(crate) fn pin(&self, print: Print, now: Nanos) -> Place {
        let mut writer = self.writer.lock();
        let now = now.max(writer.evicted_at);
        *writer.pins.entry(print).or_default() += 1;
        self.place(&mut writer, print, now)
    }

    pub(crate) fn unpin(&self, print: Print) {
        let mut writer = self.writer.lock();
        if let Some(n_pins) = writer.pins.get_mut(&print) {
            *n_pins -= 1;
            if *n_pins == 0 {
                writer.pins.remove(&print);
            }
        }
    }

    /// Forgets keys whose state equals none at `now`; returns how many.
    pub(crate) fn evict_idle(&self, now: Nanos) -> usize {
        let mut writer = self.writer.lock();
        writer.evicted_at = writer.evicted_at.max(now);
        let Some(cells) = self.array(self.level.load(Ordering::Relaxed)) else {
            return 0;
        };
        let is_free = |cell: &&Cell| {
            let print = cell.print();
            print.is_some_and(|print| !writer.pins.contains_key(&print))
        };
        let retired = cells.iter().filter(is_free);
        let n_retired = retired.filter(|cell| cell.retire_if_idle(now)).count();
        writer.n_keys -= n_retired;
        writer.n_used -= clear_retired(cells);
        n_retired
    }

    pub(crate) fn n_keys(&self) -> usize {
        self.writer.lock().n_keys
    }

    /// Where the key is, added at `now` if it is new.
    fn place(&self, writer: &mut Writer, print: Print, now: Nanos) -> Place {
        let found = self.find(print).unwrap_or_else(|| {
            self.make_room(writer);
            self.add(writer, print, now)
        });
        Place {
            level: self.level.load(Ordering::Relaxed),
            position: found as u32,
        }
    }

    /// Where in the array in use the key is. Exact only under the writer's lock.
    fn find(&self, print: Print) -> Option<usize> {
        let cells = self.array(self.level.load(Ordering::Relaxed))?;
        positions(print, cells.len())
            .take_while(|&position| !cells[position].is_empty())
            .find(|&position| cells[position].print() == Some(print))
    }

    /// Adds a key that is not there to the array in use, which has room.
    fn add(&self, writer: &mut Writer, print: Print, now: Nanos) -> usize {
        let cells = self.array(self.level.load(Ordering::Relaxed));
        let cells = cells.unwrap_or_default();
        let mut free = positions(print, cells.len());
        let Some(position) = free.find(|&position| cells[position].print().is_none()) else {
            return 0;
        };
        writer.n_used += usize::from(cells[position].is_empty());
        writer.n_keys += 1;
        cells[position].assign(print, now);
        position
    }

    /// Keeps an eighth of the cells empty, so that searches end soon.
    fn make_room(&self, writer: &mut Writer) {
        let level = self.level.load(Ordering::Relaxed);
        let Some(cells) = self.array(level) else {
            let _ = self.arrays[level as usize].set(empty_cells(level));
            return;
        };
        if (writer.n_used + 1) * 8 <= cells.len() * 7 {
            return;
        }
        let larger = self.arrays[level as usize + 1].get_or_init(|| empty_cells(level + 1));
        for (print, tat) in cells.iter().filter_map(Cell::take) {
            let mut free = positions(print, larger.len());
            if let Some(position) = free.find(|&position| larger[position].is_empty()) {
                larger[position].assign(print, tat);
            }
        }
        writer.n_used = writer.n_keys;
        self.level.store(level + 1, Ordering::Release);
    }

    #[inline]
    fn array(&self, level: u32) -> Option<&[Cell]> {
        self.arrays[level as usize].get().map(Box::as_ref)
    }
}

fn empty_cells(level: u32) -> Box<[Cell]> {
    (0..FIRST << level).map(|_| Cell::empty()).collect()
}

/// The order in which a key is looked for.
fn positions(print: Print, n_cells: usize) -> impl Iterator<Item = usize> {
    (0..n_cells).map(move |step| (print.bits() as usize).wrapping_add(step) & (n_cells - 1))
}

/// Makes retired cells empty where no search passes over them to a key; returns how many.
///
/// Seen from the back, those are all that come right before an empty cell. Twice around, because
/// the array is a ring.
fn clear_retired(cells: &[Cell]) -> usize {
    let mut n_cleared = 0;
    for position in (0..cells.len()).rev().chain((0..cells.len()).rev()) {
        let next = &cells[(position + 1) & (cells.len() - 1)];
        if cells[position].is_retired() && next.is_empty() {
            cells[position].clear();
            n_cleared += 1;
        }
    }
    n_cleared
}

#[cfg(test)]
mod tests;
