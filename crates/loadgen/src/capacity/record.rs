//! A search as a record: what `plimsoll capacity` writes and `plimsoll quota` reads.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::capacity::{Axis, Capacity, Ceiling, Purpose, Trial, Unit};
use crate::judging::Conclusion;
use crate::report;
use crate::report::model::{Kind, LoadRecord};
use crate::slo::judge::Standing;

/// The version of the record, and the only one that is read back whole; a field that changes its meaning is a new number.
pub const SCHEMA: u32 = 1;

/// All that a search says, with the units in the names, and all that any form of it is made of: read back from JSON, it
/// says the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityRecord {
    /// The version.
    pub schema: u32,
    /// [`Kind::Capacity`].
    pub kind: Kind,
    /// The scenario's name.
    pub scenario: String,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// Along what was searched.
    pub axis: Axis,
    /// The highest load that keeps every promise, confirmed.
    pub highest_pass: Option<f64>,
    /// The lowest load that breaks one, confirmed.
    pub first_fail: Option<f64>,
    /// What ends the bracket above.
    pub ceiling: Ceiling,
    /// The promises that are broken at the first fail.
    pub binding: Vec<String>,
    /// The 95th percentile of the service time at the highest pass.
    pub service_p95_s: Option<f64>,
    /// The law of throughput over concurrency.
    pub usl: Option<UslRow>,
    /// A higher load passed where a lower one had failed.
    pub non_monotonic: bool,
    /// Loads of which nothing can be told.
    pub undecided: Vec<f64>,
    /// Every trial.
    pub probes: Vec<ProbeRow>,
    /// The trial that confirmed the highest pass, as a run; the last one if none did, and unset if none was made.
    pub trial: Option<LoadRecord>,
}

/// The Universal Scalability Law, each coefficient as estimate, low and high.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UslRow {
    /// Throughput of one alone, per second.
    pub lambda: [f64; 3],
    /// Contention.
    pub sigma: [f64; 3],
    /// Crosstalk.
    pub kappa: [f64; 3],
    /// The concurrency of the highest throughput; unset without crosstalk.
    pub peak: Option<f64>,
    /// The largest concurrency that was measured.
    pub measured_to: f64,
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRow {
    /// Why it was made.
    pub purpose: Purpose,
    /// What the load counts.
    pub unit: Unit,
    /// The load.
    pub load: f64,
    /// Starts that were asked for.
    pub starts: u64,
    /// What came of it.
    pub standing: Standing,
    /// Completions per second.
    pub throughput: f64,
    /// Standard error of the throughput.
    pub throughput_error: f64,
    /// How far Little's law is off.
    pub little_gap: Option<f64>,
    /// How many were denied.
    pub refusals: u64,
    /// Why the generator spoiled it.
    pub spoiled: Option<String>,
}

/// What a quota needs of a record, of any version.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Stated {
    /// The scenario's name.
    pub scenario: String,
    /// Along what was searched.
    pub axis: Axis,
    /// The highest load that keeps every promise, confirmed.
    pub highest_pass: Option<f64>,
    /// What ends the bracket above.
    pub ceiling: Ceiling,
    /// The 95th percentile of the service time at the highest pass.
    pub service_p95_s: Option<f64>,
}

impl CapacityRecord {
    /// Writes a search down, with the trial that is kept of it.
    pub fn new(
        scenario: String,
        settings: Vec<(String, String)>,
        capacity: &Capacity,
        trial: Option<LoadRecord>,
    ) -> Self {
        let usl = capacity.usl.as_ref().map(|usl| UslRow {
            lambda: [usl.best.lambda, usl.low.lambda, usl.high.lambda],
            sigma: [usl.best.sigma, usl.low.sigma, usl.high.sigma],
            kappa: [usl.best.kappa, usl.low.kappa, usl.high.kappa],
            peak: Some(usl.best.peak()).filter(|peak| peak.is_finite()),
            measured_to: usl.measured_to,
        });
        Self {
            schema: SCHEMA,
            kind: Kind::Capacity,
            scenario,
            settings,
            axis: capacity.axis,
            highest_pass: capacity.highest_pass,
            first_fail: capacity.first_fail,
            ceiling: capacity.ceiling,
            binding: capacity.binding.clone(),
            service_p95_s: capacity.service_p95(),
            usl,
            non_monotonic: capacity.non_monotonic,
            undecided: capacity.undecided.clone(),
            probes: capacity.trials.iter().map(ProbeRow::new).collect(),
            trial,
        }
    }

