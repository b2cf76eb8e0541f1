//! What makes the starts of a run: a schedule that the pacer follows, users, or ladders.

use tokio_util::sync::CancellationToken;

use super::flights::Launcher;
use super::gathering::Over;
use super::{ladders, pacer, users};
use crate::error::DriverError;
use crate::scenario::{Plan, Scenario};
use crate::schedule::Schedule;
use crate::share::Worker;

/// All that is needed to make a worker's starts.
pub(super) struct Feed {
    pub(super) launcher: Launcher,
    pub(super) worker: Worker,
    /// No start is made after it.
    pub(super) stop: CancellationToken,
    /// Held until the last start was made.
    pub(super) _over: Over,
}

impl Feed {
    /// Begins to make starts, and does not wait for them.
    pub(super) fn begin(self, scenario: &Scenario, plan: &Plan) -> Result<(), DriverError> {
        match &plan.schedule {
            Some(schedule) => return self.follow(schedule),
            None if scenario.ladders.is_empty() => users::begin(scenario, self),
            None => ladders::begin(scenario, self),
        }
        Ok(())
    }

    fn follow(self, schedule: &Schedule) -> Result<(), DriverError> {
        let entries = schedule.entries.clone();
        let deadlines = entries.iter().map(|entry| entry.intended).collect();
        let (begin, stop) = (self.launcher.begin(), self.stop.clone());
        let launch = move |number: usize| {
            // The whole, for it holds that starts are still made.
            let feed = &self;
            if let Some(entry) = entries.get(number) {
                let id = feed.worker.id(number);
                feed.launcher.launch(id, entry, entry.intended);
            }
        };
        let failed = |error: std::io::Error| DriverError::Unreachable {
            system: "the generator's own pacer".to_owned(),
            reason: error.to_string(),
        };
        pacer::follow(begin, deadlines, stop, launch).map_err(failed)?;
        Ok(())
    }
}
