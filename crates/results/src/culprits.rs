//! Whose fault a regression is: the functions whose cost grew, and the cases that share one. Pure.
//!
//! One slow function makes every case slow that calls it. Cases with the same culprit are one finding, and a report
//! says it once. The costs may be instructions of two builds or samples of two profiles: see [`crate::functions`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::functions::FunctionChange;

/// Functions that are named for a case.
pub const N_NAMED: usize = 3;

/// The share of all that grew in a case that its culprit must have: with less, the cost is spread and nobody is accused.
pub const CULPRIT_SHARE: f64 = 0.5;

/// The functions behind one regression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseFunctions {
    /// The whole id of the case.
    pub id: String,
    /// The largest changes, largest first, at most [`N_NAMED`].
    pub changes: Vec<FunctionChange>,
    /// The function in which most of the growth is; unset if it is spread over several, or nothing is known.
    pub culprit: Option<String>,
    /// Why no function can be named; unset where some are.
    pub unknown: Option<String>,
}

/// One function that is behind one regression or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Culprit {
    /// Its normalised name.
    pub function: String,
    /// How much it grew in all cases together.
    pub growth: u64,
    /// The cases, in the order of their ids.
    pub cases: Vec<String>,
}

/// Everything that is known about the causes of a comparison's regressions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Culprits {
    /// Every regression whose functions were looked for, in the order of the ids.
    pub by_case: Vec<CaseFunctions>,
    /// Every culprit, the one with the most cases first.
    pub shared: Vec<Culprit>,
}

impl CaseFunctions {
    /// Of a case with all its changes, in any order.
    pub fn of(id: impl Into<String>, mut changes: Vec<FunctionChange>) -> Self {
        changes.sort_by(|left, right| {
            let by_size = right.change.unsigned_abs().cmp(&left.change.unsigned_abs());
            by_size.then_with(|| left.function.cmp(&right.function))
        });
        let culprit = culprit(&changes).map(|change| change.function.clone());
        let unknown = changes
            .is_empty()
            .then(|| "no function's own cost changed".to_owned());
        changes.truncate(N_NAMED);
        Self {
            id: id.into(),
            changes,
            culprit,
            unknown,
        }
    }

    /// Of a case about which nothing can be said.
    pub fn unknown(id: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            changes: Vec::new(),
            culprit: None,
            unknown: Some(why.into()),
        }
    }
}

impl Culprits {
    /// Groups cases by their culprit.
    pub fn of(mut by_case: Vec<CaseFunctions>) -> Self {
        by_case.sort_by(|left, right| left.id.cmp(&right.id));
        let mut cases_by_culprit: BTreeMap<&str, Vec<&CaseFunctions>> = BTreeMap::new();
        for case in &by_case {
            if let Some(culprit) = &case.culprit {
                cases_by_culprit.entry(culprit).or_default().push(case);
            }
        }
        let shared = cases_by_culprit.into_iter().map(|(function, cases)| {
            let changes = cases.iter().flat_map(|case| &case.changes);
            let own = changes.filter(|change| change.function == function);
            Culprit {
                function: function.to_owned(),
                growth: own.map(|change| change.change.max(0).unsigned_abs()).sum(),
                cases: cases.iter().map(|case| case.id.clone()).collect(),
            }
        });
        let mut shared: Vec<Culprit> = shared.collect();
        // Stable, so equal ones stay in the order of their names.
        shared.sort_by_key(|culprit| std::cmp::Reverse((culprit.cases.len(), culprit.growth)));
        Self { by_case, shared }
    }

    /// The functions of one case.
    pub fn case(&self, id: &str) -> Option<&CaseFunctions> {
        self.by_case.iter().find(|case| case.id == id)
    }
}

/// The change that is at least half of all growth.
fn culprit(changes: &[FunctionChange]) -> Option<&FunctionChange> {
    let grown = || changes.iter().filter(|change| change.change > 0);
    let growth: i128 = grown().map(|change| i128::from(change.change)).sum();
    let largest = grown().max_by_key(|change| change.change)?;
    (i128::from(largest.change) as f64 >= growth as f64 * CULPRIT_SHARE).then_some(largest)
}

#[cfg(test)]
mod tests;
