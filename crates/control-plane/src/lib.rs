//! The system under test: what happens to a Query from the front door to its result.

pub mod key;

pub mod execution;

pub mod agent;

pub mod fan_out;

pub mod llm;

pub mod resources;

pub mod template;

pub mod tool;

pub mod transport;

pub mod metrics;

pub mod queue;
