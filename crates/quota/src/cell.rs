//! The state of one key: its theoretical arrival time beside the print of the key, 16 bytes.
//!
//! Readers take no lock. A cell may be retired and given to another key while a reader looks at
//! it, so a reader loads the arrival time first, compares the print second, and lets its
//! compare-and-swap (or, when it writes nothing, a second load) prove that nothing changed in
//! between. The arrival times of a cell only grow, over all its keys, so that equal times mean
//! an unchanged cell; only a clock that steps back can break this, and then at the price of one
//! permit charged to the wrong key.

use crate::gcra::{Gcra, Nanos, Outcome};
use crate::sync::{AtomicU64, Ordering, fence};

/// What a key is known by: 64 bits of a keyed hash, neither of the two below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Print(u64);

/// In place of a print: a cell that never held a key, where a search ends.
const EMPTY: u64 = 0;

/// In place of a print: a cell whose key went, past which a search goes on.
const RETIRED: u64 = 1;

/// In place of an arrival time: a cell that holds no key.
const NOBODY: Nanos = Nanos::MAX;

#[derive(Debug)]
#[repr(align(16))]
pub(crate) struct Cell {
    print: AtomicU64,
    tat: AtomicU64,
}

/// What a cell is to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// It held the request's key, and decided.
    Decided(Outcome),
    /// It holds another key, or none any more.
    Other,
    /// It never held one.
    Empty,
}

impl Print {
    /// The print of a key with this hash.
    #[inline]
    pub(crate) fn of(hash: u64) -> Self {
        // Three of 2^64 hashes become one.
        Self(hash.max(RETIRED + 1))
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

impl Cell {
    /// A cell that never held a key.
    pub(crate) fn empty() -> Self {
        Self {
            print: AtomicU64::new(EMPTY),
            tat: AtomicU64::new(NOBODY),
        }
    }

    /// Gives a cell without a key to one. Only under the writer's lock, with an arrival time later
    /// than all that the cell had before.
    pub(crate) fn assign(&self, print: Print, tat: Nanos) {
        // Whoever sees the new print also sees that the cell was retired before.
        fence(Ordering::Release);
        self.print.store(print.0, Ordering::Relaxed);
        self.tat.store(tat, Ordering::Release);
    }

    /// Retires a cell that is moved to another array, and returns its key and arrival time.
    /// Only under the writer's lock. Requests under way fail here and look the key up again.
    pub(crate) fn take(&self) -> Option<(Print, Nanos)> {
        let print = self.print()?;
        let tat = self.tat.swap(NOBODY, Ordering::AcqRel);
        self.print.store(RETIRED, Ordering::Release);
        Some((print, tat))
    }

    /// Takes the cell from its key if the key's state equals no state at `now`.
    /// Only under the writer's lock.
    pub(crate) fn retire_if_idle(&self, now: Nanos) -> bool {
        let tat = self.tat.load(Ordering::Acquire);
        let is_retired = tat < now
            && self
                .tat
                .compare_exchange(tat, NOBODY, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if is_retired {
            self.print.store(RETIRED, Ordering::Release);
        }
        is_retired
    }

    /// Makes a retired cell empty. Only under the writer's lock, and only before an empty cell.
    pub(crate) fn clear(&self) {
        self.print.store(EMPTY, Ordering::Release);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.print.load(Ordering::Acquire) == EMPTY
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.print.load(Ordering::Acquire) == RETIRED
    }

    /// The key that holds the cell. Stays so only under the writer's lock.
    pub(crate) fn print(&self) -> Option<Print> {
        let print = self.print.load(Ordering::Acquire);
        (print > RETIRED).then_some(Print(print))
    }

    /// Decides a request if the cell holds its key.
    #[inline]
    pub(crate) fn decide_for(&self, print: Print, gcra: &Gcra, now: Nanos) -> Probe {
        let found = self.print.load(Ordering::Acquire);
        if found == EMPTY {
            return Probe::Empty;
        }
        if found != print.0 {
            return Probe::Other;
        }
        match self.decide(print, gcra, now) {
            Some(outcome) => Probe::Decided(outcome),
            None => Probe::Other,
        }
    }

    /// Decides a request for the key; `None` if the cell does not hold it any more.
    #[inline]
    pub(crate) fn decide(&self, print: Print, gcra: &Gcra, now: Nanos) -> Option<Outcome> {
        loop {
            let tat = self.tat.load(Ordering::Acquire);
            if tat == NOBODY || self.print.load(Ordering::Relaxed) != print.0 {
                return None;
            }
            // The print is read before the proof below.
            fence(Ordering::Acquire);
            let step = gcra.decide(tat, now);
            let unchanged = if step.tat == tat {
                self.tat.load(Ordering::Relaxed) == tat
            } else {
                self.tat
                    .compare_exchange(tat, step.tat, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            };
            if unchanged {
                return Some(step.outcome);
            }
        }
    }
}

#[cfg(all(test, quota_loom))]
mod loom_cell;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::{Burst, Rate};

    const A: Print = Print(7);
    const B: Print = Print(8);

    fn gcra() -> Gcra {
        Gcra::new(Rate::per_second(1.0).expect("in range"), Burst::ONE)
    }

    #[test]
    fn four_cells_fill_a_cache_line() {
        assert_eq!((size_of::<Cell>(), align_of::<Cell>()), (16, 16));
    }

    #[test]
    fn no_hash_makes_a_print_that_means_something_else() {
        for hash in [0, 1, 2, 3, u64::MAX] {
            assert!(Print::of(hash).bits() > RETIRED);
        }
        assert_eq!(Print::of(3).bits(), 3);
    }

    #[test]
    fn a_cell_decides_for_its_key_and_no_other() {
        let cell = Cell::empty();
        assert_eq!(cell.decide_for(A, &gcra(), 1), Probe::Empty);
        cell.assign(A, 1);
        assert_eq!(cell.decide_for(B, &gcra(), 1), Probe::Other);
        let allowed = Probe::Decided(Outcome::Allow);
        assert_eq!(cell.decide_for(A, &gcra(), 1), allowed);
        assert_eq!(cell.print(), Some(A));
    }

    #[test]
    fn a_retired_cell_decides_for_nobody() {
        let cell = Cell::empty();
        assert!(!cell.retire_if_idle(100), "nobody can be idle");
        cell.assign(A, 5);
        assert!(!cell.retire_if_idle(5), "a state at now is not yet past");
        assert!(cell.retire_if_idle(6) && cell.is_retired());
        assert_eq!(cell.decide_for(A, &gcra(), 7), Probe::Other);
        assert_eq!(cell.decide(A, &gcra(), 7), None);
        assert!(!cell.retire_if_idle(8), "it is retired once");
        cell.clear();
        assert!(cell.is_empty());
    }

    #[test]
    fn a_cell_that_is_taken_gives_its_key_and_time() {
        let cell = Cell::empty();
        assert_eq!(cell.take(), None);
        cell.assign(A, 5);
        assert_eq!(cell.take(), Some((A, 5)));
        assert_eq!(cell.take(), None);
        assert_eq!(cell.decide(A, &gcra(), 7), None);
    }
}
