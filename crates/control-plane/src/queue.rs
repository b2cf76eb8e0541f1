//! The work queue: which Query is looked after next, by at most how many at once, and when again.
//!
//! [`Order`] decides and is pure; [`Queue`] keeps it behind a lock, tells it the time, wakes who waits
//! and feeds the metrics. What is done with a key is the controller's affair.
//!
//! Tenants take turns, so a namespace with 10,000 Queries delays the first of another by one; `rounds` draws it.
//! Waiting costs nothing: there is no polling, and a Query over the bound on Queries in flight simply stays where it is.

pub mod backoff;
mod chain;
mod delays;
mod depth;
mod entries;
pub mod lane;
pub mod lease;
pub mod next;
pub mod order;
mod rounds;
mod slab;
mod waiters;
mod workers;

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use self::next::Next;
use self::order::Order;
use self::waiters::Waiters;
use crate::key::QueryKey;
use crate::metrics::{QueueMetrics, QueueStanding, Standing};

pub use self::backoff::Backoff;
pub use self::lane::{Lane, Priority};
pub use self::lease::Lease;

/// Bounds of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueConfig {
    /// Keys handed out at once, not counting those whose execution has started; zero counts as one.
    pub max_concurrent_reconciles: usize,
    /// Keys handed out from [`Lane::Start`] at once; zero counts as one.
    pub max_in_flight: usize,
    /// How long a key waits after failures.
    pub backoff: Backoff,
}

impl Default for QueueConfig {
    /// Ark's own defaults: 4 reconciles, 32 Queries in flight.
    fn default() -> Self {
        Self {
            max_concurrent_reconciles: 4,
            max_in_flight: 32,
            backoff: Backoff::default(),
        }
    }
}

/// A queue of Query keys; clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue(Arc<Shared>);

impl Queue {
    /// An empty queue, shown by `metrics` from now on.
    pub fn new(config: QueueConfig, metrics: QueueMetrics) -> Self {
        // The standard library's seeds are drawn from the operating system.
        let seed = std::hash::RandomState::new().hash_one(0);
        Self::with_seed(config, metrics, seed)
    }

    /// The same with a hash seed of the caller's, for counting instructions.
    pub fn with_seed(config: QueueConfig, metrics: QueueMetrics, seed: u64) -> Self {
        metrics.max_concurrent_reconciles(config.max_concurrent_reconciles.max(1));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                order: Order::with_seed(config, seed),
                waiters: Waiters::default(),
                is_closed: false,
            }),
            metrics,
        });
        shared.metrics.show(&shared);
        Self(shared)
    }

    /// Adds a key to be handed out as soon as its turn comes; see [`Order::add`] for a key that is there already.
    pub fn add(&self, key: QueryKey, lane: Lane, priority: Priority) {
        let is_new = self
            .0
            .change(|order, now| order.add(key, lane, priority, now));
        self.0.metrics.added(usize::from(is_new));
    }

    /// Adds a key to be handed out after `delay`; an earlier wake-up of the same lane stays.
    ///
    /// What becomes ready by this or by [`retry`](Self::retry) has [`Priority::NORMAL`].
    pub fn add_after(&self, key: QueryKey, lane: Lane, delay: Duration) {
        if delay.is_zero() {
            return self.add(key, lane, Priority::NORMAL);
        }
        self.0.metrics.retried();
        self.0
            .change(|order, now| order.add_after(key, lane, delay, now));
    }

    /// Adds a key to be handed out after its back-off, which grows with each call until [`forget`](Self::forget).
    pub fn retry(&self, key: QueryKey, lane: Lane) {
        self.0.metrics.retried();
        self.0.change(|order, now| order.retry(key, lane, now));
    }

    /// Ends the back-off of a key. To be called when its reconcile succeeded or the object is gone: until then the
    /// queue remembers it.
    pub fn forget(&self, key: &QueryKey) {
        self.0.state.lock().order.forget(key);
    }

    /// The next key, as soon as there is one and a slot for it; `None` once the queue is closed.
    ///
    /// May be called by any number of tasks and dropped at any time: nothing is lost with it.
    pub fn next(&self) -> Next<'_> {
        Next::new(&self.0)
    }

    /// Ends every [`next`](Self::next), now and later, with `None`. What waits stays, and leases stay valid.
    pub fn close(&self) {
        let wakers = {
            let mut state = self.0.state.lock();
            state.is_closed = true;
            state.waiters.wake_all()
        };
        wakers.into_iter().for_each(std::task::Waker::wake);
    }

    /// Keys that are ready, or will be when their lease ends; delayed ones are not counted.
    pub fn len(&self) -> usize {
        self.0.state.lock().order.len()
    }

    /// Nothing is ready, nor will be when a lease ends.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wake-ups that wait for their time.
    pub fn n_delayed(&self) -> usize {
        self.0.state.lock().order.n_delayed()
    }

    /// In-flight slots held.
    pub fn in_flight(&self) -> usize {
        self.0.state.lock().order.n_in_flight()
    }
}

/// What the handles of one queue share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    metrics: QueueMetrics,
}

#[derive(Debug)]
struct State {
    order: Order,
    waiters: Waiters,
    is_closed: bool,
}

impl Shared {
    /// Does something to the order, then wakes a waiter if that is of use to one.
    fn change<T>(&self, change: impl FnOnce(&mut Order, std::time::Instant) -> T) -> T {
        let now = Instant::now().into_std();
        let mut state = self.state.lock();
        let outcome = change(&mut state.order, now);
        State::leave(state);
        outcome
    }
}

impl State {
    /// Ends a critical section. Every one that may have changed something ends like this, so that none leaves work
    /// behind that nobody is coming for.
    #[inline]
    fn leave(mut state: MutexGuard<'_, Self>) {
        let waker = state.waker_of_use();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Somebody to wake: there is something to pop, or an earlier end of a delay than anybody watches for.
    ///
    /// One waiter is woken at a time; it wakes the next if it leaves something behind.
    fn waker_of_use(&mut self) -> Option<std::task::Waker> {
        if self.is_closed {
            return None;
        }
        if self.order.can_pop() {
            return self.waiters.wake_for_work();
        }
        self.waiters.wake_for_timer(self.order.next_due()?)
    }
}

impl Standing for Shared {
    fn standing(&self) -> QueueStanding {
        let now = Instant::now().into_std();
        self.state.lock().order.standing(now)
    }
}
