//! Whose turn it is: deficit round robin over namespaces, in which turns not used are saved up to a bound; priorities
//! and ageing within one namespace.
//!
//! ```text
//!           ahead ─► team-d ─► team-e                  with credit: one entry each in turns, while the credit lasts
//!
//!  Start    ring ─► team-a ─► team-b ─► team-c ─┐      without: a turn brings a credit of one, and spends it
//!            ▲        │                         │
//!            └────────┼─────────────────────────┘
//!                     ├─ priority    0:  q7 ─► q9
//!                     └─ priority -100:  q1 ─► q2 ─► q3
//! ```
//!
//! There are two such chains per lane. A credit of one pops one entry: what a Query will cost is not known before it has
//! run. A namespace with nothing to be served stays in the ring and saves its turns up to [`BURST`]; with that many it
//! leaves, and whoever comes from outside has as many. So a tenant that asks seldom, or a few at a time, need not wait for
//! the whole ring, and one that always asks has what everybody has: of two namespaces of which one waits all the time,
//! the other is served at most `BURST + 1` times more often, however long that lasts.
//!
//! Only by the service of others does a turn pass, not by time: a tenant that keeps us busy four fifths of the time would
//! else come back from every pause with full credit. The price is that the few namespaces served last are remembered
//! until others are served.

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

/// Turns that a namespace can save up.
///
/// Two would serve pairs, four also serve the small bunches in which random arrivals come; more brings no further gain.
const BURST: u32 = 4;

/// An entry as the rounds see it.
pub(super) trait Waiting: Links {
    /// When the entry was first added since it was last popped; always set for one that is linked.
    fn added(&self, id: u32) -> Option<Instant>;
}

/// What is linked in one lane, by namespace.
#[derive(Debug)]
pub(super) struct Rounds {
    lane: Lane,
    /// Namespaces that wait and have credit.
    ahead: Chain,
    /// Namespaces that wait without credit, and those that save up, in the order of their turns.
    ring: Chain,
    n_entries: usize,
    /// Namespaces that wait, in either chain.
    n_waiting: usize,
    n_ahead: usize,
    /// Namespaces that left the ring, for the caller to see whether anything is left of them.
    pub(super) departed: Vec<u32>,
}

impl Rounds {
    pub(super) fn new(lane: Lane) -> Self {
        Self {
            lane,
            ahead: Chain::default(),
            ring: Chain::default(),
            n_entries: 0,
            n_waiting: 0,
            n_ahead: 0,
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
        self.n_waiting += usize::from(share.is_empty());
        share.push_back(entries, entry);
        self.n_entries += 1;
        if share.place == Place::Outside {
            share.credit = BURST;
        }
        if share.place != Place::Ahead && share.credit > 0 {
            self.put(namespaces, namespace, Place::Ahead);
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
        self.n_waiting -= usize::from(share.is_empty());
        if share.is_empty() && share.place == Place::Ahead {
            self.put(namespaces, namespace, Place::InRing);
        }
    }

    /// Takes the next entry of the namespace whose turn it is.
    pub(super) fn pop(
        &mut self,
        namespaces: &mut Slab<Namespace>,
        entries: &mut impl Waiting,
    ) -> Option<u32> {
        let namespace = match self.ahead.first() {
            Some(namespace) => {
                self.pass_a_turn_to_savers(namespaces);
                namespace
            }
            None => self.next_in_ring(namespaces)?,
        };
        let share = namespaces[namespace].share(self.lane);
        let entry = share.pop(entries)?;
        share.credit -= 1;
        self.n_waiting -= usize::from(share.is_empty());
        let goes_on = share.credit > 0 && !share.is_empty();
        let place = if goes_on { Place::Ahead } else { Place::InRing };
        self.put(namespaces, namespace, place);
        self.n_entries -= 1;
        Some(entry)
    }

    /// Gives each namespace of the ring its turn until one has something to be served.
    fn next_in_ring(&mut self, namespaces: &mut Slab<Namespace>) -> Option<u32> {
        loop {
            let namespace = self.ring.first()?;
            let share = namespaces[namespace].share(self.lane);
            if !share.is_empty() {
                share.credit += 1;
                return Some(namespace);
            }
            self.save(namespaces, namespace);
        }
    }

    /// For each credit spent one is earned, so that the ring does not grow by all those who come once.
    /// Not while somebody waits in the ring: two who earn by each other's credit would never let it have its turn.
    fn pass_a_turn_to_savers(&mut self, namespaces: &mut Slab<Namespace>) {
        if self.n_waiting == self.n_ahead
            && let Some(saver) = self.ring.first()
        {
            self.save(namespaces, saver);
        }
    }

    fn save(&mut self, namespaces: &mut Slab<Namespace>, namespace: u32) {
        let share = namespaces[namespace].share(self.lane);
        share.credit += 1;
        let place = if share.credit < BURST {
            Place::InRing
        } else {
            Place::Outside
        };
        self.put(namespaces, namespace, place);
    }

    /// Moves a namespace to the end of a chain, or outside.
    fn put(&mut self, namespaces: &mut Slab<Namespace>, namespace: u32, place: Place) {
        let share = namespaces[namespace].share(self.lane);
        let before = std::mem::replace(&mut share.place, place);
        let mut turns = Turns(namespaces, self.lane);
        match before {
            Place::Ahead => {
                self.ahead.remove(&mut turns, namespace);
                self.n_ahead -= 1;
            }
            Place::InRing => self.ring.remove(&mut turns, namespace),
            Place::Outside => {}
        }
        match place {
            Place::Ahead => {
                self.ahead.push_back(&mut turns, namespace);
                self.n_ahead += 1;
            }
            Place::InRing => self.ring.push_back(&mut turns, namespace),
            Place::Outside => self.departed.push(namespace),
        }
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
    /// Entries it may pop out of turn.
    credit: u32,
    place: Place,
    /// Pops since the ageing rule last had its say, while there was more than one priority.
    n_since_ageing: u32,
    turn: Link,
}

/// Where a namespace stands in one lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// In neither chain, with all its credit.
    #[default]
    Outside,
    /// Something of it waits, and it has credit.
    Ahead,
    /// Something of it waits without credit, or nothing does and its credit is not full.
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

/// The links of one lane's chains; a namespace is in one of them at most.
struct Turns<'a>(&'a mut Slab<Namespace>, Lane);

impl Links for Turns<'_> {
    fn link(&mut self, id: u32) -> &mut Link {
        &mut self.0[id].share(self.1).turn
    }
}
