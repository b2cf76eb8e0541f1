//! The system under test: a Query goes in at the Kubernetes API, is queued, executed, and its result is written once.
//!
//! Read the modules in this order: `transition` decides, `queue` orders, `controller` does what they say; `execution`
//! asks the targets, each through the modules below it. Nothing here prints, reads arguments or knows how it is
//! measured.

pub mod key;

pub mod transition;

pub mod queue;

pub mod controller;

pub mod execution;

pub mod fan_out;

pub mod agent;

pub mod template;

pub mod llm;

pub mod tool;

pub mod transport;

pub mod resources;

pub mod metrics;

pub mod error;

mod panic;
