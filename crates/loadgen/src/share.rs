//! The share of a run that a process makes, and when it begins: all of it, and at once, unless several
//! [`workers`](crate::workers) share it.

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

#[cfg(test)]
mod tests;
