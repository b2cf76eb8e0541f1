//! The plan of each kind of load: how many starts, how long they take, and what pace they let expect.

use std::time::Duration;

use super::{Closed, Plan, Scenario, pace};
use crate::arrival::Profile;
use crate::schedule::{Matrix, Schedule};

impl Scenario {
    /// The plan: deterministic, from the seed alone.
    pub fn plan(&self) -> Plan {
        let mix = self.mix();
        let matrix = Matrix {
            tenants: self.tenants,
            agents: self.agents,
        };
        if let Some(open) = &self.open {
            let profile = Profile::new(open.start, open.stages.clone());
            let schedule = Schedule::open(&profile, open.spacing, &mix, matrix, self.seed);
            let schedule = self.of_wholes(schedule);
            return Plan {
                starts: schedule.entries.len(),
                duration: profile.duration(),
                expected_throughput: profile.expected() / profile.duration().as_secs_f64(),
                schedule: Some(schedule),
            };
        }
        if let Some(trace) = &self.trace {
            let schedule = self.of_wholes(Schedule::traced(&trace.starts, &mix, matrix, self.seed));
            let starts = schedule.entries.len();
            let duration = trace.duration();
            // Starts that all have one instant are a burst.
            let over = if duration.is_zero() {
                self.mean_latency()
            } else {
                duration
            };
            return Plan {
                starts,
                duration,
                expected_throughput: starts as f64 / over.as_secs_f64(),
                schedule: Some(schedule),
            };
        }
        if let Some(burst) = &self.burst {
            let schedule = Schedule::burst(burst.count, &mix, matrix, self.seed);
            let schedule = self.of_wholes(schedule);
            return Plan {
                starts: burst.count,
                duration: Duration::ZERO,
                expected_throughput: burst.count as f64 / self.mean_latency().as_secs_f64(),
                schedule: Some(schedule),
            };
        }
        if !self.ladders.is_empty() {
            let sizes = self.ladders.iter().flat_map(|ladder| &ladder.sizes);
            let starts = sizes.sum();
            return Plan {
                starts,
                duration: Duration::ZERO,
                expected_throughput: starts as f64 / self.mean_latency().as_secs_f64(),
                schedule: None,
            };
        }
        let (pace, starts) = self.closed.as_ref().map_or((0.0, 0), |closed| {
            let steady =
                closed.users as f64 / (self.mean_latency() + self.mean_think_time()).as_secs_f64();
            match closed.duration {
                Some(_) => (steady, closed.starts(steady)),
                None => (pace::of_questions(self, closed), closed.queries),
            }
        });
        Plan {
            starts,
            duration: Duration::from_secs_f64(starts as f64 / pace),
            expected_throughput: pace,
            schedule: None,
        }
    }
}

impl Closed {
    /// Starts at a pace of so many per second, once all users are there.
    ///
    /// While users still join, the pace grows in a straight line: half of it is lost on the way.
    fn starts(&self, pace: f64) -> usize {
        let Some(duration) = self.duration else {
            return self.queries;
        };
        let joining = self.spawn_rate.map_or(0.0, |rate| self.users as f64 / rate);
        let length = duration.0.as_secs_f64();
        let lost = joining.min(length) / 2.0;
        (pace * (length - lost)) as usize
    }
}
