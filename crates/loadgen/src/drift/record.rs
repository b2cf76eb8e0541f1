//! A soak as a record: the series of a run, and what was found of them.

use std::fmt::Write as _;

use serde::Serialize;

use crate::drift::{Class, Finding, Series, Watched};
use crate::health::Verdict;
use crate::run::Ran;
use crate::usage::Usage;

/// The version of the record.
pub const SCHEMA: u32 = 1;

/// All that a soak says, with the units in the names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SoakRecord {
    /// The version.
    pub schema: u32,
    /// The scenario's name.
    pub scenario: String,
    /// How long it took.
    pub duration_s: f64,
    /// Operations that were started.
    pub started: u64,
    /// It was broken off.
    pub interrupted: bool,
    /// Whether the generator may be believed.
    pub generator: Verdict,
    /// Each thing watched.
    pub findings: Vec<FindingRow>,
}

/// One thing watched; its unit is that of the thing, seconds for latencies and bytes for memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingRow {
    /// What.
    pub watched: &'static str,
    /// `leak`, `bounded`, `none` or `too short`.
    pub class: &'static str,
    /// Growth per second; unset if there were too few samples.
    pub slope: Option<[f64; 3]>,
    /// The level behind the warm-up.
    pub start: f64,
    /// How much it grew.
    pub growth: f64,
    /// The chance of such a slope without growth.
    pub chance: f64,
    /// When it reaches what it must not.
    pub time_left_s: Option<f64>,
    /// What decided.
    pub reason: &'static str,
}

/// The series that a run holds; memory must not reach `most_memory` bytes.
pub fn series(ran: &Ran, most_memory: Option<u64>) -> Vec<Series> {
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

impl SoakRecord {
    /// Writes a soak down.
    pub fn new(scenario: String, ran: &Ran, findings: &[Finding]) -> Self {
        Self {
            schema: SCHEMA,
            scenario,
            duration_s: ran.duration.as_secs_f64(),
            started: ran.started,
            interrupted: ran.interrupted,
            generator: ran.health.verdict,
            findings: findings.iter().map(FindingRow::new).collect(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a record is JSON");
        text.push('\n');
        text
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}: {} operations in {:.0} s, generator {}\n\n",
            self.scenario,
            self.started,
            self.duration_s,
            self.generator.as_str()
        );
        for row in &self.findings {
            let left = row.time_left_s.map_or(String::new(), |left| {
                format!("; {:.1} h left", left / 3600.0)
            });
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "  {:<17}{:<10}from {:.4e} by {:+.4e}: {}{left}",
                row.watched, row.class, row.start, row.growth, row.reason
            );
        }
        text
    }
}

impl FindingRow {
    fn new(finding: &Finding) -> Self {
        let slope = [finding.slope, finding.slope_low, finding.slope_high];
        Self {
            watched: finding.watched.words(),
            class: match finding.class {
                Class::Leak => "leak",
                Class::Bounded => "bounded",
                Class::None => "none",
                Class::TooShort => "too short",
            },
            slope: (finding.class != Class::TooShort).then_some(slope),
            start: finding.start,
            growth: finding.growth,
            chance: finding.chance,
            time_left_s: finding.time_left.map(|left| left.as_secs_f64()),
            reason: finding.reason,
        }
    }
}
