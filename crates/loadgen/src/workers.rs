//! A load that one machine cannot make: several workers that each take their share of one schedule.
//!
//! ```text
//!   entries of the schedule   0  1  2  3  4  5  6  7  …     worker k of n takes every n-th entry from the k-th on,
//!   worker 0 of 3             0        3        6           under the number that it has in the whole schedule
//!   worker 1 of 3                1        4        7
//! ```
//!
//! The union of all workers is the run of a single one. They begin together at a [`Barrier`]; each hands over its
//! [`part`], the parts are [merged](merge) without loss, and a run that lacks a part is invalid.
//!
//! What the clocks of the machines differ by, the shares are shifted against each other. No latency is touched by it:
//! each worker counts by its own monotonic clock.

pub mod job;
pub mod lease;
pub mod merge;
pub mod part;
pub mod store;

use std::fmt;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::error::{DriverError, WorkersError};
use crate::scenario::{Plan, Scenario};
use crate::schedule::Schedule;

/// From the decision to begin to the first intended start: time to get all threads going.
pub(crate) const LEAD: Duration = Duration::from_millis(50);

/// Which of the workers of a run this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Worker {
    number: usize,
    of: usize,
}

/// Where the workers of a run wait for each other.
pub trait Barrier: fmt::Debug + Send + Sync {
    /// Says that all is prepared here; comes back a moment before the begin, and says when that is.
    ///
    /// # Errors
    /// If the others do not come, or no common begin can be agreed on.
    fn ready(&self) -> BoxFuture<'_, Result<Instant, DriverError>>;
}

/// No barrier: whoever is ready begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AtOnce;

impl Barrier for AtOnce {
    fn ready(&self) -> BoxFuture<'_, Result<Instant, DriverError>> {
        Box::pin(async { Ok(Instant::now() + LEAD) })
    }
}

impl Worker {
    /// The only one, who takes everything.
    pub const ALONE: Self = Self { number: 0, of: 1 };

    /// Worker `number`, from 0, of so many; unset if there is no such.
    pub const fn new(number: usize, of: usize) -> Option<Self> {
        if number < of {
            Some(Self { number, of })
        } else {
            None
        }
    }

    /// Its number, from 0.
    pub const fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> usize {
        self.of
    }

    /// It has no others beside it.
    pub const fn is_alone(self) -> bool {
        self.of == 1
    }

    /// The number in the whole run of what is at this place in the worker's share.
    pub const fn id(self, place: usize) -> u64 {
        (self.number + place * self.of) as u64
    }

    /// Its share of a sequence.
    pub fn share<I: IntoIterator>(self, all: I) -> impl Iterator<Item = I::Item> {
        all.into_iter().skip(self.number).step_by(self.of)
    }

    /// Its share of the plan of a whole run.
    #[must_use]
    pub fn plan(self, plan: Plan) -> Plan {
        let starts = self.share(0..plan.starts).count();
        let part = starts as f64 / plan.starts.max(1) as f64;
        Plan {
            starts,
            duration: plan.duration,
            expected_throughput: plan.expected_throughput * part,
            schedule: plan.schedule.map(|schedule| Schedule {
                entries: schedule.share(self.number, self.of).copied().collect(),
            }),
        }
    }

    /// Refuses a load that so many workers cannot share: without a user of its own, a worker would leave its part of
    /// the questions unasked.
    ///
    /// # Errors
    /// If the load is closed and has fewer users than there are workers.
    pub fn check(self, scenario: &Scenario) -> Result<(), WorkersError> {
        match &scenario.closed {
            Some(closed) if closed.users < self.of => Err(WorkersError::TooFewUsers {
                users: closed.users,
                workers: self.of,
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "worker {} of {}", self.number, self.of)
    }
}

/// A name for the run of a scenario that all its workers and the gatherer come to without being told.
pub fn run_name(scenario: &Scenario) -> String {
    format!("load-{:.8}", part::fingerprint(scenario))
}

/// Whether a name can be that of a run: part of the names of objects, and a label.
pub fn is_run_name(name: &str) -> bool {
    /// Names of pods and Queries add up to 20 characters, and 63 are allowed.
    const LONGEST: usize = 40;
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(is_inner)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests;