    /// What it comes to.
    ///
    /// A search that confirmed nothing failed for the generator if that spoiled anything, else for want of trials if
    /// something passed; only where nothing did is the promise broken.
    pub fn conclusion(&self) -> Conclusion {
        let any = |standing| self.probes.iter().any(|row| row.standing == standing);
        match (self.highest_pass, self.ceiling) {
            (_, Ceiling::Quota) => Conclusion::CouldNotTell,
            (Some(_), _) => Conclusion::Fine,
            (None, _) if any(Standing::Invalid) => Conclusion::Spoiled,
            (None, Ceiling::Slo) if !any(Standing::Met) => Conclusion::Missed,
            (None, _) => Conclusion::CouldNotTell,
        }
    }

    /// As JSON, which `fixtures/schemas/capacity.json` describes.
    pub fn json(&self) -> String {
        report::json(self)
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n\n", self.scenario, self.headline());
        let mut line = |what: &str, how: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {what:<14}{how}");
        };
        line(
            "binding",
            if self.binding.is_empty() {
                "none".to_owned()
            } else {
                self.binding.join("; ")
            },
        );
        if let Some(usl) = &self.usl {
            let [lambda, sigma, kappa] = [usl.lambda, usl.sigma, usl.kappa]
                .map(|[best, low, high]| format!("{best:.4} [{low:.4}, {high:.4}]"));
            line("USL", format!("λ {lambda}/s, σ {sigma}, κ {kappa}"));
        }
        if self.non_monotonic {
            line(
                "careful",
                "a higher load passed where a lower one had failed".to_owned(),
            );
        }
        for load in &self.undecided {
            line("undecided", format!("{load:.2}"));
        }
        let _ = writeln!(
            text,
            "\n  {:<8} {:>10} {:<10} {:>7} {:<13} {:>12} {:>7}",
            "probe", "load", "", "starts", "standing", "throughput", "Little"
        );
        for row in &self.probes {
            let little = row
                .little_gap
                .map_or("-".to_owned(), |gap| format!("{:.1} %", gap * 100.0));
            let _ = write!(
                text,
                "  {:<8} {:>10.2} {:<10} {:>7} {:<13} {:>10.2}/s {little:>7}",
                row.purpose, row.load, row.unit, row.starts, row.standing, row.throughput
            );
            let _ = writeln!(
                text,
                "{}",
                row.spoiled
                    .as_ref()
                    .map_or(String::new(), |why| format!("  {why}"))
            );
        }
        text
    }

    /// The outcome on one line; refusals are never called a capacity.
    pub fn headline(&self) -> String {
        let unit = self.axis.unit();
        let end = match (self.first_fail, self.ceiling) {
            (_, Ceiling::Quota) => {
                return "limited by quota: the search met refusals, so what the system carries is not known".to_owned();
            }
            (Some(fail), _) => format!("fails at {fail:.2} {unit}"),
            (None, Ceiling::Generator) => "the generator can offer no more".to_owned(),
            (None, _) => "no load that fails was found".to_owned(),
        };
        match self.highest_pass {
            Some(pass) => format!("carries {pass:.2} {unit}, {end}"),
            None => format!("no capacity was confirmed; {end}"),
        }
    }
}

impl ProbeRow {
    fn new(trial: &Trial) -> Self {
        let (probe, seen) = (&trial.probe, &trial.observation);
        Self {
            purpose: probe.purpose,
            unit: probe.load.unit(),
            load: probe.load.value(),
            starts: probe.starts,
            standing: seen.standing(),
            throughput: seen.throughput,
            throughput_error: seen.throughput_error,
            little_gap: Some(seen.little_gap()).filter(|gap| gap.is_finite()),
            refusals: seen.refusals,
            spoiled: seen.spoiled.clone(),
        }
    }
}
