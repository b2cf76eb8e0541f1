//! Records, machines, baselines, statistics, comparison, verdicts and reports.
//!
//! Knows nothing about how a number was measured: it reads files that a run left behind, and writes files that the
//! next step reads. `stats`, `compare`, `verdict` and the judging half of `pairs` are pure: no clock, no file, no log.
//!
//! The way of the data: [`criterion`], [`iai`] and [`figures`] read a run; [`record`] keeps it; [`baseline`] makes
//! several runs into what later runs are held against; [`comparison`] reads both sides and lets [`compare`] judge;
//! [`report`] and [`closing`] say it. Beside it, [`pairs`] judges two programs that were measured in turns, without a
//! baseline, and [`profile`] finds what changed between two profiles of a case.

pub mod accept;
pub mod allocations;
pub mod baseline;
pub mod callgrind;
pub mod case_id;
pub mod changes;
pub mod closing;
pub mod compare;
pub mod comparison;
pub mod criterion;
pub mod culprits;
pub mod error;
pub mod figures;
pub mod functions;
pub mod history;
pub mod iai;
pub mod lint;
pub mod machine;
pub mod pairs;
pub mod profile;
pub mod record;
pub mod relevance;
pub mod report;
pub mod selfcheck;
pub mod stats;
pub mod tables;
pub mod verdict;

mod files;
mod round;
