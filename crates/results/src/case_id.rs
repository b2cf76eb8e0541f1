//! The name of a case, the same in code, files, tables and reports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The suite of cases that stand in no group, as Criterion allows.
///
/// Suites of this workspace have a group each; those of other projects need not.
pub const UNGROUPED: &str = "(ungrouped)";

/// An id of the form `suite/case/parameter`.
///
/// The first segment is the suite: the bench file, the Criterion group and the baseline file share its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct CaseId(String);

impl CaseId {
    /// Takes a whole id; `None` if it has no suite or nothing after it.
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        let (suite, key) = id.split_once('/')?;
        if suite.is_empty() || key.is_empty() {
            return None;
        }
        Some(Self(id))
    }

    /// Takes an id as Criterion has it: without a group, the case belongs to [`UNGROUPED`]. `None` if it is empty.
    pub fn of_criterion(id: &str) -> Option<Self> {
        Self::new(id).or_else(|| Self::of(UNGROUPED, id))
    }

    /// Joins a suite and a key of its baseline file.
    pub fn of(suite: &str, key: &str) -> Option<Self> {
        Self::new(format!("{suite}/{key}"))
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment.
    pub fn suite(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |parts| parts.0)
    }

    /// Everything after the first segment: the key in the suite's baseline file.
    pub fn key(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |parts| parts.1)
    }
}

/// For files that carry whole ids; the error becomes the reason beside the place in the file.
impl TryFrom<String> for CaseId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::new(&*id).ok_or_else(|| format!("the id {id:?} has no suite, or nothing after it"))
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// The names of `known` that look most like `name`, best first, at most three.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance * 2 <= name.len().max(4) || candidate.contains(name)
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate.to_owned())
        .collect()
}

/// Levenshtein's distance over bytes; ids are ASCII.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left_byte) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right_byte) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(left_byte != right_byte);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{CaseId, nearest};

    #[test]
    fn the_first_segment_is_the_suite_and_the_rest_is_the_key() {
        let id = CaseId::new("fan_out/all_succeed/64_targets").expect("well formed");
        assert_eq!(id.suite(), "fan_out");
        assert_eq!(id.key(), "all_succeed/64_targets");
    }

    #[test]
    fn an_id_without_a_suite_or_a_key_is_refused() {
        for id in ["fib", "/fib", "fib/", ""] {
            assert_eq!(CaseId::new(id), None, "{id:?}");
        }
    }

    #[test]
    fn a_criterion_case_without_a_group_is_kept_apart() {
        for (full_id, expected) in [
            ("fib", "(ungrouped)/fib"),
            ("fib/", "(ungrouped)/fib/"),
            ("numbers/fib/20", "numbers/fib/20"),
        ] {
            let id = CaseId::of_criterion(full_id).expect("not empty");
            assert_eq!(id.as_str(), expected);
        }
        assert_eq!(CaseId::of_criterion(""), None);
    }

    #[test]
    fn the_nearest_name_comes_first_and_strangers_do_not_come() {
        let known = ["quota/allow/1k", "quota/deny/1k", "codec/encode/10_kb"];
        assert_eq!(
            nearest("quota/alow/1k", known),
            ["quota/allow/1k", "quota/deny/1k"]
        );
        assert!(nearest("zzz", known).is_empty());
    }
}
