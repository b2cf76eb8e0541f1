//! Runs with a known truth: a program against its own copy, alike or with one path made slower.
//!
//! They go the way of every run, through `session` and `course`; nothing here knows what a verdict should be
//! (`results::selfcheck` does). Two programs that were given as such are always measured, equal or not: whoever skips
//! the measuring of equal programs does so before.

use std::time::{Duration, Instant};

use results::case_id::CaseId;
use results::pairs::comparison::PairComparison;
use results::pairs::sample::PairRun;
use results::selfcheck::repetition::Neighbour;

use crate::build::{Built, Workshop};
use crate::course::{self, Plan};
use crate::error::Error;
use crate::session::{Session, Settings};
use crate::watch::Watch;

mod neighbour;

use neighbour::Busy;

/// A run that came to its end.
#[derive(Debug)]
pub struct Measured {
    /// All samples.
    pub run: PairRun,
    /// What was said of them.
    pub comparison: PairComparison,
    /// How long measuring took.
    pub took: Duration,
}

/// Measures and judges two programs once, as `course` does it, with some of the cases alone.
pub fn measure(
    workshop: &Workshop,
    sides: [Built; 2],
    settings: &Settings,
    plan: &Plan,
    surroundings: (Neighbour, &dyn Watch),
    is_wanted: impl Fn(&CaseId) -> bool,
) -> Result<Measured, Error> {
    let (neighbour, watch) = surroundings;
    let mut session = Session::open_only(workshop, sides, settings, watch, is_wanted)?;
    let _busy = match neighbour {
        Neighbour::None => None,
        Neighbour::Busy => Some(Busy::beside_this_thread()?),
    };
    let began = Instant::now();
    let comparison = course::follow(&mut session, plan)?;
    Ok(Measured {
        run: session.run().clone(),
        comparison,
        took: began.elapsed(),
    })
}
