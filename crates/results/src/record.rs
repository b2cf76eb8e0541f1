//! One case as one process measured it, with all that a later test may want to know.
//!
//! [`Record`] is what the code uses; `WireRecord` is the line on disk, with its schema version.
//! Records are raw material: a baseline is made of several processes' records, and can be made again from them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::case_id::CaseId;
use crate::criterion::Measurement;
use crate::error::Error;
use crate::files;
use crate::iai::Count;
use crate::round::{TIME_DIGITS, significant};
use crate::stats::Quantile;

/// The version of the line that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

const MEND: &str = "remove it and measure again";

/// One case of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The case.
    pub id: CaseId,
    /// What the numbers count.
    pub unit: Unit,
    /// What stands for the process: the fastest sample, or the instruction count.
    pub estimate: f64,
    /// The estimate's 95 % interval within this process; the estimate twice for a count.
    pub interval: (f64, f64),
    /// Time per iteration of each sample in the order it was taken, rounded; empty for a count.
    pub sample: Vec<f64>,
    /// Where and how it was measured.
    pub origin: Origin,
    /// Settings of the measurement, and for counts the other events.
    pub configuration: BTreeMap<String, String>,
}

/// What a record's numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds of wall time per iteration.
    Nanoseconds,
    /// Instructions executed.
    Instructions,
    /// Calls that ask for memory.
    Allocations,
}

/// Where a record comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The machine's class.
    pub machine: String,
    /// Version of the compiler.
    pub toolchain: String,
    /// The commit that was measured, with `-dirty` if the tree differed from it; unset outside a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Record {
    /// Of a wall-time measurement.
    pub fn of_measurement(measurement: &Measurement, origin: &Origin) -> Option<Self> {
        let location = Quantile::location(&measurement.times_ns)?;
        let rounded = |value| significant(value, TIME_DIGITS);
        let sample = measurement.times_ns.iter().copied().map(rounded).collect();
        let configuration = BTreeMap::from([
            (
                "sampling_mode".to_owned(),
                measurement.sampling_mode.clone(),
            ),
            (
                "n_samples".to_owned(),
                measurement.times_ns.len().to_string(),
            ),
        ]);
        Some(Self {
            id: measurement.id.clone(),
            unit: Unit::Nanoseconds,
            estimate: rounded(location.estimate),
            interval: (rounded(location.low), rounded(location.high)),
            sample,
            origin: origin.clone(),
            configuration,
        })
    }

    /// Of an instruction count.
    pub fn of_count(count: &Count, origin: &Origin) -> Self {
        // Counts stay below 2^53, where every whole number has its own float.
        let instructions = count.instructions as f64;
        let events = count.events.iter();
        Self {
            id: count.id.clone(),
            unit: Unit::Instructions,
            estimate: instructions,
            interval: (instructions, instructions),
            sample: Vec::new(),
            origin: origin.clone(),
            configuration: events
                .map(|(event, value)| (event.clone(), value.to_string()))
                .collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRecord {
    schema: u32,
    id: String,
    unit: Unit,
    count: usize,
    estimate: f64,
    interval: (f64, f64),
    sample: Vec<f64>,
    origin: Origin,
    configuration: BTreeMap<String, String>,
}

/// Stores the records of one process, one per line, in the order of their ids.
pub fn write(path: &Path, records: &[Record]) -> Result<(), Error> {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by(|left, right| left.id.cmp(&right.id));
    let mut text = String::new();
    for record in sorted {
        let wire = WireRecord {
            schema: SCHEMA,
            id: record.id.to_string(),
            unit: record.unit,
            count: record.sample.len(),
            estimate: record.estimate,
            interval: record.interval,
            sample: record.sample.clone(),
            origin: record.origin.clone(),
            configuration: record.configuration.clone(),
        };
        let line = serde_json::to_string(&wire)
            .map_err(|error| Error::malformed(path, error.to_string(), MEND))?;
        text.push_str(&line);
        text.push('\n');
    }
    files::write_at_once(path, &text)
}

/// Reads the records of one process.
pub fn read(path: &Path) -> Result<Vec<Record>, Error> {
    let text = files::read(path)?;
    let lines = text.lines().enumerate();
    lines
        .map(|(index, line)| {
            let malformed = |reason: String| {
                Error::malformed(path, format!("line {}: {reason}", index + 1), MEND)
            };
            let wire: WireRecord =
                serde_json::from_str(line).map_err(|error| malformed(error.to_string()))?;
            if wire.schema != SCHEMA || wire.count != wire.sample.len() {
                return Err(malformed(format!(
                    "schema {} with {} of {} samples",
                    wire.schema,
                    wire.sample.len(),
                    wire.count
                )));
            }
            Ok(Record {
                id: CaseId::new(wire.id)
                    .ok_or_else(|| malformed("the id has no suite".to_owned()))?,
                unit: wire.unit,
                estimate: wire.estimate,
                interval: wire.interval,
                sample: wire.sample,
                origin: wire.origin,
                configuration: wire.configuration,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
