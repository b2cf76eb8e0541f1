//! A heap of due times from which any element can be removed, in logarithmic time.
//!
//! A heap with lazy removal would keep the wake-up of a TTL for its whole 720 hours each time it is re-armed.

use std::time::Instant;

/// The position of an id that is not in the heap.
const ABSENT: u32 = u32::MAX;

/// Due times by id, the earliest at the top; equal times in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Delays {
    heap: Vec<Delay>,
    /// Where each id is in the heap: 4 bytes for every id ever seen, since filling it anew would cost more.
    positions: Vec<u32>,
    n_set: u64,
}

#[derive(Debug, Clone, Copy)]
struct Delay {
    due: Instant,
    /// Tells equal due times apart.
    turn: u64,
    id: u32,
}

impl Delay {
    fn is_before(&self, other: &Self) -> bool {
        (self.due, self.turn) < (other.due, other.turn)
    }
}

impl Delays {
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// The earliest due time.
    pub(super) fn first(&self) -> Option<Instant> {
        self.heap.first().map(|delay| delay.due)
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.position(id).is_some()
    }

    /// Sets `id` due at `due` unless it is due earlier already.
    pub(super) fn set(&mut self, id: u32, due: Instant) {
        match self.position(id) {
            Some(at) if self.heap[at].due <= due => return,
            Some(_) => self.remove(id),
            None => {}
        }
        if self.positions.len() <= id as usize {
            self.positions.resize(id as usize + 1, ABSENT);
        }
        let turn = self.n_set;
        self.n_set += 1;
        self.heap.push(Delay { due, turn, id });
        self.rise(self.heap.len() - 1);
    }

    pub(super) fn remove(&mut self, id: u32) {
        let Some(at) = self.position(id) else {
            return;
        };
        self.positions[id as usize] = ABSENT;
        self.heap.swap_remove(at);
        if at < self.heap.len() {
            self.rise(at);
            self.sink(at);
        }
    }

    /// Takes the earliest id if it is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(u32, Instant)> {
        let Delay { due, id, .. } = *self.heap.first()?;
        if due > now {
            return None;
        }
        self.remove(id);
        Some((id, due))
    }

    fn position(&self, id: u32) -> Option<usize> {
        let at = *self.positions.get(id as usize)?;
        (at != ABSENT).then_some(at as usize)
    }

    fn rise(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.heap[at].is_before(&self.heap[parent]) {
                break;
            }
            self.swap(at, parent);
            at = parent;
        }
        self.note(at);
    }

    fn sink(&mut self, mut at: usize) {
        loop {
            let children = 2 * at + 1..(2 * at + 3).min(self.heap.len());
            let Some(child) = children.reduce(|left, right| {
                if self.heap[right].is_before(&self.heap[left]) {
                    right
                } else {
                    left
                }
            }) else {
                break;
            };
            if !self.heap[child].is_before(&self.heap[at]) {
                break;
            }
            self.swap(at, child);
            at = child;
        }
        self.note(at);
    }

    fn swap(&mut self, left: usize, right: usize) {
        self.heap.swap(left, right);
        self.note(left);
        self.note(right);
    }

    fn note(&mut self, at: usize) {
        let id = self.heap[at].id;
        self.positions[id as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Op {
        Set(u32, u64),
        Remove(u32),
        PopDue(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (0u32..16, 0u64..50).prop_map(|(id, due)| Op::Set(id, due)),
            1 => (0u32..16).prop_map(Op::Remove),
            2 => (0u64..50).prop_map(Op::PopDue),
        ]
    }

    proptest! {
        #[test]
        fn delays_are_popped_in_the_order_of_a_sorted_map(ops in prop::collection::vec(op(), 0..200)) {
            let start = Instant::now();
            let at = |seconds| start + Duration::from_secs(seconds);
            let mut delays = Delays::default();
            let mut due_by_id = BTreeMap::new();
            for (turn, op) in ops.into_iter().enumerate() {
                match op {
                    Op::Set(id, due) => {
                        delays.set(id, at(due));
                        if due_by_id.get(&id).is_none_or(|(earlier, _)| due < *earlier) {
                            due_by_id.insert(id, (due, turn));
                        }
                    }
                    Op::Remove(id) => {
                        delays.remove(id);
                        due_by_id.remove(&id);
                    }
                    Op::PopDue(now) => {
                        let first = due_by_id
                            .iter()
                            .filter(|(_, (due, _))| *due <= now)
                            .min_by_key(|(_, due_and_turn)| **due_and_turn)
                            .map(|(id, (due, _))| (*id, at(*due)));
                        prop_assert_eq!(delays.pop_due(at(now)), first);
                        if let Some((id, _)) = first {
                            due_by_id.remove(&id);
                        }
                    }
                }
                prop_assert_eq!(delays.len(), due_by_id.len());
                let earliest = due_by_id.values().map(|(due, _)| at(*due)).min();
                prop_assert_eq!(delays.first(), earliest);
            }
        }
    }
}
