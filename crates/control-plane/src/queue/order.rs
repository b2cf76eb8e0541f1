//! The order of the queue: which key is handed out next, and which may not be yet.
//!
//! Pure: no clock (every call is told the time), no lock, no log, nothing to wait for.
//! The shell around it is [`Queue`](super::Queue). Every operation takes constant time, those that touch a delay
//! logarithmic time in the number of delayed entries.
//!
//! A key is in at most one of these places, and beside that may have one delayed wake-up per lane:
//!
//! ```text
//!            add                    pop                          release
//!  unknown ───────► waiting(lane) ───────► leased ──────────────────────────────► unknown
//!     │                ▲   ▲                 │ add                    ▲
//!     │ add_after      │   │                 ▼                        │
//!     └──► delayed ────┘   └──────────── leased, dirty ───────────────┘
//!                  mature      release
//! ```

use std::time::{Duration, Instant};

use super::QueueConfig;
use super::delays::Delays;
use super::depth::Depth;
use super::entries::{Entries, Lease, Ready};
use super::lane::{Lane, Priority};
use super::rounds::Rounds;
use super::workers::Workers;
use crate::key::QueryKey;
use crate::metrics::QueueStanding;

/// At least one in this many pops is from [`Lane::Start`] while both lanes have something to pop.
///
/// Control entries are short and go first: a cancel must not wait behind a backlog. But the TTLs of a large population
/// end together, and may slow new Queries down, not stop them.
const CONTROL_BURST: u32 = 8;

/// Delays that one [`Order::mature`] ends at most while there is something to pop anyway, so that many that end
/// together do not hold the lock for long.
const MATURE_BATCH: usize = 64;

/// Longer delays are cut to this, about a century, so that the sum with any time is one too.
const MAX_DELAY: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// The state of the queue.
#[derive(Debug)]
pub struct Order {
    config: QueueConfig,
    entries: Entries,
    start: Rounds,
    control: Rounds,
    delays: Delays,
    workers: Workers,
    n_in_flight: usize,
    n_leased: usize,
    /// Entries ready or dirty, by priority.
    depth: Depth,
    /// Control entries popped in a row while a Start entry could have been.
    n_control_in_a_row: u32,
}

/// An entry handed out; its key stays with the receiver until [`Order::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Popped {
    /// Names the lease in later calls.
    pub id: u32,
    /// The key.
    pub key: QueryKey,
    /// What the key was queued for.
    pub lane: Lane,
    /// From the first add, or the end of the delay, until now.
    pub waited: Duration,
}

impl Order {
    /// An empty queue, always with the same hash seed: for tests and for counting instructions.
    pub fn new(config: QueueConfig) -> Self {
        Self::with_seed(config, 0)
    }

    /// An empty queue; with a seed that nobody knows, nobody can choose names that collide.
    pub fn with_seed(config: QueueConfig, seed: u64) -> Self {
        Self {
            entries: Entries::with_seed(seed),
            start: Rounds::new(Lane::Start),
            control: Rounds::new(Lane::Control),
            delays: Delays::default(),
            workers: Workers::default(),
            n_in_flight: 0,
            n_leased: 0,
            depth: Depth::default(),
            n_control_in_a_row: 0,
            config,
        }
    }

    /// Makes a key ready, and tells whether it was not before.
    ///
    /// A key that waits already keeps its place and the time of its first add; a stronger lane or a higher priority
    /// moves it to the end of that one. A key that is leased waits for its release.
    /// A delayed wake-up of the same key and lane is served by this one and goes; one of the other lane stays.
    pub fn add(&mut self, key: QueryKey, lane: Lane, priority: Priority, now: Instant) -> bool {
        let id = self.entries.find_or_insert(key);
        self.delays.remove(delay_id(id, lane));
        let added = now;
        self.make_ready(
            id,
            Ready {
                lane,
                priority,
                added,
            },
        )
    }

    /// Makes a key ready after `delay`, unless its lane has an earlier wake-up.
    pub fn add_after(&mut self, key: QueryKey, lane: Lane, delay: Duration, now: Instant) {
        let id = self.entries.find_or_insert(key);
        self.delay(id, lane, now + delay.min(MAX_DELAY));
    }

