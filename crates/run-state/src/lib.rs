//! The state of an agent's run: what was said, called, planned and done, how it is written, where it
//! is kept.
//!
//! A run is an append-only log of numbered [events](event); its [state](run) is what the events add
//! up to, so that a snapshot never disagrees with its last event and a reader who has one needs only
//! the events since. The [head] is what an append must know of the state. The crate knows no
//! Kubernetes.

pub mod run;

pub mod message;

pub mod plan;

pub mod step;

pub mod child;

pub mod json;

mod time;

pub mod event;

pub mod head;

pub mod delta;

pub mod bounds;

pub mod codec;

pub mod foreign;

pub mod store;

pub mod archive;

pub mod response;

pub mod population;

#[cfg(any(test, feature = "decoders"))]
pub mod decoders;

pub mod error;

pub use error::{CodecError, Rejection, StoreError};
