//! Whose turn it is: deficit round robin over namespaces, newcomers first; priorities and ageing within one.
//!
//! ```text
//!                 newcomers ─► team-d                  served before the ring, once, then at its end
//!
//!  Start    ring ─► team-a ─► team-b ─► team-c ─┐      each turn: `quantum` entries, then to the end of the ring
//!            ▲        │                         │
//!            └────────┼─────────────────────────┘
//!                     ├─ priority    0:  q7 ─► q9
//!                     └─ priority -100:  q1 ─► q2 ─► q3
//! ```
//!
//! There is one ring per lane. Every entry costs 1: what a Query will cost is not known before it has run.
//!
//! A namespace that asks seldom need not wait for the whole ring: the rule is that of FQ-CoDel (RFC 8290, section 4.2)
//! for sparse flows. It cannot be abused by asking often, since a namespace that was served stays in the ring, even
//! with nothing to be served, until its turn would have come; only then is it a newcomer again. So between two turns
//! of a namespace that waits, no other has more than one.

use std::sync::Arc;
use std::time::Instant;

use super::chain::{Chain, Link, Links};
use super::lane::{Lane, Priority};
use super::slab::Slab;

/// At least one in this many pops of a namespace's lane takes the entry that waits longest at the head of any priority.
///
/// So a steady stream of fresh Queries halts no older one: it slows the oldest down to an eighth of the namespace's share.
/// Counting pops instead of time keeps the order a function of what happened, and idle namespaces age nothing.
const AGEING_PERIOD: u32 = 8;

/// An entry as the rounds see it.
pub(super) trait Waiting: Links {
    /// When the entry was first added since it was last popped; always set for one that is linked.
    fn added(&self, id: u32) -> Option<Instant>;
}

/// What is linked in one lane, by namespace.
#[derive(Debug)]
pub(super) struct Rounds {
    lane: Lane,
    /// Namespaces that have not been served since they came, in the order in which they came.
    newcomers: Chain,
    /// Namespaces in the order of their turns; some may have nothing left to be served.
    ring: Chain,
    /// Entries that a namespace may pop per turn.
    quantum: u32,
    n_entries: usize,
    /// Namespaces that left the ring, for the caller to see whether anything is left of them.
    pub(super) departed: Vec<u32>,
}

impl Rounds {
    pub(super) fn new(lane: Lane, quantum: u32) -> Self {
        Self {
            lane,
            newcomers: Chain::default(),
            ring: Chain::default(),
            quantum: quantum.max(1),
            n_entries: 0,
            departed: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.n_entries
    }

    pub(super) fn push_back(
        &mut self,
        namespaces: &mut Slab<Namespace>,
        namespace: u32,
        entries: &mut impl Waiting,
        entry: (u32, Priority),
    ) {
        let share = namespaces[namespace].share(self.lane);
        share.push_back(entries, entry);
        self.n_entries += 1;
        if share.place == Place::Outside {
            share.place = Place::Newcomer;
            share.deficit = self.quantum;
            let mut turns = Turns(namespaces, self.lane);
            self.newcomers.push_back(&mut turns, namespace);
        }
    }

    pub(super) fn remove(
        &mut self,
        namespaces: &mut Slab<Namespace>,
        namespace: u32,
        entries: &mut impl Waiting,
        entry: (u32, Priority),
    ) {
        let share = namespaces[namespace].share(self.lane);
        share.remove(entries, entry);
        self.n_entries -= 1;
        self.disband_if_empty(namespaces);
    }

    /// Takes the next entry of the namespace whose turn it is.
    pub(super) fn pop(
        &mut self,
        namespaces: &mut Slab<Namespace>,
        entries: &mut impl Waiting,
    ) -> Option<u32> {
        loop {
            let namespace = self.newcomers.first().or(self.ring.first())?;
            let share = namespaces[namespace].share(self.lane);
            let Some(entry) = share.pop(entries) else {
                self.depart(namespaces, namespace);
                continue;
            };
            share.deficit -= 1;
            let ends_turn = share.deficit == 0 || share.is_empty();
            if ends_turn {
                self.end_turn(namespaces, namespace);
            }
            self.n_entries -= 1;
            self.disband_if_empty(namespaces);
            return Some(entry);
        }
    }

    /// To the end of the ring, also with nothing left. A turn that ends early saves nothing up.
    fn end_turn(&mut self, namespaces: &mut Slab<Namespace>, namespace: u32) {
        self.unlink(namespaces, namespace);
        let share = namespaces[namespace].share(self.lane);
        share.place = Place::InRing;
        share.deficit = self.quantum;
        let mut turns = Turns(namespaces, self.lane);
        self.ring.push_back(&mut turns, namespace);
    }

    fn depart(&mut self, namespaces: &mut Slab<Namespace>, namespace: u32) {
        self.unlink(namespaces, namespace);
        namespaces[namespace].share(self.lane).place = Place::Outside;
        self.departed.push(namespace);
    }

    /// When nobody waits, nobody has a turn to wait for.
    fn disband_if_empty(&mut self, namespaces: &mut Slab<Namespace>) {
        while self.n_entries == 0
            && let Some(namespace) = self.newcomers.first().or(self.ring.first())
        {
            self.depart(namespaces, namespace);
        }
    }

    fn unlink(&mut self, namespaces: &mut Slab<Namespace>, namespace: u32) {
        let chain = match namespaces[namespace].share(self.lane).place {
            Place::Newcomer => &mut self.newcomers,
            Place::InRing => &mut self.ring,
            Place::Outside => return,
        };
        chain.remove(&mut Turns(namespaces, self.lane), namespace);
    }
}

/// One tenant, as long as anything of it is known.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) name: Arc<str>,
    pub(super) hash: u64,
    /// Entries that belong to it, in whatever state.
    pub(super) n_entries: usize,
    pub(super) n_in_flight: usize,
    shares: [Share; Lane::ALL.len()],
}

