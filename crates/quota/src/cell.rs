//! The state of one key: one cache line with the key's bytes beside its theoretical arrival time.
//!
//! Readers take no lock. A cell may be retired and given to another key while a reader looks at
//! it, so a reader loads the arrival time first, compares the key second, and lets its
//! compare-and-swap (or, when it writes nothing, a second load) prove that nothing changed in
//! between. The arrival times of a cell only grow, over all its keys, so that equal times mean
//! an unchanged cell; only a clock that steps back can break this, and then at the price of one
//! permit charged to the wrong key.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use crate::gcra::{Gcra, Nanos, Outcome};

/// The longest key that fits in a cell, in bytes: with time and counts it fills the line.
/// A UUID has 36.
pub(crate) const LONGEST_KEY: usize = KEY_WORDS * 8;

const KEY_WORDS: usize = 6;

/// The arrival time of a cell that holds no key.
const RETIRED: Nanos = Nanos::MAX;

#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Cell {
    tat: AtomicU64,
    /// Handles that hold this cell; a pinned cell is never retired. Changed under the writer's lock,
    /// but for the release of a handle.
    pins: AtomicU32,
    key_len: AtomicU32,
    key: [AtomicU64; KEY_WORDS],
}

impl Cell {
    /// A cell without a key.
    pub(crate) fn retired() -> Self {
        Self {
            tat: AtomicU64::new(RETIRED),
            pins: AtomicU32::new(0),
            key_len: AtomicU32::new(0),
            key: [const { AtomicU64::new(0) }; KEY_WORDS],
        }
    }

    /// A cell whose key is kept elsewhere, fresh at `now`.
    pub(crate) fn without_key(now: Nanos) -> Self {
        let cell = Self::retired();
        cell.tat.store(now, Ordering::Release);
        cell
    }

    /// Gives a retired cell to a key, fresh at `now`. Only under the writer's lock, with a `now`
    /// later than the last arrival time of the cell's previous key.
    pub(crate) fn assign(&self, key: &[u8], now: Nanos) {
        debug_assert!(key.len() <= LONGEST_KEY);
        // Whoever sees one of the new key's words also sees that the cell was retired before.
        fence(Ordering::Release);
        self.key_len.store(key.len() as u32, Ordering::Relaxed);
        for (word, bytes) in self.key.iter().zip(key.chunks(8)) {
            word.store(word_of(bytes), Ordering::Relaxed);
        }
        self.tat.store(now, Ordering::Release);
    }

    /// Takes the cell from its key if the key's state equals no state at `now` and no handle
    /// holds it. Only under the writer's lock.
    pub(crate) fn retire_if_idle(&self, now: Nanos) -> bool {
        let tat = self.tat.load(Ordering::Acquire);
        self.pins.load(Ordering::Acquire) == 0
            && tat < now
            && self
                .tat
                .compare_exchange(tat, RETIRED, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    /// Decides a request if the cell still holds `key`.
    #[inline]
    pub(crate) fn decide_for(&self, key: &[u8], gcra: &Gcra, now: Nanos) -> Option<Outcome> {
        loop {
            let tat = self.tat.load(Ordering::Acquire);
            if tat == RETIRED || !self.holds(key) {
                return None;
            }
            // The key's words are read before the proof below.
            fence(Ordering::Acquire);
            if let Some(outcome) = self.try_step(tat, gcra, now) {
                return Some(outcome);
            }
        }
    }

    /// Decides a request for a cell that is pinned, so that its key cannot change.
    #[inline]
    pub(crate) fn decide_pinned(&self, gcra: &Gcra, now: Nanos) -> Outcome {
        loop {
            let tat = self.tat.load(Ordering::Acquire);
            if let Some(outcome) = self.try_step(tat, gcra, now) {
                return outcome;
            }
        }
    }

    /// One attempt from the arrival time `tat`; `None` if it changed meanwhile.
    #[inline]
    fn try_step(&self, tat: Nanos, gcra: &Gcra, now: Nanos) -> Option<Outcome> {
        let step = gcra.decide(tat, now);
        let unchanged = if step.tat == tat {
            self.tat.load(Ordering::Relaxed) == tat
        } else {
            self.tat
                .compare_exchange(tat, step.tat, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
        };
        unchanged.then_some(step.outcome)
    }

    pub(crate) fn holds(&self, key: &[u8]) -> bool {
        if self.key_len.load(Ordering::Relaxed) as usize != key.len() {
            return false;
        }
        let (words, rest) = key.as_chunks::<8>();
        let mut differing = 0;
        for (word, bytes) in self.key.iter().zip(words) {
            differing |= word.load(Ordering::Relaxed) ^ u64::from_le_bytes(*bytes);
        }
        if let (false, Some(word)) = (rest.is_empty(), self.key.get(words.len())) {
            differing |= word.load(Ordering::Relaxed) ^ word_of(rest);
        }
        differing == 0
    }

    pub(crate) fn pin(&self) {
        self.pins.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unpin(&self) {
        self.pins.fetch_sub(1, Ordering::Release);
    }
}

/// Up to eight bytes as a number, padded with zeros; the length tells padding from zero bytes.
#[inline]
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::{Burst, Rate};

    fn gcra() -> Gcra {
        Gcra::new(Rate::per_second(1.0).expect("in range"), Burst::ONE)
    }

    #[test]
    fn a_cell_fills_exactly_one_cache_line() {
        assert_eq!(size_of::<Cell>(), 64);
        assert_eq!(align_of::<Cell>(), 64);
    }

    #[test]
    fn a_cell_knows_its_key_and_no_other() {
        for len in 0..=LONGEST_KEY {
            let key: Vec<u8> = (0..len).map(|i| b'a' + (i % 26) as u8).collect();
            let cell = Cell::retired();
            cell.assign(&key, 1);
            assert!(cell.holds(&key), "{len}");
            for at in 0..len {
                let mut other = key.clone();
                other[at] ^= 1;
                assert!(!cell.holds(&other), "{len} {at}");
            }
            let mut longer = key.clone();
            longer.push(0);
            assert!(!cell.holds(&longer), "{len}");
        }
    }

    #[test]
    fn a_retired_cell_decides_for_nobody() {
        let cell = Cell::retired();
        cell.assign(b"a", 5);
        assert!(!cell.retire_if_idle(5), "a state at now is not yet past");
        assert!(cell.retire_if_idle(6));
        assert_eq!(cell.decide_for(b"a", &gcra(), 7), None);
        assert!(!cell.retire_if_idle(8), "it is retired once");
    }

    #[test]
    fn a_pinned_cell_is_not_retired() {
        let cell = Cell::retired();
        cell.assign(b"a", 5);
        cell.pin();
        assert!(!cell.retire_if_idle(100));
        cell.unpin();
        assert!(cell.retire_if_idle(100));
    }
}
