//! All that a run of pair mode measured: the file between measuring and judging.
//!
//! ```text
//! run ─► case ─► round: a fresh process of each side, on one core ─► pair: one turn of each ─► sample
//! ```
//!
//! Every sample is kept as it was taken. Nothing here is a judgement, so that a run can be judged again, with other
//! tests, long after its two commits are gone.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::machine::Machine;

/// The version of the file that this code writes, and the only one that it reads.
pub const SCHEMA: u32 = 3;

const MEND: &str = "measure the pairs again, or read it with the build that wrote it";

/// All that one run of pair mode measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRun {
    /// [`SCHEMA`] of the build that wrote it.
    pub schema: u32,
    /// What drew the order of the sides and the cases of the null control.
    pub seed: u64,
    /// What the candidate is held against.
    pub base: Side,
    /// What is judged.
    pub candidate: Side,
    /// Where it was measured.
    pub machine: Machine,
    /// Every case that either side knows, once.
    pub cases: Vec<PairCase>,
    /// Whether the run came to its end; a run that was interrupted keeps what it has.
    pub is_complete: bool,
}

/// One of the two programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// What the user typed: a branch, a commit, a path.
    pub label: String,
    /// The commit it was built from; unset outside a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the tree differed from the commit.
    pub is_dirty: bool,
}

/// One case with all its rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCase {
    /// The case.
    pub id: CaseId,
    /// How the sides took turns.
    pub engine: Engine,
    /// Base against candidate: what is judged.
    pub rounds: Vec<Round>,
    /// Base against base, where "candidate" is the base too; empty for a case that the null control did not draw.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub null_rounds: Vec<Round>,
    /// Fresh rounds, on another core where `rounds` left one, taken after `rounds` accused the case; empty for a case that was not accused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirm_rounds: Vec<Round>,
    /// Rounds of programs whose functions lie in another order, drawn anew for each side: one list per order. Taken
    /// after fresh rounds have confirmed an accusation; empty for all other cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layout_rounds: Vec<Vec<Round>>,
    /// Why there are no programs in other orders; unset unless some were wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout_failure: Option<String>,
    /// Set if both sides run the same program, so that there was nothing to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_program: Option<SameProgram>,
    /// Why the case has no rounds, or fewer than the others; unset if nothing went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<CaseFailure>,
}

/// What is the same about two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameProgram {
    /// Every byte, but for the path of the checkout.
    Wholly,
    /// Everything that is loaded, but for the line numbers in the messages of panics: comments moved.
    ButForLines,
}

/// How the two sides of a case took turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// Both processes live at once on one core and alternate sample by sample.
    Turns,
    /// Whole processes one after the other, base, candidate, candidate, base: for cases with threads; coarser.
    Blocks,
}

/// One fresh process of each side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The core that both processes were pinned to; the first of them for a case with threads.
    pub core: u32,
    /// Whether the base took the first turn of each pair; drawn by the run's seed.
    pub is_base_first: bool,
    /// The turns, in the order in which they were taken.
    pub pairs: Vec<Pair>,
}

/// One turn of each side, as close in time as the engine can.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The turn of the base.
    pub base: Sample,
    /// The turn of the candidate.
    pub candidate: Sample,
}

/// One turn: a batch of iterations. In the file a row of numbers in the order of the fields, for there are many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Sample {
    /// Iterations in the batch; the sides may differ in it.
    pub n_iterations: u64,
    /// Wall time of the whole batch.
    pub wall_ns: f64,
    /// CPU time of the measuring thread over the whole batch.
    pub cpu_ns: f64,
    /// How often the kernel took the core away during the batch.
    pub n_involuntary_switches: u32,
    /// Page faults during the batch, minor and major.
    pub n_page_faults: u32,
}

/// The fields of a [`Sample`].
type Row = (u64, f64, f64, u32, u32);

