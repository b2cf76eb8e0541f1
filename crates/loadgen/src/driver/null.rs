//! No system at all: every operation is acknowledged and done at once, or after a fixed time.
//!
//! It measures the generator itself: what a run against it cannot keep up with, no run can.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::driver::{Capabilities, Driver, End, Findings, Setting, Sightings, Start, What};
use crate::error::DriverError;
use crate::outcome::Outcome;

/// A system that takes a fixed time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Null {
    takes: Duration,
}

impl Null {
    /// One whose operations take so long, from being sent.
    pub fn taking(takes: Duration) -> Self {
        Self { takes }
    }
}

impl Driver for Null {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "null".to_owned(),
            terminal_rule: "at once, or after a fixed time".to_owned(),
            sees_running: true,
            sees_first_token: false,
            counts_executions: false,
            knows_answers: true,
            cancels: false,
        }
    }

    fn prepare<'a>(&'a self, _: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }

    fn observe(&self, _: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        Box::pin(async {
            sightings.tell(start.id, What::Acknowledged);
            sightings.tell(start.id, What::Running);
            if !self.takes.is_zero() {
                tokio::time::sleep(self.takes).await;
            }
            let answer = End::Answered(String::new());
            sightings.tell_end(start.id, answer);
        })
    }

    fn cancel<'a>(&'a self, _: &'a Start) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn classify(&self, _: &Start, end: &End) -> Outcome {
        end.outcome(str::is_empty)
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        Box::pin(async { Ok(Findings::default()) })
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        Box::pin(async { Ok(0) })
    }
}
