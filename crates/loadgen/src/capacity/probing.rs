//! From a probe to a scenario, and from what its runs found to what the search wants to know.

use query_api::go_duration::GoDuration;
use std::time::Duration;

use crate::arrival::{Spacing, Stage};
use crate::capacity::search::LEVEL;
use crate::capacity::{Load, Observation, Probe};
use crate::health::Verdict;
use crate::judging::{completions_per_second, judgements_at};
use crate::outcome::Outcome;
use crate::run::Ran;
use crate::scenario::{Burst, Closed, Open, Scenario};
use crate::slo::Metric;

/// An open trial lasts at least this long, or its begin and its end are most of it.
const SHORTEST_OPEN: Duration = Duration::from_secs(5);

/// Bursts of a trial at most, however small they are.
const MOST_BURSTS: u64 = 20;

impl Probe {
    /// The scenario with the probe's load instead of its own, and without promises that no search can decide: a share of
    /// the pace is one of closed loops.
    pub fn scenario(&self, scenario: &Scenario) -> Scenario {
        let mut scenario = scenario.clone();
        scenario.slos.retain(|slo| slo.metric != Metric::Throughput);
        // Each trial has arrivals of its own; a repeat that saw the same ones would confirm nothing.
        scenario.seed = scenario.seed.wrapping_add(self.index as u64);
        (scenario.open, scenario.burst, scenario.closed) = (None, None, None);
        scenario.trace = None;
        match self.load {
            Load::Open { rate } => scenario.open = Some(self.open(rate)),
            Load::Burst { size } => {
                scenario.burst = Some(Burst {
                    count: size as usize,
                });
            }
            Load::Closed { users } => {
                scenario.closed = Some(Closed {
                    users: users as usize,
                    queries: self.starts.max(users) as usize,
                    duration: None,
                    spawn_rate: None,
                    think_time: None,
                });
            }
        }
        scenario
    }

    /// How many runs make the trial: a burst is one of several.
    pub fn runs(&self) -> u64 {
        match self.load {
            Load::Burst { size } => self.starts.div_ceil(size.max(1)).clamp(1, MOST_BURSTS),
            Load::Open { .. } | Load::Closed { .. } => 1,
        }
    }

    fn open(&self, rate: f64) -> Open {
        let duration = Duration::from_secs_f64(self.starts as f64 / rate).max(SHORTEST_OPEN);
        Open {
            start: rate,
            stages: vec![Stage {
                duration: GoDuration(duration),
                rate,
            }],
            spacing: Spacing::Poisson,
        }
    }
}

impl Observation {
    /// What a trial found, its runs [`joined`], all of the probe's scenario.
    pub fn of(probe: &Probe, scenario: &Scenario, ran: &Ran) -> Self {
        let all = ran.recorder.of_starts();
        let done = all.outcomes.get(Outcome::Done);
        let throughput = completions_per_second(ran);
        let seconds = |nanoseconds: f64| nanoseconds / 1e9;
        Self {
            judgements: judgements_at(scenario, ran, LEVEL),
            throughput,
            throughput_error: throughput / (done.max(1) as f64).sqrt(),
            in_system: in_system(probe, ran),
            residence: seconds(all.service.came.mean()),
            service_p95: all.service.quantile(0.95).map(|p95| p95.as_secs_f64()),
            refusals: all.outcomes.get(Outcome::DeniedByRate)
                + all.outcomes.get(Outcome::DeniedByCap),
            spoiled: spoiled(ran),
        }
    }
}

/// Why the trial says nothing.
fn spoiled(ran: &Ran) -> Option<String> {
    let reasons = ran.health.reasons.iter().map(|reason| reason.words());
    let is_spoiled = ran.health.verdict == Verdict::Invalid;
    is_spoiled.then(|| reasons.collect::<Vec<&str>>().join(", "))
}

/// How many were in the system on average, counted apart from their latencies, or Little's law would check nothing.
///
/// A closed loop without pauses knows it; else it is what the samplings saw.
fn in_system(probe: &Probe, ran: &Ran) -> f64 {
    if let Load::Closed { users } = probe.load {
        return users as f64;
    }
    let seen: Vec<u64> = ran.usage.iter().map(|usage| usage.in_flight).collect();
    seen.iter().sum::<u64>() as f64 / seen.len().max(1) as f64
}

/// Two runs of a trial as one that lasted as long as both.
pub fn joined(mut first: Ran, second: Ran) -> Ran {
    first.recorder.merge(&second.recorder);
    first.started += second.started;
    first.duration += second.duration;
    first.interrupted |= second.interrupted;
    first.usage.extend(second.usage);
    if second.health.verdict > first.health.verdict {
        first.health = second.health;
    }
    first
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::capacity::Purpose;

    fn scenario() -> Scenario {
        let text = "text = \"x\"\n[closed]\nusers = 1\nqueries = 1\n[llm]\nlatency = [\"1s\", \"1s\"]\n\
            [[slo]]\nmetric = \"throughput\"\nat_least = 0.9\n[[slo]]\nmetric = \"success\"\nat_least = 0.9\n";
        Scenario::parse(Path::new("s.toml"), text).expect("it is right")
    }

    fn probe(load: Load, starts: u64) -> Probe {
        Probe {
            index: 3,
            purpose: Purpose::Narrow,
            load,
            starts,
        }
    }

    #[test]
    fn each_load_becomes_a_plan_of_so_many_starts() {
        let plan = |load, starts| probe(load, starts).scenario(&scenario()).plan();
        assert_eq!(plan(Load::Closed { users: 8 }, 80).starts, 80);
        assert_eq!(plan(Load::Burst { size: 40 }, 200).starts, 40);
        assert_eq!(probe(Load::Burst { size: 40 }, 200).runs(), 5);
        let open = plan(Load::Open { rate: 50.0 }, 5000);
        assert_eq!(open.duration, Duration::from_secs(100));
        assert!((4700..5300).contains(&open.starts), "{}", open.starts);
        assert_eq!(plan(Load::Open { rate: 50.0 }, 10).duration, SHORTEST_OPEN);
    }

    #[test]
    fn a_probe_keeps_the_promises_that_a_search_can_decide_and_draws_its_own_arrivals() {
        let scenario = probe(Load::Open { rate: 5.0 }, 100).scenario(&scenario());
        assert_eq!(scenario.slos.len(), 1);
        assert_eq!(scenario.seed, 4);
    }
}
