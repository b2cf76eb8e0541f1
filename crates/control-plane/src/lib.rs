//! The system under test: a Query goes in at the Kubernetes API, is queued, executed, and its result is written once.
//!
//! Read the modules in this order: `transition` decides, `queue` orders, `execution` asks the targets, `controller`
//! does what they say. Nothing here prints, reads arguments or knows how it is measured.

pub mod key;

pub mod transition;

pub mod execution;

pub mod controller;

pub mod error;

pub mod metrics;

pub mod queue;
