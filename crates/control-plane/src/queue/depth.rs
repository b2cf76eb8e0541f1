//! How long the queue is, by priority.

use super::entries::Ready;
use super::lane::Priority;

/// How many entries are ready or dirty, by priority.
#[derive(Debug)]
pub(super) struct Depth {
    n_by_priority: Box<[u32; 256]>,
    total: usize,
}

impl Default for Depth {
    fn default() -> Self {
        Self {
            n_by_priority: Box::new([0; 256]),
            total: 0,
        }
    }
}

impl Depth {
    pub(super) fn rise(&mut self, ready: Ready) {
        self.n_by_priority[Self::index(ready.priority)] += 1;
        self.total += 1;
    }

    pub(super) fn fall(&mut self, ready: Ready) {
        self.n_by_priority[Self::index(ready.priority)] -= 1;
        self.total -= 1;
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Highest priority first; the empty ones left out.
    pub(super) fn by_priority(&self) -> Vec<(i8, usize)> {
        (i8::MIN..=i8::MAX)
            .rev()
            .map(|priority| {
                (
                    priority,
                    self.n_by_priority[Self::index(Priority(priority))],
                )
            })
            .filter(|(_, n_entries)| *n_entries > 0)
            .map(|(priority, n_entries)| (priority, n_entries as usize))
            .collect()
    }

    fn index(priority: Priority) -> usize {
        (i16::from(priority.0) - i16::from(i8::MIN)) as usize
    }
}
