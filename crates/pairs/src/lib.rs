//! Pair mode: the suites of two commits take turns on one core, so that a noisy machine disturbs both alike.
//!
//! Two halves that share a wire. The feature `bench`, the default, is `turns`: a Criterion measurement that any suite can
//! carry for the price of Criterion alone. The feature `driver` is the rest: from two commits to a file of paired samples.
//!
//! Left to others: judging what was measured (`results::pairs`), printing and exit codes (`plimsoll`).

#[cfg(feature = "bench")]
pub mod turns;
pub mod wire;

#[cfg(all(feature = "bench", target_os = "linux"))]
mod usage;

#[cfg(feature = "driver")]
pub mod error;

#[cfg(feature = "driver")]
pub mod watch;

#[cfg(feature = "driver")]
pub mod interrupt;

#[cfg(feature = "driver")]
pub mod tree;

#[cfg(feature = "driver")]
pub mod build;

#[cfg(feature = "driver")]
pub mod counts;

#[cfg(feature = "driver")]
pub mod course;

#[cfg(feature = "driver")]
pub mod bisect;

#[cfg(feature = "driver")]
pub mod session;

#[cfg(feature = "driver")]
pub mod past;

#[cfg(feature = "driver")]
pub mod selfcheck;

#[cfg(feature = "driver")]
pub mod schedule;

#[cfg(feature = "driver")]
mod likeness;

#[cfg(feature = "driver")]
mod listing;

#[cfg(feature = "driver")]
mod round;

#[cfg(feature = "driver")]
mod samples;

#[cfg(feature = "driver")]
pub mod referee;

#[cfg(feature = "driver")]
mod peer;

#[cfg(feature = "driver")]
mod process;

#[cfg(feature = "driver")]
mod cores;
