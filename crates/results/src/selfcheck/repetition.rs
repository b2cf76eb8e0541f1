//! What one run with a known truth came to: one file each, so that a long check can be interrupted and goes on.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::rule;
use super::slowdowns::{SlowPath, Truth};
use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::pairs::comparison::{LayoutCheck, PairComparison};
use crate::pairs::sample::{Pair, PairCase, PairRun, Round, Sample};
use crate::pairs::test::{self, Clock};
use crate::stats::quantile;
use crate::verdict::Verdict;

/// The version of the file that this code writes, and the only one that it reads.
pub const SCHEMA: u32 = 1;

const MEND: &str = "remove the file; that repetition is then measured again";

/// Iterations that stand for a round once its pairs are only their median: any number, for ratios alone are kept.
const N_ITERATIONS: u64 = 1;

/// What was held against what, by which means, beside which neighbour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// What gave the verdicts.
    pub means: Means,
    /// Whether the other core was kept busy meanwhile.
    pub neighbour: Neighbour,
    /// What is true.
    pub subject: Subject,
}

/// What gave the verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Pair mode.
    Pairs,
    /// Instruction counts.
    Counts,
}

/// What else ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// Nothing of ours; what the machine did is not known.
    None,
    /// A thread of ours on the core that was not measured on.
    Busy,
}

/// What is true.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is", deny_unknown_fields)]
pub enum Subject {
    /// Both sides are copies of one program.
    Same,
    /// The candidate is the same program with one path made slower.
    Slower {
        /// The path.
        path: String,
        /// By how many thousandths.
        per_mille: u32,
    },
    /// The candidate is the same code, linked in another order.
    Relinked,
}

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repetition {
    /// [`SCHEMA`] of the build that wrote it.
    pub schema: u32,
    /// What was tried.
    pub trial: Trial,
    /// How long measuring took, without builds.
    pub took_ms: u64,
    /// The class of the machine.
    pub machine: String,
    /// Tests that shared the false-alarm budget; one per case for counts.
    pub n_tests: usize,
    /// Whether the null control spoke, so that there are no verdicts.
    pub is_contaminated: bool,
    /// Every case.
    pub cases: Vec<CaseOutcome>,
    /// The rounds, each cut down to its median pair, which is all that verdicts look at; unset for counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<PairRun>,
}

/// What was said about one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseOutcome {
    /// The case.
    pub id: CaseId,
    /// What should have been said.
    pub truth: Truth,
    /// What was said.
    pub verdict: Verdict,
    /// Whether it was accused, and other orders of its functions took that back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_layout: bool,
    /// Candidate ÷ base, by wall time or by instructions; unset if nothing could be tested.
    pub ratio: Option<f64>,
    /// Criterion's verdict on all samples of the candidate against all of the base; unset for counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<Verdict>,
    /// Criterion's verdict on the base's samples against those of the repetition before, as a user who runs it before
    /// and after a change has them; unset for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion_in_a_row: Option<Verdict>,
    /// The base's times per iteration, for the repetition after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_ns: Vec<f64>,
}

impl Trial {
    /// What becomes of a case; `paths` are those that can be made slower.
    pub fn truth(&self, id: &CaseId, paths: &[SlowPath]) -> Truth {
        match &self.subject {
            Subject::Same | Subject::Relinked => Truth::Same,
            Subject::Slower { path, .. } => paths
                .iter()
                .find(|slow| slow.name == *path)
                .map_or(Truth::Same, |slow| slow.truth(id, self.means)),
        }
    }
}

