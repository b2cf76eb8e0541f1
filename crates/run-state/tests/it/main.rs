//! Tests from outside: the contract of stores, the golden files, the populations.

mod archive;
mod cached;
mod contract;
mod damage;
mod files;
mod golden;
mod kill;
mod memory;
mod places;
mod population;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
