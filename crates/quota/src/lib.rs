//! Rates and concurrency caps per workspace: what a service may start now, and when to ask again.
//!
//! A *rate* is how many per time (GCRA, [`RateLimiter`]), a *cap* how many at once ([`CapSet`]).
//! The crate knows neither Kubernetes nor queries: a workspace is a string.
//!
//! Suggested reading order is the order of the modules below: the pure decision first, then where
//! its state is kept, then the caps, then the limits that a service loads and enforces, and last the
//! seam behind which they may be kept outside of the process.

pub mod rate;

pub mod gcra;

pub mod algorithm;

pub mod clock;

mod sync;

mod cell;
mod shard;
mod table;

pub mod limiter;

pub mod caps;

pub mod decision;

pub mod limits;

pub mod quotas;

pub mod backend;

#[cfg(feature = "redis")]
pub mod redis;

pub mod error;

pub use backend::{Backend, Places};
pub use caps::{CapSet, Permit};
pub use decision::Decision;
pub use error::Error;
pub use limiter::{Handle, RateLimiter};
pub use limits::Limits;
pub use quotas::Quotas;
pub use rate::{Burst, Rate};