impl Repetition {
    /// Whether every case had its first rounds: with fewer, nothing could be accused, rightly or wrongly.
    pub fn is_complete(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.is_complete)
    }

    /// Of a judged run of pair mode; `before` is the repetition before of the same trial.
    pub fn of_pairs(
        trial: &Trial,
        run: &PairRun,
        comparison: &PairComparison,
        paths: &[SlowPath],
        before: Option<&Self>,
        took: Duration,
    ) -> Self {
        let cases = comparison.rows.iter().map(|row| {
            let samples = run.cases.iter().find(|case| case.id == row.id);
            let [base_ns, candidate_ns] = samples.map(times_ns).unwrap_or_default();
            let before =
                before.and_then(|before| before.cases.iter().find(|case| case.id == row.id));
            CaseOutcome {
                id: row.id.clone(),
                truth: trial.truth(&row.id, paths),
                verdict: row.verdict,
                is_layout: matches!(row.layout, LayoutCheck::Gone(_)),
                ratio: row.wall.map(|wall| wall.ratio.estimate),
                criterion: rule::verdict(&base_ns, &candidate_ns, run.seed),
                criterion_in_a_row: before
                    .and_then(|before| rule::verdict(&before.base_ns, &base_ns, run.seed)),
                base_ns,
            }
        });
        Self {
            schema: SCHEMA,
            trial: trial.clone(),
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            machine: comparison.machine.clone(),
            n_tests: comparison.n_tests,
            is_contaminated: comparison.control.is_contaminated(),
            cases: cases.collect(),
            run: Some(condensed(run)),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Times per iteration of all samples of each side, in whole picoseconds: digits beyond cost room and say nothing.
fn times_ns(case: &PairCase) -> [Vec<f64>; 2] {
    let of = |side: fn(&Pair) -> &Sample| {
        let pairs = case.rounds.iter().flat_map(|round| &round.pairs);
        let per_iteration = |sample: &Sample| sample.wall_ns / sample.n_iterations as f64;
        pairs
            .map(|pair| (per_iteration(side(pair)) * 1e3).round() / 1e3)
            .collect()
    };
    [of(|pair| &pair.base), of(|pair| &pair.candidate)]
}

/// The run with one pair per round, which has the round's median ratios and judges as the round does.
pub fn condensed(run: &PairRun) -> PairRun {
    let mut run = run.clone();
    for case in &mut run.cases {
        for rounds in [
            &mut case.rounds,
            &mut case.null_rounds,
            &mut case.confirm_rounds,
        ] {
            for round in rounds {
                if let Some(pair) = median_pair(round) {
                    round.pairs = vec![pair];
                }
            }
        }
    }
    run
}

fn median_pair(round: &Round) -> Option<Pair> {
    let rounds = std::slice::from_ref(round);
    let wall = *test::log_ratios(rounds, Clock::Wall)?.first()?;
    let per_iteration = |time: fn(&Sample) -> f64| {
        let of_base = |pair: &Pair| time(&pair.base) / pair.base.n_iterations as f64;
        quantile(&round.pairs.iter().map(of_base).collect::<Vec<_>>(), 0.5)
    };
    let base = Sample {
        n_iterations: N_ITERATIONS,
        wall_ns: per_iteration(|sample| sample.wall_ns)?,
        cpu_ns: per_iteration(|sample| sample.cpu_ns)?,
        n_involuntary_switches: 0,
        n_page_faults: 0,
    };
    // A thread's clock that showed nothing shows nothing afterwards.
    let cpu = test::log_ratios(rounds, Clock::Cpu).and_then(|ratios| ratios.first().copied());
    let candidate = Sample {
        wall_ns: base.wall_ns * wall.exp(),
        cpu_ns: cpu.map_or(0.0, |cpu| base.cpu_ns * cpu.exp()),
        ..base
    };
    Some(Pair { base, candidate })
}

/// Stores a repetition, replacing the file at once.
pub fn write(path: &Path, repetition: &Repetition) -> Result<(), Error> {
    let mut text = serde_json::to_string(repetition)
        .map_err(|error| Error::malformed(path, error.to_string(), MEND))?;
    text.push('\n');
    files::write_at_once(path, &text)
}

/// Reads every repetition of a folder, in the order of the file names; none if the folder is not there.
pub fn read_all(folder: &Path) -> Result<Vec<Repetition>, Error> {
    let mut repetitions = Vec::new();
    for entry in files::sorted_entries(folder)? {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let repetition: Repetition = files::parse_json(&path, &files::read(&path)?, MEND)?;
        if repetition.schema != SCHEMA {
            let reason = format!("schema is {}, this build reads {SCHEMA}", repetition.schema);
            return Err(Error::malformed(&path, reason, MEND));
        }
        repetitions.push(repetition);
    }
    Ok(repetitions)
}
