//! The state of an agent's run: what was said, called, and planned, how it is written, where it
//! is kept.
//!
//! A session is an append-only log of numbered [events](event); its [state](session) is what the
//! events add up to, so that a snapshot never disagrees with its last event and a reader who has
//! one needs only the events since. The crate knows no Kubernetes.

pub mod session;

pub mod event;

pub mod delta;

pub mod bounds;

pub mod codec;

pub mod store;

pub mod population;

pub mod error;

pub use error::{CodecError, Rejection, StoreError};
