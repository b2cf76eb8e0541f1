//! Who gets the next slot: the pure half of the fan-out's bounds.
//!
//! There is a number of slots in total and a cap on what one namespace may hold of them. When all are taken, the
//! next free one goes to the waiting namespace that holds the fewest; among equals to the one that has not been
//! served for longest. Within a namespace it is first come, first served. So a namespace with a thousand targets
//! cannot keep one with a single target waiting for more than one slot to fall free.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use hashbrown::HashMap;

/// The slots and everyone who holds or wants one. `W` is whatever wakes a waiter.
#[derive(Debug)]
pub(crate) struct Shares<W> {
    n_free: usize,
    cap: usize,
    /// Namespaces that hold or want a slot.
    namespaces: HashMap<Arc<str>, Namespace<W>>,
    /// Namespaces that want a slot and are below their cap; empty whenever a slot is free.
    eligible: BTreeSet<(Claim, Arc<str>)>,
    /// Counts grants, to tell who was served longest ago.
    n_grants: u64,
}

#[derive(Debug)]
struct Namespace<W> {
    n_held: usize,
    waiters: VecDeque<W>,
    /// The count of grants when this namespace last got a slot, or when it began to wait for its first.
    served: u64,
}

/// The smaller, the sooner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    n_held: usize,
    served: u64,
}

impl<W> Shares<W> {
    /// `total` free slots, of which one namespace may hold `cap`; both at least 1.
    pub(crate) fn new(total: usize, cap: usize) -> Self {
        Self {
            n_free: total.max(1),
            cap: cap.max(1),
            namespaces: HashMap::new(),
            eligible: BTreeSet::new(),
            n_grants: 0,
        }
    }

    /// Takes a slot if there is one for this namespace and nobody of it is waiting.
    pub(crate) fn take(&mut self, namespace: &Arc<str>) -> bool {
        if self.n_free == 0 {
            return false;
        }
        let entry = self.namespaces.entry(namespace.clone());
        let holder = entry.or_insert_with(Namespace::new);
        if holder.n_held >= self.cap || !holder.waiters.is_empty() {
            return false;
        }
        self.n_grants += 1;
        holder.n_held += 1;
        holder.served = self.n_grants;
        self.n_free -= 1;
        true
    }

    /// Puts a waiter in the queue of its namespace, after [`take`](Self::take) said no.
    pub(crate) fn wait(&mut self, namespace: &Arc<str>, waiter: W) {
        self.n_grants += 1;
        let entry = self.namespaces.entry(namespace.clone());
        let holder = entry.or_insert_with(Namespace::new);
        if holder.n_held == 0 && holder.waiters.is_empty() {
            holder.served = self.n_grants;
        }
        holder.waiters.push_back(waiter);
        if holder.waiters.len() == 1 && holder.n_held < self.cap {
            self.eligible.insert((holder.claim(), namespace.clone()));
        }
    }

    /// Gives a slot back; the waiter that now holds it, if any, must be woken.
    ///
    /// If that waiter is gone, give its slot back in turn, in the name of its namespace.
    pub(crate) fn give_back(&mut self, namespace: &Arc<str>) -> Option<(Arc<str>, W)> {
        self.n_free += 1;
        if let Some(holder) = self.namespaces.get_mut(namespace) {
            let is_wanting = !holder.waiters.is_empty();
            if is_wanting && holder.n_held < self.cap {
                self.eligible.remove(&(holder.claim(), namespace.clone()));
            }
            holder.n_held -= 1;
            if is_wanting {
                self.eligible.insert((holder.claim(), namespace.clone()));
            } else if holder.n_held == 0 {
                self.namespaces.remove(namespace);
            }
        }
        self.grant()
    }

    fn grant(&mut self) -> Option<(Arc<str>, W)> {
        let (_, namespace) = self.eligible.pop_first()?;
        let holder = self.namespaces.get_mut(&namespace)?;
        let waiter = holder.waiters.pop_front()?;
        self.n_grants += 1;
        holder.n_held += 1;
        holder.served = self.n_grants;
        self.n_free -= 1;
        if !holder.waiters.is_empty() && holder.n_held < self.cap {
            self.eligible.insert((holder.claim(), namespace.clone()));
        }
        Some((namespace, waiter))
    }

    /// Free slots.
    #[cfg(test)]
    pub(crate) fn n_free(&self) -> usize {
        self.n_free
    }

