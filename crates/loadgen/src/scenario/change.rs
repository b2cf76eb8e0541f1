//! A scenario with other numbers: shortened for a quick look, or as its user wants it.

use std::time::Duration;

use query_api::go_duration::GoDuration;

use crate::arrival::{Spacing, Stage};
use crate::scenario::{Open, Scenario};

impl Scenario {
    /// The same with every duration times `scale`, the promised ones too; rates and counts stay.
    ///
    /// What the control plane adds is not shortened with them: a scaled run is a quick look, and stricter. So a promise
    /// that it breaks and that the scenario at full length may keep is not called missed (`judging`).
    #[must_use]
    pub fn scaled(mut self, scale: f64) -> Self {
        self.time_scale *= scale;
        let shorten = |duration: &mut GoDuration| duration.0 = duration.0.mul_f64(scale);
        self.llm.latency.iter_mut().for_each(shorten);
        if let Some(open) = &mut self.open {
            let stages = open.stages.iter_mut();
            stages.for_each(|stage| shorten(&mut stage.duration));
        }
        if let Some(trace) = &mut self.trace {
            let starts = trace.starts.iter_mut();
            starts.for_each(|start| start.at = start.at.mul_f64(scale));
        }
        if let Some(think_time) = self
            .closed
            .as_mut()
            .and_then(|closed| closed.think_time.as_mut())
        {
            think_time.iter_mut().for_each(shorten);
        }
        if let Some(duration) = self
            .closed
            .as_mut()
            .and_then(|closed| closed.duration.as_mut())
        {
            shorten(duration);
        }
        if let Some(runs) = &mut self.runs {
            shorten(&mut runs.poll_interval);
            shorten(&mut runs.poll_timeout);
        }
        let latencies = self
            .operations
            .iter_mut()
            .filter_map(|operation| operation.latency.as_mut());
        latencies.flatten().for_each(shorten);
        let bounds = self.slos.iter_mut().filter_map(|slo| slo.at_most.as_mut());
        bounds.for_each(shorten);
        self
    }

    /// The same with a constant arrival rate per second, or for another time; unset keeps what the scenario says.
    ///
    /// Returns `None` if the scenario's load is not open: it has no rate to change.
    #[must_use]
    pub fn at_rate(mut self, rate: Option<f64>, duration: Option<Duration>) -> Option<Self> {
        let open = self.open.as_ref()?;
        let last = open.stages.last()?;
        let length = open.stages.iter().map(|stage| stage.duration.0).sum();
        let rate = rate.unwrap_or(last.rate);
        self.open = Some(Open {
            start: rate,
            stages: vec![Stage {
                duration: GoDuration(duration.unwrap_or(length)),
                rate,
            }],
            spacing: open.spacing,
        });
        Some(self)
    }

    /// A constant load for a measurement of the generator itself.
    #[must_use]
    pub fn constant(mut self, rate: f64, duration: Duration) -> Self {
        self.closed = None;
        self.burst = None;
        self.trace = None;
        self.open = Some(Open {
            start: rate,
            stages: vec![Stage {
                duration: GoDuration(duration),
                rate,
            }],
            spacing: Spacing::Even,
        });
        self
    }
}
