//! Load for an agent control plane: what is offered, when, and what is asked of it.
//!
//! Here stand the plans, made before a run and from a seed alone: a scenario is read, its arrivals are laid over
//! time, its schedule names every start. Nothing here sends anything, and nothing here knows of baselines.

pub mod error;
pub mod scenario;

pub mod arrival;
pub mod mix;
pub mod schedule;
pub mod slo;

pub mod usl;

pub mod capacity;

pub mod drift;

pub mod quotas;

pub mod advice;

pub mod explain;
