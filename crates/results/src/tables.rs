//! The two tables beside the suites: how much of a change matters, and which cases are held against each other.
//!
//! ```toml
//! # benches/relevance.toml                      # benches/ratios.toml
//! [[case]]                                      [[ratio]]
//! id = "lifecycle/create_to_done/50_at_once"    numerator = "quota/allow/1k_workspaces"
//! time = 0.4                                    denominator = "quota/governor_allow/1k_workspaces"
//! reason = "timers round up to 1 ms"            at_most = 0.8
//!                                               text = "our check by handle against governor's"
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::case_id::CaseId;
use crate::compare::{COUNT_RELEVANCE, TIME_RELEVANCE};
use crate::error::Error;
use crate::figures::Bound;
use crate::files;

const MEND: &str = "mend the table";

/// How much of a change matters, per case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relevance {
    path: PathBuf,
    entries: BTreeMap<CaseId, RelevanceEntry>,
}

#[derive(Debug, Clone, PartialEq)]
struct RelevanceEntry {
    time: Option<f64>,
    instructions: Option<f64>,
}

/// Two cases of one run, and the promise about their ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioPair {
    /// The case above the line.
    pub numerator: CaseId,
    /// The case below the line.
    pub denominator: CaseId,
    /// The promise.
    pub bound: Bound,
    /// What it says.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRelevance {
    #[serde(default)]
    case: Vec<WireCase>,
    /// Left to pair mode: [`crate::relevance`].
    #[serde(default, rename = "pairs")]
    _pairs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCase {
    id: String,
    time: Option<f64>,
    instructions: Option<f64>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRatios {
    #[serde(default)]
    ratio: Vec<WireRatio>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRatio {
    numerator: String,
    denominator: String,
    at_most: Option<f64>,
    at_least: Option<f64>,
    text: String,
}

impl Relevance {
    /// Reads `relevance.toml` in the folder of the suites; without the file every case has the default.
    pub fn read(benches: &Path) -> Result<Self, Error> {
        let path = benches.join("relevance.toml");
        let Some(wire) = read_table::<WireRelevance>(&path)? else {
            return Ok(Self::default());
        };
        let mut entries = BTreeMap::new();
        for case in wire.case {
            let malformed = |what: String| {
                let reason = format!("the entry of {:?} {what}", case.id);
                Error::malformed(&path, reason, MEND)
            };
            if case.reason.trim().is_empty() {
                return Err(malformed("has no reason".to_owned()));
            }
            let shares = [case.time, case.instructions];
            if shares.iter().all(Option::is_none) {
                return Err(malformed("sets neither time nor instructions".to_owned()));
            }
            if shares
                .iter()
                .flatten()
                .any(|share| !(*share > 0.0 && share.is_finite()))
            {
                return Err(malformed("has a share that is not positive".to_owned()));
            }
            let id = CaseId::new(&*case.id)
                .ok_or_else(|| malformed("has an id without a suite".to_owned()))?;
            let entry = RelevanceEntry {
                time: case.time,
                instructions: case.instructions,
            };
            if entries.insert(id, entry).is_some() {
                return Err(malformed("is there twice".to_owned()));
            }
        }
        Ok(Self { path, entries })
    }

    /// The share below which a wall-time change of the case does not matter.
    pub fn of_time(&self, id: &CaseId) -> f64 {
        let entry = self.entries.get(id);
        entry.and_then(|entry| entry.time).unwrap_or(TIME_RELEVANCE)
    }

    /// The share below which a change of the case's instruction count does not matter.
    pub fn of_count(&self, id: &CaseId) -> f64 {
        let entry = self.entries.get(id);
        entry
            .and_then(|entry| entry.instructions)
            .unwrap_or(COUNT_RELEVANCE)
    }

    /// Refuses entries for cases that do not exist, as a renamed case leaves them behind.
    pub fn check(&self, is_known: impl Fn(&CaseId) -> bool, known: &[&str]) -> Result<(), Error> {
        match self.entries.keys().find(|id| !is_known(id)) {
            None => Ok(()),
            Some(id) => Err(unknown_case(id, &self.path, known)),
        }
    }
}

/// Reads `ratios.toml` in the folder of the suites; without the file there are none.
pub fn read_ratios(benches: &Path) -> Result<Vec<RatioPair>, Error> {
    let path = benches.join("ratios.toml");
    let Some(wire) = read_table::<WireRatios>(&path)? else {
        return Ok(Vec::new());
    };
    let pairs = wire.ratio.into_iter().map(|ratio| {
        let malformed = |what: &str| {
            let reason = format!("{} ÷ {} {what}", ratio.numerator, ratio.denominator);
            Error::malformed(&path, reason, MEND)
        };
        let bound = match (ratio.at_most, ratio.at_least) {
            (Some(most), None) => Bound::AtMost(most),
            (None, Some(least)) => Bound::AtLeast(least),
            _ => return Err(malformed("needs one of at_most and at_least")),
        };
        let id =
            |text: &str| CaseId::new(text).ok_or_else(|| malformed("has an id without a suite"));
        Ok(RatioPair {
            numerator: id(&ratio.numerator)?,
            denominator: id(&ratio.denominator)?,
            bound,
            text: ratio.text.clone(),
        })
    });
    pairs.collect()
}

/// The error for a case that a table names and nobody knows.
pub(crate) fn unknown_case(id: &CaseId, path: &Path, known: &[&str]) -> Error {
    Error::Unknown {
        what: "case",
        name: id.to_string(),
        place: path.display().to_string(),
        nearest: crate::case_id::nearest(id.as_str(), known.iter().copied()),
    }
}

fn read_table<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(text) = files::read_if_there(path)? else {
        return Ok(None);
    };
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| Error::malformed(path, error.to_string().trim_end(), MEND))
}

#[cfg(test)]
mod tests;