impl Namespace {
    pub(super) fn new(name: Arc<str>, hash: u64) -> Self {
        Self {
            name,
            hash,
            n_entries: 0,
            n_in_flight: 0,
            shares: Default::default(),
        }
    }

    /// Something of it waits or runs.
    pub(super) fn is_active(&self) -> bool {
        self.n_in_flight > 0 || self.shares.iter().any(|share| !share.is_empty())
    }

    /// Nothing is known of it, nor does it have a turn.
    pub(super) fn is_over(&self) -> bool {
        let has_turn = |share: &Share| share.place != Place::Outside;
        self.n_entries == 0 && !self.shares.iter().any(has_turn)
    }

    fn share(&mut self, lane: Lane) -> &mut Share {
        &mut self.shares[lane as usize]
    }
}

/// What one namespace has linked in one lane.
#[derive(Debug, Default)]
struct Share {
    /// The non-empty priorities, highest first.
    levels: Vec<Level>,
    /// Entries it may still pop in this turn.
    deficit: u32,
    place: Place,
    /// Pops since the ageing rule last had its say, while there was more than one priority.
    n_since_ageing: u32,
    turn: Link,
}

/// Where a namespace stands in one lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// In neither chain.
    #[default]
    Outside,
    Newcomer,
    InRing,
}

#[derive(Debug)]
struct Level {
    priority: Priority,
    chain: Chain,
}

impl Share {
    fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    fn push_back(&mut self, entries: &mut impl Waiting, (id, priority): (u32, Priority)) {
        let at = self
            .levels
            .partition_point(|level| level.priority > priority);
        if self
            .levels
            .get(at)
            .is_none_or(|level| level.priority != priority)
        {
            let chain = Chain::default();
            self.levels.insert(at, Level { priority, chain });
        }
        self.levels[at].chain.push_back(entries, id);
    }

    fn remove(&mut self, entries: &mut impl Waiting, (id, priority): (u32, Priority)) {
        let at = self
            .levels
            .partition_point(|level| level.priority > priority);
        self.remove_at(entries, at, id);
    }

    fn pop(&mut self, entries: &mut impl Waiting) -> Option<u32> {
        let at = self.next_level(entries);
        let id = self.levels.get(at)?.chain.first()?;
        self.remove_at(entries, at, id);
        Some(id)
    }

    fn next_level(&mut self, entries: &impl Waiting) -> usize {
        if self.levels.len() < 2 {
            return 0;
        }
        self.n_since_ageing += 1;
        if self.n_since_ageing < AGEING_PERIOD {
            return 0;
        }
        self.n_since_ageing = 0;
        let head_added = |at: &usize| {
            self.levels[*at]
                .chain
                .first()
                .and_then(|id| entries.added(id))
        };
        // Of equally old heads the one of lowest priority, which has no other way out.
        (0..self.levels.len())
            .rev()
            .min_by_key(head_added)
            .unwrap_or(0)
    }

    fn remove_at(&mut self, entries: &mut impl Waiting, at: usize, id: u32) {
        let level = &mut self.levels[at];
        level.chain.remove(entries, id);
        if level.chain.is_empty() {
            self.levels.remove(at);
        }
    }
}

/// The links of one lane's newcomers and ring; a namespace is in one of them at most.
struct Turns<'a>(&'a mut Slab<Namespace>, Lane);

impl Links for Turns<'_> {
    fn link(&mut self, id: u32) -> &mut Link {
        &mut self.0[id].share(self.1).turn
    }
}
