//! Pair mode: the suites of two commits take turns on one core, so that a noisy machine disturbs both alike.
//!
//! Two halves that share a wire. [`turns`] is the bench side: a Criterion measurement that any suite can carry for the
//! price of Criterion alone. The feature `driver` adds the rest: from two commits to a file of paired samples.
//!
//! Left to others: judging what was measured (`results::pairs`), printing and exit codes (`plimsoll`).

pub mod turns;
pub mod wire;

#[cfg(target_os = "linux")]
mod usage;
