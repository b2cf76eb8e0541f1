//! Looks at the machine while a run goes on. They read dozens of files, so nobody who saw something may wait for them.

use std::time::Duration;

use super::flights::Course;
use crate::health::system::Counters;
use crate::usage::{Subject, Usage};

/// What a look saw.
pub(super) struct Look {
    /// From the begin of the run.
    pub(super) at: Duration,
    /// Of the generator.
    pub(super) counters: Counters,
    /// Of the system under test.
    pub(super) usage: Usage,
}

impl Look {
    /// Looks at both.
    pub(super) fn now(course: &Course, subject: &Subject) -> Self {
        let usage = used(course, subject);
        Self {
            at: course.begin.elapsed(),
            counters: Counters::read(),
            usage,
        }
    }
}

/// Looks at the system under test alone.
pub(super) fn used(course: &Course, subject: &Subject) -> Usage {
    let in_flight = course.flights().len() as u64;
    let at = course.begin.elapsed();
    Usage::now(subject, at, in_flight, course.driver.inside())
}
