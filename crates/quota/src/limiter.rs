//! Rates kept in memory, by workspace and limit.
//!
//! Two ways to ask: by name ([`RateLimiter::check`]: one hash, one cache line), or through a
//! prepared [`Handle`] (no look-up at all) for a workspace that asks often.
//! Neither takes a lock on a key that is known.

use std::sync::Arc;

use crate::clock::{Clock, FastClock, ManualClock};
use crate::decision::Decision;
use crate::gcra::{Gcra, Outcome};
use crate::rate::{Burst, Rate};
use crate::table::{Pinned, Table};

/// Several named rates, each with one state per workspace.
///
/// Names of workspaces are not kept, but 64 bits of a keyed hash of them: of 100,000 workspaces
/// two share a state with a probability of 3 in 10 billion, and nobody outside can choose names that do.
#[derive(Debug)]
pub struct RateLimiter<C = FastClock> {
    clock: C,
    limits: Box<[Arc<Limit>]>,
}

/// Which of a limiter's rates: found once by name, then used for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LimitId(usize);

#[cfg(feature = "redis")]
impl LimitId {
    /// The one at this position of a backend outside of this process.
    pub(crate) fn at(position: usize) -> Self {
        Self(position)
    }

    pub(crate) fn position(self) -> usize {
        self.0
    }
}

#[derive(Debug)]
struct Limit {
    name: Arc<str>,
    gcra: Gcra,
    table: Table,
}

impl RateLimiter {
    /// A limiter with the given rates, on the process's fast clock.
    pub fn new<N: Into<Arc<str>>>(rates: impl IntoIterator<Item = (N, Rate, Burst)>) -> Self {
        Self::with_clock(rates, FastClock)
    }
}

impl RateLimiter<ManualClock> {
    /// A limiter that does exactly the same work in every process, on a clock that stands: for counting instructions.
    ///
    /// Whoever knows it can choose workspaces that share a state; do not use it for requests.
    pub fn reproducible<N: Into<Arc<str>>>(
        rates: impl IntoIterator<Item = (N, Rate, Burst)>,
    ) -> Self {
        Self::with_tables(rates, ManualClock::default(), Table::reproducible)
    }
}

impl<C: Clock> RateLimiter<C> {
    /// A limiter with the given rates, on a clock of the caller's.
    pub fn with_clock<N: Into<Arc<str>>>(
        rates: impl IntoIterator<Item = (N, Rate, Burst)>,
        clock: C,
    ) -> Self {
        Self::with_tables(rates, clock, Table::new)
    }

    fn with_tables<N: Into<Arc<str>>>(
        rates: impl IntoIterator<Item = (N, Rate, Burst)>,
        clock: C,
        new_table: impl Fn() -> Table,
    ) -> Self {
        let limit = |(name, rate, burst): (N, Rate, Burst)| {
            Arc::new(Limit {
                name: name.into(),
                gcra: Gcra::new(rate, burst),
                table: new_table(),
            })
        };
        Self {
            clock,
            limits: rates.into_iter().map(limit).collect(),
        }
    }

    /// The rate of this name; `None` if the limiter was made without it.
    pub fn limit(&self, name: &str) -> Option<LimitId> {
        let position = self.limits.iter().position(|limit| &*limit.name == name);
        position.map(LimitId)
    }

    /// Whether the workspace may go on now; spends a permit if so.
    ///
    /// An unknown workspace is as fresh as a rested one.
    ///
    /// # Panics
    ///
    /// If `limit` was found in a limiter with more rates than this one.
    #[inline]
    pub fn check(&self, workspace: &str, limit: LimitId) -> Outcome {
        let limit = &self.limits[limit.0];
        limit.table.decide(workspace, &limit.gcra, self.clock.now())
    }

    /// As [`check`](Self::check), with the limit's name in the answer.
    pub fn decide(&self, workspace: &str, limit: LimitId) -> Decision {
        match self.check(workspace, limit) {
            Outcome::Allow => Decision::Allowed,
            Outcome::Deny { retry_after } => Decision::DeniedByRate {
                limit: Arc::clone(&self.limits[limit.0].name),
                retry_after,
            },
        }
    }

    /// A prepared check for one workspace and rate.
    ///
    /// It shares its state with [`check`](Self::check), and keeps that state from eviction.
    pub fn handle(&self, workspace: &str, limit: LimitId) -> Handle<C> {
        let limit = &self.limits[limit.0];
        Handle {
            pinned: limit.table.pin(workspace, self.clock.now()),
            limit: Arc::clone(limit),
            clock: self.clock.clone(),
        }
    }

    /// Forgets every workspace whose state no longer matters; returns how many states went.
    ///
    /// A workspace that is rested or was never seen get the same answers, so this changes no
    /// decision. It visits every state: call it now and then, not per request.
    pub fn evict_idle(&self) -> usize {
        let now = self.clock.now();
        self.limits
            .iter()
            .map(|limit| limit.table.evict_idle(now))
            .sum()
    }

    /// How many states are kept: one per rate and workspace that asked since it last rested.
    pub fn n_states(&self) -> usize {
        self.limits.iter().map(|limit| limit.table.n_keys()).sum()
    }
}

/// A prepared check: one clock reading and one compare-and-swap.
#[derive(Debug)]
pub struct Handle<C = FastClock> {
    limit: Arc<Limit>,
    pinned: Pinned,
    clock: C,
}

impl<C: Clock> Handle<C> {
    /// Whether the handle's workspace may go on now; spends a permit if so.
    #[inline]
    pub fn check(&self) -> Outcome {
        let limit = &*self.limit;
        limit
            .table
            .decide_pinned(&self.pinned, &limit.gcra, self.clock.now())
    }
}

impl<C> Drop for Handle<C> {
    fn drop(&mut self) {
        self.limit.table.unpin(&self.pinned);
    }
}

#[cfg(test)]
mod tests;
