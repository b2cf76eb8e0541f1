//! How much of a change matters to pair mode: the `[[pairs]]` part of `benches/relevance.toml`.
//!
//! Pairs see changes that one process against a stored baseline cannot, so they have shares of their own; the
//! `[[case]]` part of the same file is for stored baselines and is read by [`crate::tables`].
//!
//! ```toml
//! [[pairs]]
//! cases = "lifecycle/*"        # the first entry that fits decides; a star stands for anything
//! percent = 5
//! reason = "timers round up to 1 ms"
//! ```

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::pairs::sample::Engine;

/// Below this share a change of a case that takes turns does not matter: what fifteen rounds can see of most cases.
pub const TURNS_RELEVANCE: f64 = 0.01;

/// Below this share a change of a case measured in blocks does not matter: it goes through threads and timers.
pub const BLOCKS_RELEVANCE: f64 = 0.02;

/// The largest share in percent that an entry may set: beyond doubling, "no change matters" should be said otherwise.
const MOST_PERCENT: f64 = 100.0;

const MEND: &str = "mend the table";

/// How much of a change matters, by case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PairRelevance {
    /// In the order of the file.
    entries: Vec<Entry>,
}

/// One entry of the table.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    pattern: String,
    share: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTable {
    #[serde(default)]
    pairs: Vec<WireEntry>,
    /// Left to the reader of stored baselines.
    #[serde(default, rename = "case")]
    _case: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    cases: String,
    percent: f64,
    reason: String,
}

impl PairRelevance {
    /// Reads `relevance.toml` in the folder of the suites; without the file every case has the default.
    pub fn read(benches: &Path) -> Result<Self, Error> {
        let path = benches.join("relevance.toml");
        match files::read_if_there(&path)? {
            None => Ok(Self::default()),
            Some(text) => Self::parse(&path, &text),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wire: WireTable = toml::from_str(text)
            .map_err(|error| Error::malformed(path, error.to_string().trim_end(), MEND))?;
        let mut entries: Vec<Entry> = Vec::new();
        for entry in wire.pairs {
            let malformed = |what: &str| {
                let reason = format!("the entry for pairs of {:?} {what}", entry.cases);
                Error::malformed(path, reason, MEND)
            };
            if entry.reason.trim().is_empty() {
                return Err(malformed("has no reason"));
            }
            if !(entry.percent > 0.0 && entry.percent <= MOST_PERCENT) {
                return Err(malformed(
                    "has a percentage that is not above 0 and at most 100",
                ));
            }
            if entry.cases.is_empty() {
                return Err(malformed("names no case"));
            }
            if entries.iter().any(|other| other.pattern == entry.cases) {
                return Err(malformed("is there twice"));
            }
            entries.push(Entry {
                pattern: entry.cases,
                share: entry.percent / 100.0,
            });
        }
        Ok(Self { entries })
    }

    /// The share below which a change of the case does not matter.
    pub fn of(&self, id: &CaseId, engine: Engine) -> f64 {
        match (self.deciding(id), engine) {
            (Some(entry), _) => entry.share,
            (None, Engine::Turns) => TURNS_RELEVANCE,
            (None, Engine::Blocks) => BLOCKS_RELEVANCE,
        }
    }

    /// The patterns that decide about none of the cases: left behind by a renamed case, or hidden by an entry above.
    ///
    /// One that names a suite of which there is no case here is not idle: the suite was not asked for.
    pub fn idle<'a>(&self, ids: impl IntoIterator<Item = &'a CaseId>) -> Vec<String> {
        let ids: Vec<&CaseId> = ids.into_iter().collect();
        let deciding: Vec<&Entry> = ids.iter().filter_map(|id| self.deciding(id)).collect();
        let is_elsewhere = |entry: &Entry| {
            let suite = entry.pattern.split('/').next().unwrap_or_default();
            !suite.contains('*') && ids.iter().all(|id| id.suite() != suite)
        };
        let is_idle = |entry: &&Entry| !deciding.contains(entry) && !is_elsewhere(entry);
        let idle = self.entries.iter().filter(is_idle);
        idle.map(|entry| entry.pattern.clone()).collect()
    }

    fn deciding(&self, id: &CaseId) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| fits(&entry.pattern, id.as_str()))
    }
}

/// Whether the whole text fits a pattern in which a star stands for any characters, slashes too.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(index, _)| index);
            ends.chain([rest.len()]).any(|end| fits(tail, &rest[end..]))
        }),
    }
}

#[cfg(test)]
mod tests;
