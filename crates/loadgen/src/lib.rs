//! Load for an agent control plane: what is offered, when, and what is asked of it.
//!
//! First stand the plans, made before a run and from a seed alone: a scenario is read, its arrivals are laid over
//! time, its schedule names every start. Then what follows them: drivers submit and watch, the recorder keeps what
//! became of it, the generator's health says whether that may be believed. Nothing here knows of baselines.

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

pub mod outcome;
pub mod sample;

pub mod recorder;

pub mod driver;

pub mod health;

pub mod usage;

pub mod run;

pub mod workers;

pub mod invariants;

pub mod judging;

pub mod report;