    /// Makes a key ready after its back-off, and tells how long that is.
    ///
    /// Only these calls lengthen the back-off, and only [`forget`](Self::forget) ends it: an add by an event does neither.
    pub fn retry(&mut self, key: QueryKey, lane: Lane, now: Instant) -> Duration {
        let id = self.entries.find_or_insert(key);
        let n_failures = &mut self.entries[id].n_failures;
        *n_failures = n_failures.saturating_add(1);
        let delay = self.config.backoff.delay(*n_failures);
        self.delay(id, lane, now + delay);
        delay
    }

    /// Ends the back-off of a key: it succeeded, or is gone. Until then its entry is kept.
    pub fn forget(&mut self, key: &QueryKey) {
        if let Some(id) = self.entries.find(key) {
            self.entries[id].n_failures = 0;
            self.remove_if_idle(id);
        }
    }

    /// Makes those keys ready whose delay is over, and tells how many became so.
    pub fn mature(&mut self, now: Instant) -> usize {
        let mut n_ready = 0;
        for n_ended in 1.. {
            let Some((delay, due)) = self.delays.pop_due(now) else {
                break;
            };
            let (id, lane) = delayed_entry(delay);
            let ready = Ready {
                lane,
                priority: Priority::NORMAL,
                added: due,
            };
            n_ready += usize::from(self.make_ready(id, ready));
            if n_ended >= MATURE_BATCH && self.can_pop() {
                break;
            }
        }
        n_ready
    }

    /// Hands out the next key, and with it a worker slot and, from [`Lane::Start`], an in-flight slot.
    ///
    /// `None` if no slot is free or nothing is ready; call [`mature`](Self::mature) first.
    pub fn pop(&mut self, now: Instant) -> Option<Popped> {
        let lane = self.next_lane()?;
        let Self {
            entries,
            start,
            control,
            ..
        } = self;
        let rounds = match lane {
            Lane::Start => start,
            Lane::Control => control,
        };
        let (namespaces, waiting) = entries.parts();
        let id = rounds.pop(namespaces, waiting)?;
        while let Some(departed) = rounds.departed.pop() {
            entries.remove_namespace_if_over(departed);
        }
        let entry = &mut self.entries[id];
        let ready = entry.ready.take()?;
        let worker = Some(self.workers.occupy(now));
        entry.lease = Some(Lease { lane, worker });
        let popped = Popped {
            id,
            key: entry.key.clone(),
            lane,
            waited: now.saturating_duration_since(ready.added),
        };
        let namespace = entry.namespace;
        self.depth.fall(ready);
        self.n_leased += 1;
        self.n_control_in_a_row = match lane {
            Lane::Control if self.start_can_pop() => self.n_control_in_a_row + 1,
            Lane::Control | Lane::Start => 0,
        };
        if lane == Lane::Start {
            self.n_in_flight += 1;
            self.entries.namespace_mut(namespace).n_in_flight += 1;
        }
        Some(popped)
    }

    /// Gives the worker slot of a lease back and tells how long it was held; key and in-flight slot stay.
    pub fn start_execution(&mut self, id: u32, now: Instant) -> Option<Duration> {
        let lease = self.entries[id].lease.as_mut()?;
        let worker = lease.worker.take()?;
        Some(self.workers.vacate(worker, now))
    }

    /// Takes a lease back, and tells how long its worker slot was held if it still was.
    ///
    /// If the key was added meanwhile, it is ready now, and has waited since that add.
    pub fn release(&mut self, id: u32, now: Instant) -> Option<Duration> {
        let worked = self.start_execution(id, now);
        let entry = &mut self.entries[id];
        let namespace = entry.namespace;
        let ready = entry.ready;
        let lease = entry.lease.take()?;
        self.n_leased -= 1;
        if lease.lane == Lane::Start {
            self.n_in_flight -= 1;
            self.entries.namespace_mut(namespace).n_in_flight -= 1;
        }
        match ready {
            Some(ready) => self.link(id, ready),
            None => self.remove_if_idle(id),
        }
        worked
    }

    /// There is something to pop and a slot for it.
    pub fn can_pop(&self) -> bool {
        self.next_lane().is_some()
    }

    /// When to call [`mature`](Self::mature) next; never while all worker slots are taken, as nothing could be popped.
    pub fn next_due(&self) -> Option<Instant> {
        self.worker_is_free().then(|| self.delays.first()).flatten()
    }

    /// Keys that are ready, or will be on their release.
    pub fn len(&self) -> usize {
        self.depth.total()
    }

    /// Nothing is ready, nor will be on a release.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wake-ups that wait for their time.
    pub fn n_delayed(&self) -> usize {
        self.delays.len()
    }

