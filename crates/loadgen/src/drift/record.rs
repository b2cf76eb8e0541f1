//! A soak as a record: what was found of each thing that was watched, with the samples that show it.

use results::machine::Machine;
use serde::{Deserialize, Serialize};

use crate::drift::{Class, Finding, Series, Watched, findings};
use crate::driver::Capabilities;
use crate::health::{Reason, Verdict};
use crate::judging::Conclusion;
use crate::report;
use crate::report::model::{Circumstances, Kind};
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::usage::Usage;

/// The version of the record, and the only one that is read back; a field that changes its meaning is a new number.
pub const SCHEMA: u32 = 2;

/// More samples of a series are thinned out: an hour has 3,600 of them, and a picture no room for more than this.
const MOST_SAMPLES: usize = 240;

/// All that a soak says, with the units in the names, and all that any form of it is made of: read back from JSON, it
/// says the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoakRecord {
    /// The version.
    pub schema: u32,
    /// [`Kind::Soak`].
    pub kind: Kind,
    /// The scenario's name.
    pub scenario: String,
    /// What it shows and what not.
    pub text: String,
    /// All durations were multiplied by this; 1 for the scenario as it is written.
    pub time_scale: f64,
    /// It was broken off.
    pub interrupted: bool,
    /// The seed of its schedule, and of the chances that were drawn.
    pub seed: u64,
    /// What drove the system.
    pub driver: Capabilities,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// How long it took.
    pub duration_s: f64,
    /// Operations that were started.
    pub started: u64,
    /// Whether the generator may be believed.
    pub generator: Verdict,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// Whose memory, files and threads were looked at.
    pub usage_of: String,
    /// Each thing watched.
    pub findings: Vec<FindingRow>,
    /// Where it ran.
    pub machine: Machine,
}

/// One thing watched; its unit is that of the thing, seconds for latencies and bytes for memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingRow {
    /// What.
    pub watched: Watched,
    /// What it does.
    pub class: Class,
    /// What decided, in words.
    pub reason: String,
    /// The line through it behind the warm-up; unset if there were too few samples.
    pub trend: Option<TrendRow>,
    /// When it reaches what it must not, counted from the end of the soak; for leaks with such a bound.
    pub time_left_s: Option<f64>,
    /// The value after the load had ended and the queue was empty; unset if it was not waited for.
    pub after_drain: Option<f64>,
    /// What it must not reach; unset if nothing was said of that.
    pub most: Option<f64>,
    /// What was seen; of a long soak, the lowest and highest of neighbours.
    pub samples: Vec<SampleRow>,
}

/// A straight line after Theil and Sen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrendRow {
    /// Where the line begins.
    pub from_s: f64,
    /// Where it ends.
    pub to_s: f64,
    /// The level at its begin.
    pub start: f64,
    /// How much it grew until its end.
    pub growth: f64,
    /// Growth per second: estimate, lower and upper end of the 95 % interval.
    pub slope: [f64; 3],
    /// The chance of such a slope in a series that does not grow.
    pub chance: f64,
}

/// A sample, or some neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRow {
    /// Since the begin of the soak; of neighbours, the first.
    pub at_s: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl SoakRecord {
    /// Judges a soak and writes it down; memory must not reach `most_memory` bytes.
    pub fn new(
        scenario: &Scenario,
        ran: &Ran,
        most_memory: Option<u64>,
        circumstances: Circumstances,
    ) -> Self {
        Self {
            schema: SCHEMA,
            kind: Kind::Soak,
            scenario: circumstances.name,
            text: scenario.text.trim().to_owned(),
            time_scale: circumstances.time_scale,
            interrupted: ran.interrupted,
            seed: scenario.seed,
            driver: ran.capabilities.clone(),
            settings: circumstances.settings,
            duration_s: ran.duration.as_secs_f64(),
            started: ran.started,
            generator: ran.health.verdict,
            reasons: ran.health.reasons.clone(),
            usage_of: ran.subject.to_string(),
            findings: FindingRow::all(&series(ran, most_memory), scenario.seed),
            machine: circumstances.machine,
        }
    }

    /// What it comes to: a spoiled soak says nothing, and a leak is one, however short the other series are.
    pub fn conclusion(&self) -> Conclusion {
        let any = |class| self.findings.iter().any(|row| row.class == class);
        if self.generator == Verdict::Invalid {
            Conclusion::Spoiled
        } else if any(Class::Leak) {
            Conclusion::Missed
        } else if self.interrupted || any(Class::TooShort) {
            Conclusion::CouldNotTell
        } else {
            Conclusion::Fine
        }
    }

    /// As JSON, which `fixtures/schemas/soak.json` describes.
    pub fn json(&self) -> String {
        report::json(self)
    }
}

