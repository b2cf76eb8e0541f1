//! One case of one night: a line of the history.
//!
//! Every line carries all that it needs to be understood alone, so that a line lost takes no other with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::case_id::CaseId;
use crate::compare::Ratio;
use crate::pairs::comparison::PairComparison;

/// The version of the line that this code writes, and the only one that it reads.
pub(super) const SCHEMA: u32 = 1;

/// Log ratios are stored to so many places: a hundredth of what the best night can tell.
const PLACES: i32 = 6;

/// Seconds from midnight to noon.
const HALF_DAY: i64 = 43_200;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// One case of one night.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub(super) schema: u32,
    /// The case.
    pub case: CaseId,
    /// When the run ended.
    pub time: Timestamp,
    /// What tells this run from all others.
    pub run: String,
    /// The commit that the night was held against: the base of the pairs.
    pub reference: String,
    /// The commit of the night.
    pub commit: String,
    /// The class of the machine that measured.
    pub machine: String,
    /// Whether the run's null control says that nothing of it may be believed.
    pub is_contaminated: bool,
    /// Rounds of base against candidate.
    pub n_rounds: usize,
    /// The share below which a change of the case does not matter.
    pub relevance: f64,
    /// The effect on wall time: what is judged.
    pub wall: Effect,
    /// The effect on CPU time; unset in blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Effect>,
    /// What was counted of the night's commit, by name, such as `instructions`; empty where nothing was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
}

/// The natural logarithm of commit ÷ reference, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// What the rounds favour.
    pub log_ratio: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What all lines of one run share.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// When it ended.
    pub time: Timestamp,
    /// What tells it from all others.
    pub id: String,
    /// The reference.
    pub reference: String,
    /// The commit of the night.
    pub commit: String,
}

/// Lines of a judged run, in the order of the cases; one without an effect on wall time has none.
pub fn lines(
    run: &Run,
    comparison: &PairComparison,
    counts: &BTreeMap<CaseId, BTreeMap<String, u64>>,
) -> Vec<Line> {
    let rows = comparison.rows.iter();
    rows.filter_map(|row| {
        Some(Line {
            schema: SCHEMA,
            case: row.id.clone(),
            time: run.time,
            run: run.id.clone(),
            reference: run.reference.clone(),
            commit: run.commit.clone(),
            machine: comparison.machine.clone(),
            is_contaminated: comparison.control.is_contaminated(),
            n_rounds: row.n_rounds,
            relevance: row.relevance,
            wall: Effect::of(row.wall?.ratio),
            cpu: row.cpu.map(|delta| Effect::of(delta.ratio)),
            counts: counts.get(&row.id).cloned().unwrap_or_default(),
        })
    })
    .collect()
}

impl Effect {
    fn of(ratio: Ratio) -> Self {
        let scale = 10_f64.powi(PLACES);
        let rounded = |ratio: f64| (ratio.ln() * scale).round() / scale;
        Self {
            log_ratio: rounded(ratio.estimate),
            low: rounded(ratio.low),
            high: rounded(ratio.high),
        }
    }

    fn is_possible(&self) -> bool {
        let Self {
            log_ratio,
            low,
            high,
        } = *self;
        // Comparisons with what is not a number fail, and an infinite end says nothing.
        low <= log_ratio && log_ratio <= high && low.is_finite() && high.is_finite()
    }
}

impl Line {
    /// The number of its night. A night goes from noon to noon, in UTC, so that a run that ends around midnight has
    /// one; its date is the one on which it ends.
    pub fn night(&self) -> i32 {
        let night = (self.time.as_second() + HALF_DAY).div_euclid(DAY);
        i32::try_from(night).unwrap_or(i32::MAX)
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // Before the rest is parsed: a newer line's unknown field would otherwise hide the reason.
        #[derive(Deserialize)]
        struct Versioned {
            schema: u32,
        }
        let said = |error: serde_json::Error| error.to_string();
        let Versioned { schema } = serde_json::from_str(text).map_err(said)?;
        if schema != SCHEMA {
            return Err(format!("schema is {schema}, this build reads {SCHEMA}"));
        }
        let line: Self = serde_json::from_str(text).map_err(said)?;
        let effects = [Some(line.wall), line.cpu];
        if !effects.iter().flatten().all(Effect::is_possible) {
            return Err(format!("case {} has an impossible effect", line.case));
        }
        if !(line.relevance > 0.0 && line.relevance.is_finite()) {
            return Err(format!("case {} has an impossible relevance", line.case));
        }
        Ok(line)
    }
}

#[cfg(test)]
mod tests;
