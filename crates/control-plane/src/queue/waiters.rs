//! Who waits for the next key, and who of them watches the clock for all.
//!
//! One waiter, the watch, sleeps until the earliest delay ends; the others sleep until they are woken.
//! For work the others are woken first, so that the watch is seldom handed on.

use std::task::Waker;
use std::time::Instant;

use super::chain::{Chain, Link, Links};
use super::slab::Slab;

/// The waiters of one queue.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiters: Slab<Waiter>,
    /// Waiters that look only when woken, in the order in which they fell asleep.
    sleeping: Chain,
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    state: WaiterState,
    link: Link,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaiterState {
    /// About to look, or looking.
    Awake,
    /// In the chain.
    Sleeping,
    /// Not in the chain; its timer or a change wakes it.
    Watching,
}

#[derive(Debug, Clone, Copy)]
struct Watch {
    waiter: u32,
    until: Instant,
}

impl Waiters {
    /// Puts a waiter that found nothing to sleep, and tells until when if it is the watch now.
    ///
    /// `id` is unset on the first call for a waiter; `next_due` is when the earliest delay ends.
    pub(super) fn sleep(
        &mut self,
        id: &mut Option<u32>,
        waker: &Waker,
        next_due: Option<Instant>,
    ) -> Option<Instant> {
        let id = *id.get_or_insert_with(|| {
            self.waiters.insert(Waiter {
                waker: waker.clone(),
                state: WaiterState::Awake,
                link: Link::default(),
            })
        });
        self.waiters[id].waker.clone_from(waker);
        let relieved = self
            .watch
            .take_if(|watch| watch.waiter == id || next_due.is_some_and(|due| due < watch.until));
        if let Some(relieved) = relieved
            && relieved.waiter != id
            && self.waiters[relieved.waiter].state == WaiterState::Watching
        {
            self.set_state(relieved.waiter, WaiterState::Sleeping);
        }
        match next_due {
            Some(until) if self.watch.is_none() => {
                self.set_state(id, WaiterState::Watching);
                self.watch = Some(Watch { waiter: id, until });
                Some(until)
            }
            _ => {
                self.set_state(id, WaiterState::Sleeping);
                None
            }
        }
    }

    /// Removes a waiter that got what it waited for, or gave up.
    pub(super) fn leave(&mut self, id: u32) {
        self.set_state(id, WaiterState::Awake);
        self.watch.take_if(|watch| watch.waiter == id);
        self.waiters.remove(id);
    }

    /// Somebody to wake as there is something to pop.
    pub(super) fn wake_for_work(&mut self) -> Option<Waker> {
        let watch = self.watch.map(|watch| watch.waiter);
        self.sleeping.first().or(watch).and_then(|id| self.wake(id))
    }

    /// Somebody to wake as a delay ends at `due`, earlier than anybody watches for.
    pub(super) fn wake_for_timer(&mut self, due: Instant) -> Option<Waker> {
        match self.watch {
            Some(watch) if watch.until <= due => None,
            Some(watch) => self.wake(watch.waiter),
            None => self.sleeping.first().and_then(|id| self.wake(id)),
        }
    }

    /// Everybody.
    pub(super) fn wake_all(&mut self) -> Vec<Waker> {
        std::iter::from_fn(|| self.wake_for_work()).collect()
    }

    /// `None` if it is awake already.
    fn wake(&mut self, id: u32) -> Option<Waker> {
        if self.waiters[id].state == WaiterState::Awake {
            return None;
        }
        self.set_state(id, WaiterState::Awake);
        Some(self.waiters[id].waker.clone())
    }

    fn set_state(&mut self, id: u32, state: WaiterState) {
        let before = std::mem::replace(&mut self.waiters[id].state, state);
        match (
            before == WaiterState::Sleeping,
            state == WaiterState::Sleeping,
        ) {
            (true, false) => self.sleeping.remove(&mut self.waiters, id),
            (false, true) => self.sleeping.push_back(&mut self.waiters, id),
            (true, true) | (false, false) => {}
        }
    }
}

impl Links for Slab<Waiter> {
    fn link(&mut self, id: u32) -> &mut Link {
        &mut self[id].link
    }
}
