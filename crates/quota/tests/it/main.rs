//! What every backend promises, and what only the one in Redis does.

mod contract;
mod memory;

#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod server;
