//! A load that one machine cannot make: several workers that each take their share of one schedule.
//!
//! ```text
//!   entries of the schedule   0  1  2  3  4  5  6  7  …     worker k of n takes every n-th entry from the k-th on,
//!   worker 0 of 3             0        3        6           under the number that it has in the whole schedule
//!   worker 1 of 3                1        4        7
//! ```
//!
//! The union of all [shares](crate::share) is the run of a single worker. The workers begin together at a
//! [`Barrier`](crate::share::Barrier); each hands over its [`part`], the parts are [merged](merge) without loss, and a run
//! that lacks a part is invalid.
//!
//! What the clocks of the machines differ by, the shares are shifted against each other. No latency is touched by it:
//! each worker counts by its own monotonic clock.

pub mod job;
pub mod lease;
pub mod merge;
pub mod part;
pub mod store;

use crate::scenario::Scenario;

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
