//! Load for an agent control plane: what is offered, when, and what is asked of it.
//!
//! First stand the plans, made before a run and from a seed alone: a scenario is read, its arrivals are laid over
//! time, its schedule names every start. Then what follows them: drivers submit and watch, the recorder keeps what
//! became of it, the generator's health says whether that may be believed. Nothing here knows of baselines.

pub mod advice;
pub mod arrival;
pub mod capacity;
pub mod ceiling;
pub mod drift;
pub mod driver;
pub mod error;
pub mod explain;
pub mod health;
pub mod invariants;
pub mod judging;
pub mod mix;
pub mod outcome;
pub mod quotas;
pub mod recorder;
pub mod report;
pub mod run;
pub mod runtime;
pub mod sample;
pub mod scenario;
pub mod schedule;
pub mod scrape;
pub mod share;
pub mod slo;
#[cfg(feature = "otlp")]
pub mod traces;
pub mod usage;
pub mod usl;
pub mod workers;
