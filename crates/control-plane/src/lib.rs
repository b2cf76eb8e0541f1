//! The system under test: what happens to a Query from the front door to its result.

pub mod key;

pub mod execution;

pub mod metrics;

pub mod queue;