impl FindingRow {
    /// Classifies all series of one soak together, and writes down what was found.
    pub fn all(series: &[Series], seed: u64) -> Vec<Self> {
        let findings = findings(series, seed);
        let rows = findings
            .iter()
            .zip(series)
            .map(|(finding, series)| Self::new(finding, series));
        rows.collect()
    }

    fn new(finding: &Finding, series: &Series) -> Self {
        let trend = finding.steady.map(|(from_s, to_s)| TrendRow {
            from_s,
            to_s,
            start: finding.start,
            growth: finding.growth,
            slope: [finding.slope, finding.slope_low, finding.slope_high],
            chance: finding.chance,
        });
        Self {
            watched: finding.watched,
            class: finding.class,
            reason: finding.reason.to_owned(),
            trend,
            time_left_s: finding.time_left.map(|left| left.as_secs_f64()),
            after_drain: series.after_drain,
            most: series.most,
            samples: thinned(&series.samples),
        }
    }
}

/// The series that a run holds; memory must not reach `most_memory` bytes.
fn series(ran: &Ran, most_memory: Option<u64>) -> Vec<Series> {
    let used = |watched, of: fn(&Usage) -> Option<u64>, most: Option<u64>| Series {
        watched,
        samples: ran
            .usage
            .iter()
            .filter_map(|usage| Some((usage.at.as_secs_f64(), of(usage)? as f64)))
            .collect(),
        after_drain: ran.drained.as_ref().and_then(of).map(|value| value as f64),
        most: most.map(|most| most as f64),
    };
    let width = ran.recorder.windows().width().as_secs_f64();
    let windows = ran.recorder.windows().iter().enumerate();
    let medians = windows.filter(|(_, window)| !window.response.is_empty());
    let medians = medians.map(|(index, window)| {
        let median = window.response.value_at_quantile(0.5) as f64 / 1e9;
        (width * index as f64, median)
    });
    let mut series = vec![
        Series {
            watched: Watched::Latency,
            samples: medians.collect(),
            after_drain: None,
            most: None,
        },
        used(
            Watched::Rss,
            |usage| Some(usage.resident_bytes),
            most_memory,
        ),
        used(Watched::FileDescriptors, |usage| Some(usage.n_files), None),
        used(Watched::Tasks, |usage| Some(usage.n_threads), None),
        used(Watched::QueueDepth, queue_depth, None),
        used(Watched::Objects, |usage| usage.inside.objects, None),
    ];
    // What the driver cannot see is no series that is too short.
    series.retain(|series| series.watched != Watched::Objects || !series.samples.is_empty());
    series
}

/// What waits in the system's queue; what is open, if the driver cannot see that.
fn queue_depth(usage: &Usage) -> Option<u64> {
    Some(usage.inside.queued.unwrap_or(usage.in_flight))
}

/// At most [`MOST_SAMPLES`] rows, between the ends of which every sample lies.
fn thinned(samples: &[(f64, f64)]) -> Vec<SampleRow> {
    let neighbours = samples.len().div_ceil(MOST_SAMPLES).max(1);
    let rows = samples.chunks(neighbours).map(|chunk| {
        let values = || chunk.iter().map(|(_, value)| *value);
        SampleRow {
            at_s: chunk[0].0,
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_thinned_without_losing_its_ends() {
        let samples: Vec<(f64, f64)> = (0..1000).map(|at| (f64::from(at), f64::from(at))).collect();
        let rows = thinned(&samples);
        assert_eq!(rows.len(), 200);
        assert_eq!((rows[1].at_s, rows[1].low, rows[1].high), (5.0, 5.0, 9.0));
        let few = thinned(&samples[..MOST_SAMPLES]);
        assert_eq!(few.len(), MOST_SAMPLES);
        assert!(few.iter().all(|row| row.low == row.high));
        assert_eq!(thinned(&[]), []);
    }
}
