//! Concurrency caps: several at once or none, given back exactly once.
//!
//! A check followed by an addition lets every simultaneous claimant through; here all claims of
//! one step are checked and counted under the locks of all shards they touch, taken in order.
//! A [`Permit`] gives its places back when it is dropped, also while a panic unwinds, and lives
//! as long as its holder: no place expires under a run that still lives.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::decision::Decision;
use crate::sync::{Mutex, MutexGuard};

/// Shards of a set: acquisitions for different keys seldom meet.
const N_SHARDS: usize = 64;

/// Several named caps, each counted per key. Clones share their counts.
#[derive(Clone)]
pub struct CapSet {
    inner: Arc<Inner>,
}

/// Which of a set's caps: found once by name, then used for every acquisition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CapId(usize);

#[cfg(feature = "redis")]
impl CapId {
    /// The one at this position of a backend outside of this process.
    pub(crate) fn at(position: usize) -> Self {
        Self(position)
    }

    pub(crate) fn position(self) -> usize {
        self.0
    }
}

/// One place under a cap: for example, a parent run of workspace `w`.
///
/// Two equal claims in one step ask for two places.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Which cap.
    pub cap: CapId,
    /// What the cap counts by: a workspace, a user, a run.
    pub key: &'a str,
}

/// Why a step got no permit: the first of its claims, in the order given, that found no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the cap that is reached.
    pub cap: Arc<str>,
    /// How many it admits at once.
    pub at_most: u32,
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::DeniedByCap {
            cap: refusal.cap,
            at_most: refusal.at_most,
        }
    }
}

impl CapSet {
    /// A set of caps: each a name and how many it admits at once, per key.
    pub fn new<N: Into<Arc<str>>>(caps: impl IntoIterator<Item = (N, u32)>) -> Self {
        Self::with_hasher(caps, SeedableRandomState::random())
    }

    /// A set that does exactly the same work in every process: for counting instructions.
    ///
    /// Whoever knows it can choose keys that make it slow; do not use it for requests.
    pub fn reproducible<N: Into<Arc<str>>>(caps: impl IntoIterator<Item = (N, u32)>) -> Self {
        Self::with_hasher(caps, SeedableRandomState::fixed())
    }

    fn with_hasher<N: Into<Arc<str>>>(
        caps: impl IntoIterator<Item = (N, u32)>,
        hasher: SeedableRandomState,
    ) -> Self {
        let cap = |(name, at_most): (N, u32)| Cap {
            name: name.into(),
            at_most,
        };
        Self {
            inner: Arc::new(Inner {
                caps: caps.into_iter().map(cap).collect(),
                hasher,
                shards: (0..N_SHARDS).map(|_| Shard::default()).collect(),
            }),
        }
    }

    /// The cap of this name; `None` if the set was made without it.
    pub fn cap(&self, name: &str) -> Option<CapId> {
        let position = self.inner.caps.iter().position(|cap| &*cap.name == name);
        position.map(CapId)
    }

    /// Takes all the claimed places in one step, or none.
    ///
    /// # Panics
    ///
    /// If a claim's cap was found in a set with more caps than this one.
    pub fn acquire(&self, claims: &[Claim<'_>]) -> Result<Permit, Refusal> {
        #[cfg(feature = "slowdown")]
        if slowdown::CAPS.again() {
            drop(std::hint::black_box(self.acquire_once(claims)));
        }
        self.acquire_once(claims)
    }

    fn acquire_once(&self, claims: &[Claim<'_>]) -> Result<Permit, Refusal> {
        let inner = &self.inner;
        let hashes: Vec<u64> = claims.iter().map(|claim| inner.hash(claim)).collect();
        let mut locked = Locked::new(inner, &hashes);
        let mut taken: Vec<Place> = Vec::with_capacity(claims.len());
        for (claim, &hash) in claims.iter().zip(&hashes) {
            let cap = &inner.caps[claim.cap.0];
            let Some(key) = take(locked.counts(hash), hash, claim, cap.at_most) else {
                // Nobody else has seen the places taken so far: the locks are still held.
                for place in &taken {
                    give_back(locked.counts(place.hash), place);
                }
                return Err(Refusal {
                    cap: Arc::clone(&cap.name),
                    at_most: cap.at_most,
                });
            };
            taken.push(Place {
                hash,
                cap: claim.cap,
                key,
            });
        }
        Ok(Permit {
            inner: Arc::clone(inner),
            places: taken,
        })
    }

    /// How many places of the cap are taken for this key.
    pub fn live(&self, claim: Claim<'_>) -> u32 {
        let hash = self.inner.hash(&claim);
        let counts = self.inner.shards[shard_of(hash)].counts.lock();
        let count = counts.find(hash, |count| count.is(claim.cap, claim.key));
        count.map_or(0, |count| count.live)
    }
}

impl fmt::Debug for CapSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CapSet")
            .field("caps", &self.inner.caps)
            .finish_non_exhaustive()
    }
}

