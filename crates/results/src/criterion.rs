//! Reads what Criterion 0.8 left behind, by what its files say and never by the names of its folders.
//!
//! Criterion cuts and cleans folder names, so two ids may look alike there; `benchmark.json` holds the whole id.
//! Only the latest run (`new/`) is read: our baselines are our own files, not Criterion's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use crate::allocations;
use crate::case_id::CaseId;
use crate::error::Error;
use crate::figures;
use crate::files;

const MEND: &str =
    "the run that wrote it was probably cut short: run `cargo bench` again, or remove the folder";

/// The latest measurement of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// The case.
    pub id: CaseId,
    /// Nanoseconds per iteration, one value per sample, in the order they were taken.
    pub times_ns: Vec<f64>,
    /// Iterations per sample, beside `times_ns`.
    pub iterations: Vec<f64>,
    /// Criterion's sampling mode: `Linear` or `Flat`.
    pub sampling_mode: String,
    /// Criterion's own estimate of the mean in nanoseconds, for reference; our verdicts do not use it.
    pub mean_ns: f64,
    /// The folder that holds the case, for messages and for its flamegraph.
    pub folder: PathBuf,
    /// When the sample was written, where the file system tells.
    pub written: Option<SystemTime>,
}

/// Reads every case below a Criterion home; an empty home is an error, since nothing can follow from it.
pub fn read(home: &Path) -> Result<BTreeMap<CaseId, Measurement>, Error> {
    let measurements = read_if_any(home)?;
    if measurements.is_empty() {
        return Err(Error::Empty {
            path: home.to_owned(),
            mend: "run `cargo bench` first, or name the right folder with `--criterion`",
        });
    }
    Ok(measurements)
}

/// Reads every case below a Criterion home, which may be empty or not there.
pub fn read_if_any(home: &Path) -> Result<BTreeMap<CaseId, Measurement>, Error> {
    let mut measurements = BTreeMap::new();
    for entry in files::sorted_entries(home)? {
        let path = entry.path();
        let is_ours = [figures::FOLDER, allocations::FOLDER]
            .iter()
            .any(|ours| entry.file_name() == *ours);
        if path.is_dir() && !is_ours {
            walk(&path, &mut measurements)?;
        }
    }
    Ok(measurements)
}

fn walk(folder: &Path, measurements: &mut BTreeMap<CaseId, Measurement>) -> Result<(), Error> {
    let latest = folder.join("new");
    if latest.join("benchmark.json").exists() || latest.join("sample.json").exists() {
        let measurement = read_case(folder, &latest)?;
        if let Some(first) = measurements.get(&measurement.id) {
            return Err(Error::Collision {
                id: measurement.id.to_string(),
                first: first.folder.clone(),
                second: folder.to_owned(),
            });
        }
        measurements.insert(measurement.id.clone(), measurement);
    }
    for entry in files::sorted_entries(folder)? {
        let name = entry.file_name();
        let is_result = ["new", "base", "change", "report", "profile"]
            .iter()
            .any(|known| name == *known);
        if entry.path().is_dir() && !is_result {
            walk(&entry.path(), measurements)?;
        }
    }
    Ok(())
}

// Criterion may add fields in any release, so unknown ones are no error here: these are not our files.
#[derive(Deserialize)]
struct WireBenchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct WireSample {
    sampling_mode: String,
    iters: Vec<f64>,
    times: Vec<f64>,
}

#[derive(Deserialize)]
struct WireEstimates {
    mean: WireEstimate,
}

#[derive(Deserialize)]
struct WireEstimate {
    point_estimate: f64,
}

fn read_case(folder: &Path, latest: &Path) -> Result<Measurement, Error> {
    let benchmark_path = latest.join("benchmark.json");
    let benchmark: WireBenchmark =
        files::parse_json(&benchmark_path, &files::read(&benchmark_path)?, MEND)?;
    let id = CaseId::new(&*benchmark.full_id).ok_or_else(|| {
        let reason = format!("the id {:?} has no group", benchmark.full_id);
        Error::malformed(
            &benchmark_path,
            reason,
            "put the case into a group named after its suite",
        )
    })?;

    let sample_path = latest.join("sample.json");
    let sample: WireSample = files::parse_json(&sample_path, &files::read(&sample_path)?, MEND)?;
    let written = std::fs::metadata(&sample_path)
        .and_then(|metadata| metadata.modified())
        .ok();
    let estimates_path = latest.join("estimates.json");
    let estimates: WireEstimates =
        files::parse_json(&estimates_path, &files::read(&estimates_path)?, MEND)?;

    if sample.iters.len() != sample.times.len() || sample.iters.is_empty() {
        let reason = format!(
            "it has {} counts of iterations for {} times",
            sample.iters.len(),
            sample.times.len()
        );
        return Err(Error::malformed(&sample_path, reason, MEND));
    }
    let times_ns: Vec<f64> = sample
        .times
        .iter()
        .zip(&sample.iters)
        .map(|(time, iterations)| time / iterations)
        .collect();
    if let Some(bad) = times_ns
        .iter()
        .find(|time| !time.is_finite() || **time <= 0.0)
    {
        let reason = format!("it holds a time of {bad} ns per iteration");
        return Err(Error::malformed(&sample_path, reason, MEND));
    }
    Ok(Measurement {
        id,
        times_ns,
        iterations: sample.iters,
        sampling_mode: sample.sampling_mode,
        mean_ns: estimates.mean.point_estimate,
        folder: folder.to_owned(),
        written,
    })
}

#[cfg(test)]
mod tests;