    /// Namespaces that hold or want a slot.
    #[cfg(test)]
    pub(crate) fn n_namespaces(&self) -> usize {
        self.namespaces.len()
    }
}

impl<W> Namespace<W> {
    fn new() -> Self {
        Self {
            n_held: 0,
            waiters: VecDeque::new(),
            served: 0,
        }
    }

    fn claim(&self) -> Claim {
        Claim {
            n_held: self.n_held,
            served: self.served,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn namespace(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    #[test]
    fn a_newcomer_is_served_before_the_hundredth_of_a_greedy_namespace() {
        let (greedy, modest) = (namespace("greedy"), namespace("modest"));
        let mut shares = Shares::new(4, 4);
        assert!((0..4).all(|_| shares.take(&greedy)));
        for waiter in 0..100 {
            shares.wait(&greedy, waiter);
        }
        shares.wait(&modest, 1_000);
        shares.wait(&modest, 1_001);
        let mut served = Vec::new();
        for _ in 0..4 {
            served.extend(shares.give_back(&greedy).map(|(_, waiter)| waiter));
        }
        assert_eq!(served, [1_000, 1_001, 0, 1]);
    }

    #[test]
    fn equals_take_turns() {
        let namespaces = ["a", "b", "c"].map(namespace);
        let mut shares = Shares::new(3, 1);
        assert!(namespaces.iter().all(|namespace| shares.take(namespace)));
        for waiter in 0..6 {
            shares.wait(&namespaces[waiter % 3], waiter);
        }
        let mut served = Vec::new();
        for round in 0..6 {
            let granted = shares.give_back(&namespaces[round % 3]);
            served.extend(granted.map(|(_, waiter)| waiter));
        }
        assert_eq!(served, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_namespace_at_its_cap_leaves_free_slots_to_others() {
        let (a, b) = (namespace("a"), namespace("b"));
        let mut shares = Shares::new(3, 2);
        assert!(shares.take(&a) && shares.take(&a) && !shares.take(&a));
        shares.wait(&a, 1);
        assert_eq!(shares.n_free(), 1);
        assert!(shares.take(&b));
        assert!(shares.give_back(&b).is_none(), "a is at its cap");
        assert_eq!(shares.give_back(&a), Some((a.clone(), 1)));
    }

    proptest! {
        /// Whatever is taken and given back: no bound is exceeded, no slot idles while somebody eligible waits, and
        /// in the end everything is free and nothing is remembered.
        #[test]
        fn bounds_hold_and_no_slot_is_lost(
            total in 1_usize..6,
            cap in 1_usize..4,
            steps in proptest::collection::vec((0_usize..4, any::<bool>()), 0..200),
        ) {
            let names: Vec<Arc<str>> = ["a", "b", "c", "d"].map(namespace).to_vec();
            let mut shares = Shares::new(total, cap);
            let mut held = [0_usize; 4];
            let mut waiting = [0_usize; 4];
            let index = |granted: &Arc<str>| names.iter().position(|name| name == granted).unwrap();
            let settle = |shares: &mut Shares<()>, who: usize, held: &mut [usize; 4], waiting: &mut [usize; 4]| {
                held[who] -= 1;
                if let Some((granted, ())) = shares.give_back(&names[who]) {
                    held[index(&granted)] += 1;
                    waiting[index(&granted)] -= 1;
                }
            };
            for (who, takes) in steps {
                if takes {
                    if shares.take(&names[who]) {
                        held[who] += 1;
                    } else {
                        shares.wait(&names[who], ());
                        waiting[who] += 1;
                    }
                } else if held[who] > 0 {
                    settle(&mut shares, who, &mut held, &mut waiting);
                }
                let n_held: usize = held.iter().sum();
                prop_assert!(n_held <= total);
                prop_assert!(held.iter().all(|n| *n <= cap));
                prop_assert_eq!(shares.n_free(), total - n_held);
                let someone_could = (0..4).any(|who| waiting[who] > 0 && held[who] < cap);
                prop_assert!(shares.n_free() == 0 || !someone_could);
            }
            while let Some(who) = (0..4).find(|who| held[*who] > 0) {
                settle(&mut shares, who, &mut held, &mut waiting);
            }
            prop_assert_eq!(waiting, [0; 4]);
            prop_assert_eq!(shares.n_free(), total);
            prop_assert_eq!(shares.n_namespaces(), 0);
        }
    }
}
