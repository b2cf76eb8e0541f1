//! What paths allocate: how often, how many bytes, and how many of them at once.
//!
//! The bench target `allocations` writes them beside Criterion's output, in `<criterion home>/allocations/<suite>.json`.
//! They are exact: equal code built by one compiler for one architecture asks for the same on every machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;

/// The version of the file that this code writes, and the only one that it reads.
const SCHEMA: u32 = 1;

/// The folder inside the Criterion home; no Criterion group may be called so.
pub(crate) const FOLDER: &str = "allocations";

const MEND: &str = "remove it and run the target `allocations` again";

/// What one iteration of a path allocated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocations {
    /// Calls that asked for memory; a buffer that grows asks again.
    pub count: u64,
    /// Bytes asked for; of a buffer that grows, those by which it grew.
    pub bytes: u64,
    /// The most bytes held at once, beyond those held at the start.
    pub peak: u64,
}

/// What one process counted of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Each iteration; never empty.
    pub iterations: Vec<Allocations>,
    /// When it was stored, where the file system tells.
    pub written: Option<SystemTime>,
}

impl Allocations {
    /// The smaller of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            count: self.count.min(other.count),
            bytes: self.bytes.min(other.bytes),
            peak: self.peak.min(other.peak),
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            count: self.count.max(other.count),
            bytes: self.bytes.max(other.bytes),
            peak: self.peak.max(other.peak),
        }
    }
}

impl Counted {
    /// What stands for the case: the smallest of its iterations, number by number.
    pub fn smallest(&self) -> Allocations {
        let iterations = self.iterations.iter().copied();
        iterations.reduce(Allocations::min).unwrap_or_default()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAllocations {
    schema: u32,
    suite: String,
    /// By key.
    cases: BTreeMap<String, Vec<Allocations>>,
}

/// Stores all cases of one run, in place of those of an earlier one.
pub fn write(
    criterion_home: &Path,
    iterations_by_case: &BTreeMap<CaseId, Vec<Allocations>>,
) -> Result<(), Error> {
    let mut wires: BTreeMap<&str, WireAllocations> = BTreeMap::new();
    for (id, iterations) in iterations_by_case {
        let wire = wires.entry(id.suite()).or_insert_with(|| WireAllocations {
            schema: SCHEMA,
            suite: id.suite().to_owned(),
            cases: BTreeMap::new(),
        });
        wire.cases.insert(id.key().to_owned(), iterations.clone());
    }
    for (suite, wire) in &wires {
        let path = path_of(criterion_home, suite);
        let mut text = serde_json::to_string_pretty(wire)
            .map_err(|error| Error::malformed(&path, error.to_string(), MEND))?;
        text.push('\n');
        files::write_at_once(&path, &text)?;
    }
    Ok(())
}

/// Reads every case that was counted; none if nobody did.
pub fn read_if_any(criterion_home: &Path) -> Result<BTreeMap<CaseId, Counted>, Error> {
    let mut cases = BTreeMap::new();
    for entry in files::sorted_entries(&criterion_home.join(FOLDER))? {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let malformed = |reason: String| Error::malformed(&path, reason, MEND);
        let wire: WireAllocations = files::parse_json(&path, &files::read(&path)?, MEND)?;
        if wire.schema != SCHEMA {
            let reason = format!("schema is {}, this build reads {SCHEMA}", wire.schema);
            return Err(malformed(reason));
        }
        if path.file_stem().is_none_or(|stem| stem != &*wire.suite) {
            return Err(malformed(format!(
                "it says it is of suite {:?}",
                wire.suite
            )));
        }
        let written = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok();
        for (key, iterations) in wire.cases {
            if iterations.is_empty() {
                return Err(malformed(format!("case {key:?} has no iteration")));
            }
            let id = CaseId::of(&wire.suite, &key)
                .ok_or_else(|| malformed(format!("case {key:?} has no name")))?;
            let counted = Counted {
                iterations,
                written,
            };
            cases.insert(id, counted);
        }
    }
    Ok(cases)
}

fn path_of(criterion_home: &Path, suite: &str) -> PathBuf {
    criterion_home.join(FOLDER).join(format!("{suite}.json"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Allocations, read_if_any, write};
    use crate::case_id::CaseId;

    fn allocations(count: u64, bytes: u64, peak: u64) -> Allocations {
        Allocations { count, bytes, peak }
    }

    fn id(text: &str) -> CaseId {
        CaseId::new(text).expect("well formed")
    }

    #[test]
    fn what_was_written_is_read_again_and_the_smallest_stands_for_it() {
        let home = tempfile::tempdir().expect("a folder");
        assert!(read_if_any(home.path()).expect("allowed").is_empty());
        let iterations = vec![allocations(3, 90, 50), allocations(2, 100, 40)];
        let cases = BTreeMap::from([
            (id("codec/encode/1mb"), iterations.clone()),
            (id("quota/allow/1k"), vec![Allocations::default()]),
        ]);
        write(home.path(), &cases).expect("written");
        let read = read_if_any(home.path()).expect("readable");
        assert_eq!(read[&id("codec/encode/1mb")].iterations, iterations);
        assert_eq!(
            read[&id("codec/encode/1mb")].smallest(),
            allocations(2, 90, 40)
        );
        assert_eq!(
            read[&id("quota/allow/1k")].smallest(),
            Allocations::default()
        );
    }

    #[test]
    fn a_file_that_is_cut_or_of_another_suite_names_itself() {
        let home = tempfile::tempdir().expect("a folder");
        let cases = BTreeMap::from([(id("codec/encode/1mb"), vec![allocations(1, 2, 2)])]);
        write(home.path(), &cases).expect("written");
        let path = home.path().join("allocations/codec.json");
        let text = std::fs::read_to_string(&path).expect("there");
        for (broken, complaint) in [
            (text[..text.len() / 2].to_owned(), "EOF"),
            (
                text.replace("\"schema\": 1", "\"schema\": 2"),
                "schema is 2",
            ),
            (text.replace("\"codec\"", "\"quota\""), "quota"),
            (text.replace("\"peak\"", "\"peek\""), "peek"),
        ] {
            std::fs::write(&path, broken).expect("put");
            let error = read_if_any(home.path()).expect_err(complaint).to_string();
            assert!(
                error.contains("codec.json") && error.contains(complaint),
                "{error}"
            );
        }
    }
}