impl From<Row> for Sample {
    fn from(row: Row) -> Self {
        let (n_iterations, wall_ns, cpu_ns, n_involuntary_switches, n_page_faults) = row;
        Self {
            n_iterations,
            wall_ns,
            cpu_ns,
            n_involuntary_switches,
            n_page_faults,
        }
    }
}

impl From<Sample> for Row {
    fn from(sample: Sample) -> Self {
        (
            sample.n_iterations,
            sample.wall_ns,
            sample.cpu_ns,
            sample.n_involuntary_switches,
            sample.n_page_faults,
        )
    }
}

/// Why a case could not be measured, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum CaseFailure {
    /// The base does not have the case: it is new, or renamed.
    MissingInBase,
    /// The candidate does not have the case: it is gone, or renamed.
    MissingInCandidate,
    /// The case panicked in the base.
    PanickedInBase {
        /// What it said.
        message: String,
    },
    /// The case panicked in the candidate.
    PanickedInCandidate {
        /// What it said.
        message: String,
    },
    /// A side did not come to its end in time.
    TimedOut {
        /// How long it was waited for.
        after_ms: u64,
    },
    /// The base ended well and left nothing to compare.
    NoSamplesInBase {
        /// What may have kept it from that.
        message: String,
    },
    /// The candidate ended well and left nothing to compare.
    NoSamplesInCandidate {
        /// What may have kept it from that.
        message: String,
    },
    /// Several benchmarks of one side have this id, so nobody knows whose samples would be whose.
    AmbiguousId {
        /// What the suite calls them.
        names: Vec<String>,
    },
    /// The sides measure in ways that do not match, such as one sample against many.
    SettingsDiffer,
}

/// Stores a run, replacing the file at once.
pub fn write(path: &Path, run: &PairRun) -> Result<(), Error> {
    let mut text = serde_json::to_string(run)
        .map_err(|error| Error::malformed(path, error.to_string(), MEND))?;
    text.push('\n');
    files::write_at_once(path, &text)
}

/// Reads a run and checks that its numbers can be judged.
pub fn read(path: &Path) -> Result<PairRun, Error> {
    let text = files::read(path)?;
    check_schema(path, &text)?;
    let run: PairRun = files::parse_json(path, &text, MEND)?;
    run.check()
        .map_err(|reason| Error::malformed(path, reason, MEND))?;
    Ok(run)
}

/// Before the rest is parsed: a newer file's unknown field would otherwise hide the reason.
fn check_schema(path: &Path, text: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let Versioned { schema } = files::parse_json(path, text, MEND)?;
    if schema == SCHEMA {
        return Ok(());
    }
    let reason = format!("schema is {schema}, this build reads {SCHEMA}");
    Err(Error::malformed(path, reason, MEND))
}

impl PairRun {
    /// What tells this run from all others: a hash of all that it measured.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        // A run that could be read can be written.
        hash.update(serde_json::to_vec(self).unwrap_or_default());
        let digest = hash.finalize();
        let digits = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        digits.collect()
    }

    /// What no measurement can be: a case given twice, a batch without iterations, a time that is not positive.
    fn check(&self) -> Result<(), String> {
        let mut ids = std::collections::BTreeSet::new();
        for case in &self.cases {
            if !ids.insert(&case.id) {
                return Err(format!("case {} is there twice", case.id));
            }
            let lists = [&case.rounds, &case.null_rounds, &case.confirm_rounds];
            let rounds = lists.into_iter().chain(&case.layout_rounds).flatten();
            for pair in rounds.flat_map(|round| &round.pairs) {
                for sample in [&pair.base, &pair.candidate] {
                    if !sample.is_possible() {
                        return Err(format!("case {} has an impossible sample", case.id));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Sample {
    /// CPU time may be zero where the thread only waited.
    fn is_possible(&self) -> bool {
        let is_time = |ns: f64| ns.is_finite() && ns >= 0.0;
        self.n_iterations > 0 && is_time(self.wall_ns) && self.wall_ns > 0.0 && is_time(self.cpu_ns)
    }
}

#[cfg(test)]
mod tests;
