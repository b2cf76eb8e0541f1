//! Which paths can be made slower, and which cases go through them: `benches/slowdowns.toml`.
//!
//! ```toml
//! [[path]]
//! name = "encode"                          # what the variable PLIMSOLL_SLOWDOWN names
//! cases = ["codec/encode/*"]               # made slower by the percentage that the variable says
//! beside = ["codec/round_trip/*"]          # made slower too, by less: neither found nor a false alarm
//! twins = ["codec/encode/1mb"]             # of the cases, those whose count takes a thousand turns or so
//! counted_percent = 0.98                   # by instructions, of one percent that was asked for
//! ```

use std::path::Path;

use serde::Deserialize;

use super::repetition::Means;
use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::relevance::fits;

const MEND: &str = "mend the table";

/// The variable that makes a path slower in a build that has the feature `slowdown`.
pub const VARIABLE: &str = "PLIMSOLL_SLOWDOWN";

/// All paths that can be made slower.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slowdowns {
    /// In the order of the file.
    #[serde(default, rename = "path")]
    pub paths: Vec<SlowPath>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowPath {
    /// What the variable names.
    pub name: String,
    /// Patterns of the cases that become slower by the whole percentage.
    pub cases: Vec<String>,
    /// Patterns of the cases that become slower by a part of it.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Patterns of the cases that can be found by counts: half a percent of ten turns is none.
    #[serde(default)]
    pub twins: Vec<String>,
    /// What one percent came to when instructions were counted; unset until somebody has counted.
    pub counted_percent: Option<f64>,
}

/// What a slowdown should do to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It is slower, and should be called so.
    Slower,
    /// It is slower by a part: whatever is said of it counts for nothing.
    Beside,
    /// It is as it was: calling it anything else is an error.
    Same,
}

impl Slowdowns {
    /// Reads `slowdowns.toml` in the folder of the suites; without the file there is no path.
    pub fn read(benches: &Path) -> Result<Self, Error> {
        let path = benches.join("slowdowns.toml");
        let Some(text) = files::read_if_there(&path)? else {
            return Ok(Self::default());
        };
        let slowdowns: Self = toml::from_str(&text)
            .map_err(|error| Error::malformed(&path, error.to_string().trim_end(), MEND))?;
        for slow in &slowdowns.paths {
            let is_possible = |percent: f64| percent > 0.0 && percent < 10.0;
            if slow.cases.is_empty() || !slow.counted_percent.is_none_or(is_possible) {
                let reason = format!("path {:?} has no case, or an impossible count", slow.name);
                return Err(Error::malformed(&path, reason, MEND));
            }
        }
        Ok(slowdowns)
    }
}

impl SlowPath {
    /// What becomes of a case, and is to be seen by these means.
    pub fn truth(&self, id: &CaseId, means: Means) -> Truth {
        let is_in = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, id.as_str()));
        let is_whole = is_in(&self.cases);
        if is_whole && means == Means::Counts && !is_in(&self.twins) {
            Truth::Beside
        } else if is_whole {
            Truth::Slower
        } else if is_in(&self.beside) {
            Truth::Beside
        } else {
            Truth::Same
        }
    }
}

/// The value of [`VARIABLE`], always of the same length for one path: a longer environment would move the stack.
pub fn value(path: &str, per_mille: u32) -> String {
    format!("{path}={:02}.{}", per_mille / 10, per_mille % 10)
}