/// The places of one step, taken until this is dropped.
///
/// Keep it for exactly as long as the run, call, or connection lives that it was taken for.
#[must_use = "a permit that is dropped at once limits nothing"]
pub struct Permit {
    inner: Arc<Inner>,
    places: Vec<Place>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        for place in &self.places {
            let shard = &self.inner.shards[shard_of(place.hash)];
            give_back(&mut shard.counts.lock(), place);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self
            .places
            .iter()
            .map(|place| (&self.inner.caps[place.cap.0].name, &place.key));
        formatter.write_str("Permit ")?;
        formatter.debug_map().entries(places).finish()
    }
}

struct Inner {
    caps: Box<[Cap]>,
    /// Seeded per set, so that nobody outside can choose colliding keys.
    hasher: SeedableRandomState,
    shards: Box<[Shard]>,
}

#[derive(Debug)]
struct Cap {
    name: Arc<str>,
    at_most: u32,
}

#[derive(Default)]
#[repr(align(64))]
struct Shard {
    counts: Mutex<HashTable<Count>>,
}

/// How many places of one cap one key has taken; an entry lives only while that is not zero.
struct Count {
    hash: u64,
    cap: CapId,
    key: Arc<str>,
    live: u32,
}

/// One place that a permit holds.
struct Place {
    hash: u64,
    cap: CapId,
    key: Arc<str>,
}

impl Inner {
    fn hash(&self, claim: &Claim<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_usize(claim.cap.0);
        hasher.write(claim.key.as_bytes());
        hasher.finish()
    }
}

impl Count {
    fn is(&self, cap: CapId, key: &str) -> bool {
        self.cap == cap && &*self.key == key
    }
}

/// The locks of all shards that a step touches, taken in the order of the shards, so that two
/// steps never wait for each other.
struct Locked<'a> {
    shards: Vec<usize>,
    guards: Vec<MutexGuard<'a, HashTable<Count>>>,
}

impl<'a> Locked<'a> {
    fn new(inner: &'a Inner, hashes: &[u64]) -> Self {
        let mut shards: Vec<usize> = hashes.iter().map(|&hash| shard_of(hash)).collect();
        shards.sort_unstable();
        shards.dedup();
        let guards = shards
            .iter()
            .map(|&shard| inner.shards[shard].counts.lock())
            .collect();
        Self { shards, guards }
    }

    fn counts(&mut self, hash: u64) -> &mut HashTable<Count> {
        let shard = shard_of(hash);
        &mut self.guards[self.shards.partition_point(|&other| other < shard)]
    }
}

/// Hash tables use the low and the highest bits; these are neither.
fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % N_SHARDS
}

/// Takes one place if there is one; returns the key to hold it under.
fn take(
    counts: &mut HashTable<Count>,
    hash: u64,
    claim: &Claim<'_>,
    at_most: u32,
) -> Option<Arc<str>> {
    let same = |count: &Count| count.is(claim.cap, claim.key);
    match counts.entry(hash, same, |count| count.hash) {
        Entry::Occupied(mut entry) => {
            let count = entry.get_mut();
            if count.live >= at_most {
                return None;
            }
            count.live += 1;
            Some(Arc::clone(&count.key))
        }
        Entry::Vacant(_) if at_most == 0 => None,
        Entry::Vacant(entry) => {
            let key: Arc<str> = claim.key.into();
            entry.insert(Count {
                hash,
                cap: claim.cap,
                key: Arc::clone(&key),
                live: 1,
            });
            Some(key)
        }
    }
}

fn give_back(counts: &mut HashTable<Count>, place: &Place) {
    let same = |count: &Count| count.is(place.cap, &place.key);
    if let Ok(mut entry) = counts.find_entry(place.hash, same) {
        entry.get_mut().live -= 1;
        if entry.get().live == 0 {
            entry.remove();
        }
    }
}

#[cfg(all(test, quota_loom))]
mod loom_caps;

#[cfg(test)]
mod tests;
