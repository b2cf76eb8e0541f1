//! A vector whose slots are reused, so that lists, heaps and leases can name their elements by a small number.

use std::ops::{Index, IndexMut};

/// Slots kept when the last element goes; more than that goes back to the allocator.
pub(super) const KEPT_SLOTS: usize = 1_024;

/// Elements named by the number that [`insert`](Self::insert) gave them.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    vacant: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            vacant: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, element: T) -> u32 {
        if let Some(id) = self.vacant.pop() {
            self.slots[id as usize] = Some(element);
            return id;
        }
        let id = u32::try_from(self.slots.len()).expect("4 billion Queries do not fit in memory");
        self.slots.push(Some(element));
        id
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<T> {
        let element = self.slots[id as usize].take()?;
        self.vacant.push(id);
        if self.is_empty() && self.slots.len() > KEPT_SLOTS {
            *self = Self::default();
        }
        Some(element)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, id: u32) -> &T {
        self.slots[id as usize]
            .as_ref()
            .expect("an id is dropped before its slot is vacated")
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        self.slots[id as usize]
            .as_mut()
            .expect("an id is dropped before its slot is vacated")
    }
}
