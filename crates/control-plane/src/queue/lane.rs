//! What an entry is queued for, and how urgent it is.

/// What the holder of a key wants to do with it.
///
/// Ordered by strength: of two adds for one key the stronger lane wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// To execute: popped only when an in-flight slot is free, which the lease then holds to its end.
    Start,
    /// To look after: cancel, delete, TTL, bookkeeping. Never held back by the bound on Queries in flight.
    Control,
}

impl Lane {
    pub(super) const ALL: [Self; 2] = [Self::Start, Self::Control];
}

/// Urgency within a namespace; higher goes first.
///
/// It never weighs one namespace against another: no tenant can push in front of the others by its priorities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(pub i8);

impl Priority {
    /// For objects of the initial list and of a resync, as controller-runtime has it: behind everything fresh.
    pub const INITIAL: Self = Self(-100);
    /// For everything else, also what comes back after a delay.
    pub const NORMAL: Self = Self(0);
}
