//! What earlier commands kept: reports and records of several kinds, told apart here and nowhere else.
//!
//! Every kind carries `kind` and `schema`. Both are looked at before the rest, or an unknown field of a newer file would
//! hide what is wrong with it.
//!
//! | `kind` | kept by | what it is |
//! |---|---|---|
//! | `baselines` | `plimsoll compare` | [`Report`] |
//! | `pairs` | `plimsoll ab` | [`Report`] |
//! | `load` | `plimsoll load` | [`LoadRecord`] |
//! | `capacity` | `plimsoll capacity` | [`CapacityRecord`] |
//! | `soak` | `plimsoll soak` | [`SoakRecord`] |

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use loadgen::capacity::record::{self as capacity, CapacityRecord};
use loadgen::drift::record::{self as soak, SoakRecord};
use loadgen::report::model::{self as load, LoadRecord};
use results::error::Error;
use results::report::model::{self as comparison, Report};
use serde::Deserialize;
use serde::de::DeserializeOwned;

const MEND: &str = "name what `plimsoll ab`, `compare`, `load`, `capacity` or `soak` of this version wrote with `--format json` \
    or `--report json=FILE`, or make it again";

/// Beside that, for a file that another version understands.
const MEND_VERSION: &str =
    "read it with the plimsoll that wrote it, or make it again with this one";

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Kept {
    /// A judged comparison.
    Comparison(Box<Report>),
    /// A run.
    Load(Box<LoadRecord>),
    /// A search.
    Capacity(Box<CapacityRecord>),
    /// A soak.
    Soak(Box<SoakRecord>),
}

/// What stands on the outside.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Label {
    schema: Option<u64>,
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Baselines,
    Pairs,
    Load,
    Capacity,
    Soak,
}

/// What is wrong with a text, and what to do about it.
#[derive(Debug)]
struct Fault {
    reason: String,
    mend: &'static str,
}

/// Reads a file of any kind, strictly: an unknown field is an error.
///
/// It is opened once, so that a pipe will do.
pub(crate) fn read(path: &Path) -> anyhow::Result<Kept> {
    let text =
        fs::read(path).with_context(|| format!("failed to read the report {}", path.display()))?;
    Ok(parse(&text).map_err(|fault| Error::Malformed {
        path: path.to_owned(),
        reason: fault.reason,
        mend: fault.mend,
    })?)
}

fn parse(text: &[u8]) -> Result<Kept, Fault> {
    let Label { schema, kind } = of_json(text)?;
    let fault = |reason, mend| Err(Fault { reason, mend });
    let (kind, schema) = match (kind, schema) {
        (Some(kind), Some(schema)) => (kind, schema),
        (Some(_), None) => return fault("it has no `schema`".to_owned(), MEND),
        (None, Some(schema)) => {
            return fault(
                format!("its schema is {schema}, but it has no `kind`"),
                MEND,
            );
        }
        (None, None) => return fault("it has neither `kind` nor `schema`".to_owned(), MEND),
    };
    let (what, known) = match kind {
        Kind::Baselines | Kind::Pairs => ("a comparison", comparison::SCHEMA),
        Kind::Load => ("a load run", load::SCHEMA),
        Kind::Capacity => ("a capacity search", capacity::SCHEMA),
        Kind::Soak => ("a soak", soak::SCHEMA),
    };
    if schema != u64::from(known) {
        let reason = format!("its schema is {schema}, and this build reads {known} of {what}");
        return fault(reason, MEND_VERSION);
    }
    match kind {
        Kind::Baselines | Kind::Pairs => of_json(text).map(Kept::Comparison),
        Kind::Load => of_json(text).map(Kept::Load),
        Kind::Capacity => of_json(text).map(Kept::Capacity),
        Kind::Soak => of_json(text).map(Kept::Soak),
    }
}

/// The reason in a fault carries line and column.
fn of_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(text).map_err(|error| Fault {
        reason: match error.is_eof() {
            true => format!("it is cut short: {error}"),
            false => error.to_string(),
        },
        mend: MEND,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, reason: &str) {
        let fault = parse(text.as_bytes()).expect_err(text);
        assert!(fault.reason.contains(reason), "{text}: {fault:?}");
    }

    #[test]
    fn what_nobody_kept_is_refused_with_the_place() {
        check("", "it is cut short: EOF while parsing a value at line 1");
        check("suite\n", "expected value at line 1 column 1");
        check("7", "expected an object at line 1 column 1");
        check("{}", "neither `kind` nor `schema`");
        check(r#"{"schema": 1}"#, "its schema is 1, but it has no `kind`");
        check(r#"{"kind": "load"}"#, "it has no `schema`");
        check(
            r#"{"kind": "night"}"#,
            "unknown variant `night`, expected one of `baselines`, `pairs`, `load`, `capacity`, `soak` at line 1",
        );
        check(r#"{"kind": 7}"#, "at line 1 column 10");
    }

    #[test]
    fn another_schema_is_told_before_its_unknown_fields() {
        for (kind, known) in [
            ("baselines", "2 of a comparison"),
            ("pairs", "2 of a comparison"),
            ("load", "1 of a load run"),
            ("capacity", "1 of a capacity search"),
            ("soak", "2 of a soak"),
        ] {
            let text = format!(r#"{{"new": 1, "kind": "{kind}", "schema": 9}}"#);
            check(
                &text,
                &format!("its schema is 9, and this build reads {known}"),
            );
        }
    }

    #[test]
    fn a_known_kind_is_read_strictly() {
        check(
            r#"{"kind": "pairs", "schema": 2}"#,
            "missing field `outcome`",
        );
        check(
            r#"{"kind": "load", "schema": 1}"#,
            "missing field `scenario`",
        );
        let more = r#"{"kind": "capacity", "schema": 1, "more": 1}"#;
        check(more, "unknown field `more`");
    }
}
