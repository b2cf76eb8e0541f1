//! Reads instruction counts: `summary.json` of iai-callgrind 0.16 (schema 6) and of gungraun 0.20 (schema 7).
//!
//! Both need `--save-summary=json` on the run. The id is `group/function/id`, taken from the module path and the id in
//! the file: the benchmark group carries the name of the suite, the function that of the case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;

/// The file of one case.
const SUMMARY: &str = "summary.json";

const MEND: &str = "take the instruction counts again, or remove the folder";

/// What callgrind counted for one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Count {
    /// The case.
    pub id: CaseId,
    /// Instructions executed (`Ir`), the event that decides.
    pub instructions: u64,
    /// Every event that has a whole number, `Ir` among them, under callgrind's names.
    pub events: BTreeMap<String, u64>,
    /// The folder that holds the summary.
    pub folder: PathBuf,
    /// When the summary was written, where the file system tells.
    pub written: Option<SystemTime>,
}

/// Where a project's counts lie in its target directory: `iai` of iai-callgrind, or `gungraun` as it is called today.
///
/// A project that moved from one to the other has both; the one in which a summary was written last is meant.
pub fn home_in(target: &Path) -> PathBuf {
    let [old, new] = ["iai", "gungraun"].map(|name| target.join(name));
    match (newest_summary(&old), newest_summary(&new)) {
        (old_time, Some(new_time)) if old_time.is_none_or(|old_time| old_time < new_time) => new,
        _ => old,
    }
}

fn newest_summary(folder: &Path) -> Option<SystemTime> {
    let entries = files::sorted_entries(folder).unwrap_or_default();
    let times = entries.iter().filter_map(|entry| {
        if entry.file_name() == SUMMARY {
            entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .ok()
        } else if entry.path().is_dir() {
            newest_summary(&entry.path())
        } else {
            None
        }
    });
    times.max()
}

/// Reads every summary below a folder, which may be empty or not there.
pub fn read_if_any(home: &Path) -> Result<BTreeMap<CaseId, Count>, Error> {
    let mut counts = BTreeMap::new();
    walk(home, &mut counts)?;
    Ok(counts)
}

/// Reads every summary below a folder; none at all is an error.
pub fn read(home: &Path) -> Result<BTreeMap<CaseId, Count>, Error> {
    let counts = read_if_any(home)?;
    if counts.is_empty() {
        return Err(Error::Empty {
            path: home.to_owned(),
            mend: "take the counts with `cargo bench --features instructions`; scripts/setup-instructions installs what it needs",
        });
    }
    Ok(counts)
}

fn walk(folder: &Path, counts: &mut BTreeMap<CaseId, Count>) -> Result<(), Error> {
    let summary = folder.join(SUMMARY);
    if summary.is_file() {
        let count = read_summary(folder, &summary)?;
        if let Some(first) = counts.get(&count.id) {
            return Err(Error::Collision {
                id: count.id.to_string(),
                first: first.folder.clone(),
                second: folder.to_owned(),
            });
        }
        counts.insert(count.id.clone(), count);
        return Ok(());
    }
    for entry in files::sorted_entries(folder)? {
        if entry.path().is_dir() {
            walk(&entry.path(), counts)?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct WireVersion {
    version: String,
}

#[derive(Deserialize)]
struct WireSummary {
    module_path: String,
    function_name: String,
    id: Option<String>,
    profiles: Vec<Value>,
}

fn read_summary(folder: &Path, path: &Path) -> Result<Count, Error> {
    let malformed = |reason: String| Error::malformed(path, reason, MEND);
    let text = files::read(path)?;
    // Before anything else: a newer schema may lack what we look for.
    let WireVersion { version } = files::parse_json(path, &text, MEND)?;
    let events_of: fn(&[Value]) -> Option<BTreeMap<String, u64>> = match &*version {
        "6" => events_of_schema_6,
        "7" => events_of_schema_7,
        other => {
            return Err(Error::malformed(
                path,
                format!("its schema is {other:?}, and 6 and 7 are known"),
                "use iai-callgrind 0.16 or gungraun 0.20",
            ));
        }
    };
    let wire: WireSummary = files::parse_json(path, &text, MEND)?;
    let events = events_of(&wire.profiles)
        .ok_or_else(|| malformed("it holds no callgrind events".to_owned()))?;
    let instructions = *events
        .get("Ir")
        .ok_or_else(|| malformed("it holds no count of instructions (Ir)".to_owned()))?;
    let id = id_of(&wire)
        .ok_or_else(|| malformed(format!("{:?} names no benchmark group", wire.module_path)))?;
    Ok(Count {
        id,
        instructions,
        events,
        folder: folder.to_owned(),
        written: std::fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok(),
    })
}

/// `file::group::function` and the id make `group/function/id`.
///
/// An id is an identifier there, so a parameter that begins with a digit has an underscore before it.
fn id_of(wire: &WireSummary) -> Option<CaseId> {
    let mut segments: Vec<&str> = wire.module_path.split("::").collect();
    if segments.last() == Some(&&*wire.function_name) {
        segments.pop();
    }
    let group = segments.get(1..)?.last()?;
    let case = &wire.function_name;
    CaseId::new(match wire.id.as_deref() {
        Some(id) if !id.is_empty() => format!("{group}/{case}/{}", parameter(id)),
        _ => format!("{group}/{case}"),
    })
}

fn parameter(id: &str) -> &str {
    match id.strip_prefix('_') {
        Some(rest) if rest.starts_with(|first: char| first.is_ascii_digit()) => rest,
        _ => id,
    }
}

/// `profiles[].summaries.total.summary.Callgrind.<Event>.metrics` = `{"Left": {"Int": n}}` or `{"Both": [new, old]}`.
fn events_of_schema_6(profiles: &[Value]) -> Option<BTreeMap<String, u64>> {
    let callgrind = profiles
        .iter()
        .find_map(|profile| profile.pointer("/summaries/total/summary/Callgrind"))?;
    let events = callgrind.as_object()?.iter().filter_map(|(event, entry)| {
        let metrics = entry.get("metrics")?;
        let new = metrics.get("Left").or_else(|| metrics.pointer("/Both/0"))?;
        Some((event.clone(), new.get("Int")?.as_u64()?))
    });
    Some(events.collect())
}

/// `profiles[].data.total.metrics.<Event>.values.new`, numbers untagged; the tool stands beside the data.
fn events_of_schema_7(profiles: &[Value]) -> Option<BTreeMap<String, u64>> {
    let callgrind = profiles.iter().find(|profile| {
        let tool = profile.get("tool").and_then(Value::as_str);
        tool.is_some_and(|tool| tool.eq_ignore_ascii_case("callgrind"))
    })?;
    let metrics = callgrind.pointer("/data/total/metrics")?;
    let events = metrics.as_object()?.iter().filter_map(|(event, entry)| {
        Some((event.clone(), entry.pointer("/values/new")?.as_u64()?))
    });
    Some(events.collect())
}

#[cfg(test)]
mod tests;