    /// In-flight slots held.
    pub fn n_in_flight(&self) -> usize {
        self.n_in_flight
    }

    /// Keys handed out and not released.
    pub fn n_leased(&self) -> usize {
        self.n_leased
    }

    /// Keys and namespaces of which anything is kept.
    pub fn n_known(&self) -> (usize, usize) {
        (self.entries.len(), self.entries.n_namespaces())
    }

    /// What the metrics show.
    pub fn standing(&self, now: Instant) -> QueueStanding {
        let (unfinished_work, longest_running) = self.workers.unfinished(now);
        let in_flight = self
            .entries
            .namespaces()
            .filter(|tenant| tenant.n_in_flight > 0);
        let active = self
            .entries
            .namespaces()
            .filter(|tenant| tenant.is_active());
        QueueStanding {
            depth_by_priority: self.depth.by_priority(),
            in_flight_by_namespace: in_flight
                .map(|tenant| (tenant.name.clone(), tenant.n_in_flight))
                .collect(),
            active_tenants: active.count(),
            unfinished_work,
            longest_running,
        }
    }

    fn worker_is_free(&self) -> bool {
        self.workers.n_occupied() < self.config.max_concurrent_reconciles.max(1)
    }

    fn start_can_pop(&self) -> bool {
        self.start.len() > 0 && self.n_in_flight < self.config.max_in_flight.max(1)
    }

    fn next_lane(&self) -> Option<Lane> {
        if !self.worker_is_free() {
            return None;
        }
        match (self.control.len() > 0, self.start_can_pop()) {
            (false, false) => None,
            (true, false) => Some(Lane::Control),
            (false, true) => Some(Lane::Start),
            (true, true) if self.n_control_in_a_row < CONTROL_BURST => Some(Lane::Control),
            (true, true) => Some(Lane::Start),
        }
    }

    fn delay(&mut self, id: u32, lane: Lane, due: Instant) {
        let is_ready = self.entries[id]
            .ready
            .is_some_and(|ready| ready.lane == lane);
        if !is_ready {
            self.delays.set(delay_id(id, lane), due);
        }
    }

    /// Tells whether the entry was not ready before.
    fn make_ready(&mut self, id: u32, asked: Ready) -> bool {
        let entry = &mut self.entries[id];
        let is_leased = entry.lease.is_some();
        let Some(before) = entry.ready else {
            entry.ready = Some(asked);
            self.depth.rise(asked);
            if !is_leased {
                self.link(id, asked);
            }
            return true;
        };
        let after = Ready {
            lane: before.lane.max(asked.lane),
            priority: before.priority.max(asked.priority),
            added: before.added,
        };
        if (after.lane, after.priority) != (before.lane, before.priority) {
            entry.ready = Some(after);
            self.depth.fall(before);
            self.depth.rise(after);
            if !is_leased {
                self.unlink(id, before);
                self.link(id, after);
            }
        }
        false
    }

    fn link(&mut self, id: u32, Ready { lane, priority, .. }: Ready) {
        let namespace = self.entries[id].namespace;
        let rounds = match lane {
            Lane::Start => &mut self.start,
            Lane::Control => &mut self.control,
        };
        let (namespaces, waiting) = self.entries.parts();
        rounds.push_back(namespaces, namespace, waiting, (id, priority));
    }

    fn unlink(&mut self, id: u32, Ready { lane, priority, .. }: Ready) {
        let namespace = self.entries[id].namespace;
        let rounds = match lane {
            Lane::Start => &mut self.start,
            Lane::Control => &mut self.control,
        };
        let (namespaces, waiting) = self.entries.parts();
        rounds.remove(namespaces, namespace, waiting, (id, priority));
    }

    /// Drops what is known of a key that neither waits nor is leased, delayed or backed off.
    fn remove_if_idle(&mut self, id: u32) {
        let is_delayed = Lane::ALL
            .iter()
            .any(|lane| self.delays.contains(delay_id(id, *lane)));
        if !is_delayed && self.entries[id].is_idle() {
            self.entries.remove(id);
        }
    }
}

/// Every entry has one delay per lane.
fn delay_id(id: u32, lane: Lane) -> u32 {
    id * Lane::ALL.len() as u32 + lane as u32
}

fn delayed_entry(delay: u32) -> (u32, Lane) {
    let n_lanes = Lane::ALL.len() as u32;
    (delay / n_lanes, Lane::ALL[(delay % n_lanes) as usize])
}
