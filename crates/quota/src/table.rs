//! The states of all keys of one rate, in shards by the hash of the key.
//!
//! A look-up hashes the borrowed key once and touches one cache line that depends on it.
//! Keys themselves are not kept: they are told apart by 64 bits of SipHash with a secret of the
//! table, so that nobody can choose keys that agree, and 100,000 keys fit the second cache.
//! Two of 100,000 workspaces share a state with a probability of 3 in 10 billion.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cell::Print;
use crate::gcra::{Gcra, Nanos, Outcome};
use crate::shard::{Place, Shard};

/// Shards per table: writers of different shards do not meet. A power of two.
const N_SHARDS: usize = 16;

#[derive(Debug)]
pub(crate) struct Table {
    /// Holds the secret; each key is hashed by a copy.
    hasher: DefaultHasher,
    shards: [Shard; N_SHARDS],
}

/// A key that is kept until it is given back to [`Table::unpin`].
#[derive(Debug)]
pub(crate) struct Pinned {
    print: Print,
    /// Where the key was last: level and position in the two halves. A growing table moves it.
    place: AtomicU64,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self::with_hasher(RandomState::new().build_hasher())
    }

    /// A table whose prints are the same in every process, and no secret.
    pub(crate) fn reproducible() -> Self {
        Self::with_hasher(DefaultHasher::new())
    }

    fn with_hasher(hasher: DefaultHasher) -> Self {
        Self {
            hasher,
            shards: std::array::from_fn(|_| Shard::default()),
        }
    }

    #[inline]
    pub(crate) fn decide(&self, key: &str, gcra: &Gcra, now: Nanos) -> Outcome {
        let print = self.print(key);
        let shard = self.shard(print);
        match shard.decide(print, gcra, now) {
            Some(outcome) => outcome,
            None => shard.decide_locked(print, gcra, now).0,
        }
    }

    #[inline]
    pub(crate) fn decide_pinned(&self, pinned: &Pinned, gcra: &Gcra, now: Nanos) -> Outcome {
        let shard = self.shard(pinned.print);
        let place = unpacked(pinned.place.load(Ordering::Relaxed));
        match shard.decide_at(place, pinned.print, gcra, now) {
            Some(outcome) => outcome,
            None => {
                let (outcome, place) = shard.decide_locked(pinned.print, gcra, now);
                pinned.place.store(packed(place), Ordering::Relaxed);
                outcome
            }
        }
    }

    pub(crate) fn pin(&self, key: &str, now: Nanos) -> Pinned {
        let print = self.print(key);
        let place = self.shard(print).pin(print, now);
        Pinned {
            print,
            place: AtomicU64::new(packed(place)),
        }
    }

    /// Must be called once for every [`pin`](Self::pin).
    pub(crate) fn unpin(&self, pinned: &Pinned) {
        self.shard(pinned.print).unpin(pinned.print);
    }

    /// Forgets keys whose state equals none at `now`; returns how many.
    pub(crate) fn evict_idle(&self, now: Nanos) -> usize {
        self.shards.iter().map(|shard| shard.evict_idle(now)).sum()
    }

    pub(crate) fn n_keys(&self) -> usize {
        self.shards.iter().map(Shard::n_keys).sum()
    }

    #[inline]
    fn print(&self, key: &str) -> Print {
        let mut hasher = self.hasher.clone();
        hasher.write(key.as_bytes());
        Print::of(hasher.finish())
    }

    /// The shard's bits of a print are not those that name a place in it.
    #[inline]
    fn shard(&self, print: Print) -> &Shard {
        &self.shards[(print.bits() >> 60) as usize % N_SHARDS]
    }
}

#[inline]
fn packed(place: Place) -> u64 {
    u64::from(place.level) << 32 | u64::from(place.position)
}

#[inline]
fn unpacked(packed: u64) -> Place {
    Place {
        level: (packed >> 32) as u32,
        position: packed as u32,
    }
}

#[cfg(test)]
mod tests;
