//! Of which functions a recorded count is made, so that a later regression can name the one that grew.
//!
//! ```text
//! baselines/instructions/functions/<suite>.json     the most costly functions of each case, one per line
//! ```
//!
//! A profile of callgrind is about 50 kB per case and names paths of the machine; this keeps some 2 kB of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::wire::{GENERATED_BY, MEND, SCHEMA, UniqueMap};
use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::functions::FunctionTable;

/// The folder beside the counts.
const FOLDER: &str = "functions";

/// Of which functions one count is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedFunctions {
    /// The count, which the recorded one must equal: tables of another recording are not believed.
    pub instructions: u64,
    /// The most costly functions.
    pub table: FunctionTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFunctions {
    #[serde(rename = "generated_by")]
    _generated_by: String,
    schema: u32,
    suite: String,
    cases: UniqueMap<WireCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCase {
    instructions: u64,
    left_out: u64,
    own: UniqueMap<u64>,
}

/// Reads a suite's tables from the folder of the counts; none if they were not recorded.
pub fn read(counts: &Path, suite: &str) -> Result<BTreeMap<CaseId, CountedFunctions>, Error> {
    let path = path_of(counts, suite);
    let Some(text) = files::read_if_there(&path)? else {
        return Ok(BTreeMap::new());
    };
    let malformed = |reason: String| Error::malformed(&path, reason, MEND);
    let wire: WireFunctions = files::parse_json(&path, &text, MEND)?;
    if wire.schema != SCHEMA {
        let reason = format!("schema is {}, this build reads {SCHEMA}", wire.schema);
        return Err(malformed(reason));
    }
    if wire.suite != suite {
        return Err(malformed(format!(
            "it says it is of suite {:?}",
            wire.suite
        )));
    }
    let mut cases = BTreeMap::new();
    for (key, case) in wire.cases.0 {
        let id = CaseId::of(suite, &key)
            .ok_or_else(|| malformed(format!("case {key:?} has no name")))?;
        let sum: u128 = case.own.0.values().map(|own| u128::from(*own)).sum();
        if sum > u128::from(case.instructions) {
            let reason = format!("case {key:?}: its functions cost more than the whole case");
            return Err(malformed(reason));
        }
        let counted = CountedFunctions {
            instructions: case.instructions,
            table: FunctionTable {
                own: case.own.0,
                left_out: case.left_out,
            },
        };
        cases.insert(id, counted);
    }
    Ok(cases)
}

/// Stores a suite's tables beside its counts.
pub fn write(
    counts: &Path,
    suite: &str,
    cases: &BTreeMap<CaseId, CountedFunctions>,
) -> Result<(), Error> {
    let path = path_of(counts, suite);
    let text =
        render(suite, cases).map_err(|error| Error::malformed(&path, error.to_string(), MEND))?;
    files::write_at_once(&path, &text)
}

fn path_of(counts: &Path, suite: &str) -> PathBuf {
    counts.join(FOLDER).join(format!("{suite}.json"))
}

/// One function per line, so that a reviewer sees which one changed.
fn render(
    suite: &str,
    cases: &BTreeMap<CaseId, CountedFunctions>,
) -> Result<String, serde_json::Error> {
    let json = |text: &str| serde_json::to_string(text);
    let mut text = format!(
        "{{\"generated_by\": {},\n\"schema\": {SCHEMA},\n\"suite\": {},\n\"cases\": {{\n",
        json(GENERATED_BY)?,
        json(suite)?
    );
    let last_case = cases.len().saturating_sub(1);
    for (index, (id, case)) in cases.iter().enumerate() {
        let FunctionTable { own, left_out } = &case.table;
        let _ = writeln!(
            text,
            "{}: {{\"instructions\":{},\"left_out\":{left_out},\"own\":{{",
            json(id.key())?,
            case.instructions
        );
        let last_function = own.len().saturating_sub(1);
        for (index, (function, cost)) in own.iter().enumerate() {
            let comma = if index == last_function { "" } else { "," };
            let _ = writeln!(text, "  {}: {cost}{comma}", json(function)?);
        }
        let comma = if index == last_case { "" } else { "," };
        let _ = writeln!(text, "}}}}{comma}");
    }
    text.push_str("}}\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{CountedFunctions, read, write};
    use crate::case_id::CaseId;
    use crate::functions::FunctionTable;

    fn cases() -> BTreeMap<CaseId, CountedFunctions> {
        let case = |instructions, own: &[(&str, u64)]| CountedFunctions {
            instructions,
            table: FunctionTable {
                own: own
                    .iter()
                    .map(|(name, own)| ((*name).to_owned(), *own))
                    .collect(),
                left_out: 3,
            },
        };
        let id = |text: &str| CaseId::new(text).expect("well formed");
        BTreeMap::from([
            (
                id("codec/decode/1_mb"),
                case(100, &[("a::b", 60), ("c \"d\"", 30)]),
            ),
            (id("codec/encode/1_mb"), case(50, &[])),
        ])
    }

    #[test]
    fn what_was_written_is_read_again_and_gives_the_same_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "codec", &cases()).expect("written");
        let path = folder.path().join("functions/codec.json");
        let first = std::fs::read_to_string(&path).expect("there");
        let again = read(folder.path(), "codec").expect("readable");
        assert_eq!(again, cases());
        write(folder.path(), "codec", &again).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), first);
        assert!(first.contains("\n  \"a::b\": 60,\n"), "{first}");
    }

    #[test]
    fn tables_that_nobody_recorded_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(read(folder.path(), "codec").expect("allowed").is_empty());
    }

    #[test]
    fn a_table_that_cannot_be_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "codec", &cases()).expect("written");
        let path = folder.path().join("functions/codec.json");
        let text = std::fs::read_to_string(&path).expect("there");
        for (from, to, complaint) in [
            (": 60", ": 99", "cost more than the whole case"),
            ("\"schema\": 1", "\"schema\": 9", "schema is 9"),
            ("\"suite\": \"codec\"", "\"suite\": \"quota\"", "quota"),
            ("}}\n}}", "", "EOF"),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text);
            std::fs::write(&path, broken).expect("put");
            let error = read(folder.path(), "codec")
                .expect_err(complaint)
                .to_string();
            assert!(
                error.contains("codec.json") && error.contains(complaint),
                "{error}"
            );
        }
    }
}
