//! Tests from outside: the contract of stores, the golden files, the populations.

mod contract;
mod golden;
mod memory;
mod population;
