//! What every report shows: one form for a comparison with baselines and for one of two commits.
//!
//! This is also the JSON that is stored and read back, so it is a contract: its schema stands in
//! `fixtures/schemas/report.json`, and a field that changes its meaning is a new [`SCHEMA`].

use serde::{Deserialize, Serialize};

use crate::compare::Ratio;
use crate::comparison::{Outcome, PromiseRow};
use crate::machine::Machine;
use crate::pairs::sample::{Engine, Side};
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

mod codes;

pub use codes::{About, Reason};

/// The version that this code writes, and the only one that it reads.
pub const SCHEMA: u32 = 2;

/// A judged comparison with everything that a reader may ask of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA`] of the build that wrote it.
    pub schema: u32,
    /// What was held against what.
    pub kind: Kind,
    /// What it says as a whole.
    pub outcome: Outcome,
    /// Whether anything was judged at all; an empty list is no success.
    pub judged_something: bool,
    /// The two programs; unset for a comparison with baselines.
    pub sides: Option<Sides>,
    /// How it was judged.
    pub method: Method,
    /// The class of the machine that measured.
    pub machine: String,
    /// The machine itself; unset where only its class is known.
    pub machine_details: Option<Machine>,
    /// Every case, in the order of their ids.
    pub cases: Vec<Case>,
    /// Every figure and ratio with its promise.
    pub promises: Vec<PromiseRow>,
    /// What was not judged, and why: cases by id, whole suites by name.
    pub not_judged: Vec<NotJudged>,
    /// What a reader must know beside the cases.
    pub notes: Vec<Note>,
    /// Regressions that share one cause; empty where nobody looked for causes.
    pub causes: Vec<Cause>,
    /// How cases went over time; empty where no history is kept.
    pub histories: Vec<History>,
}

/// What was held against what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A measurement against stored baselines.
    Baselines,
    /// Two commits, measured in turns.
    Pairs,
}

/// The two programs of pair mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sides {
    /// What the candidate was held against.
    pub base: Side,
    /// What was judged.
    pub candidate: Side,
}

/// How it was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The chance that unchanged code is accused anywhere in the run.
    pub false_alarm_budget: f64,
    /// The confidence of every interval.
    pub confidence: f64,
    /// The smallest number of tests that share the budget; unset for pairs, which count theirs.
    pub min_family: Option<usize>,
    /// The rest, for two commits alone.
    pub pairs: Option<PairMethod>,
}

/// How two commits were judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairMethod {
    /// Tests that shared the budget: one per case and clock.
    pub n_tests: usize,
    /// Of the improvements that are named, at most this share is named in error, on the average.
    pub report_rate: f64,
    /// What drew the order of cases and sides; a text, because not every reader of JSON knows whole numbers this large.
    pub seed: String,
    /// Whether the run came to its end.
    pub is_complete: bool,
    /// What base against base gave.
    pub control: Control,
}

/// The null control of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Cases that ran base against base.
    pub n_cases: usize,
    /// Those of them in which base differed from base.
    pub fired: Vec<String>,
    /// The chance of as many or more.
    pub chance: f64,
    /// Whether nothing of the run may be believed.
    pub is_contaminated: bool,
}

/// One case by one kind of number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The whole id; in its table, a case is called by what follows the suite.
    pub id: String,
    /// What `before` and `now` count, per iteration.
    pub unit: Unit,
    /// The baseline, or the base's median; unset where there is none.
    pub before: Option<f64>,
    /// The measurement, or the candidate's median; unset for a missing case.
    pub now: Option<f64>,
    /// The 95 % interval of `now`; unset where one process says nothing of others, and for an exact count.
    pub now_interval: Option<(f64, f64)>,
    /// The change by the clock that people wait for, or of the count; unset where nothing could be tested.
    pub change: Option<Change>,
    /// The change of CPU time; unset where it was not taken.
    pub cpu: Option<Change>,
    /// Instructions of the base and the candidate, of a case that has a twin; unset for a comparison with baselines.
    pub instructions: Option<BothSides>,
    /// The share below which a change does not matter; unset where nothing was judged.
    pub relevance: Option<f64>,
    /// How the sides took turns; unset for a comparison with baselines.
    pub engine: Option<Engine>,
    /// Fresh process pairs; unset for a comparison with baselines.
    pub n_rounds: Option<usize>,
    /// What fresh rounds say about an accused case; unset if there are none.
    pub confirmation: Option<Fresh>,
    /// What is said about it.
    pub verdict: Verdict,
    /// Why, for programs.
    pub reasons: Vec<Reason>,
    /// Why, and what else is worth knowing, for people.
    pub remarks: Vec<String>,
}

/// A change with what it takes to believe it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Now ÷ before with its 95 % interval.
    pub ratio: Ratio,
    /// The chance of as large a change if there were none; unset for a comparison with baselines.
    pub p: Option<f64>,
    /// The same once all tests of the run share one budget.
    pub p_corrected: Option<f64>,
    /// The share that the interval must lie beyond; unset for a comparison with baselines.
    pub floor: Option<f64>,
}

/// What both sides counted, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BothSides {
    /// Of the base.
    pub base: u64,
    /// Of the candidate.
    pub candidate: u64,
}

/// What fresh rounds say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fresh {
    /// Whether they agree that it is slower.
    pub agrees: bool,
    /// The chance of rounds as lopsided towards slower.
    pub p: f64,
}

/// Something that was not judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// A case's id, or a suite's name.
    pub name: String,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people.
    pub why: String,
}

/// Something beside the cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What it is about, for programs.
    pub about: About,
    /// What it says, in a paragraph.
    pub text: String,
    /// In what two machines differ, where that is the point.
    pub differences: Vec<NotedDifference>,
}

/// One field in which two machines differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedDifference {
    /// The field's name as in `machine.json`.
    pub field: String,
    /// Its value on the machine of the baseline.
    pub baseline: String,
    /// Its value here.
    pub here: String,
}

/// Regressions that share one guilty function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// The function whose cost grew most in all of these cases.
    pub function: String,
    /// The ids of the cases.
    pub cases: Vec<String>,
    /// By how much, and by what it was measured, in words.
    pub evidence: String,
}

/// How one case went over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The whole id.
    pub id: String,
    /// What the values are: `time against the reference`.
    pub what: String,
    /// One per night, oldest first.
    pub values: Vec<f64>,
    /// The positions in `values` at which a new level begins.
    pub change_points: Vec<usize>,
}

impl Report {
    /// How many cases have the verdict.
    pub fn count_of(&self, verdict: Verdict) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.verdict == verdict).count()
    }

    /// How many promises are judged so.
    pub fn promises_of(&self, promise: Promise) -> usize {
        let promises = self.promises.iter();
        promises.filter(|row| row.promise == promise).count()
    }

    /// Whether the null control forbids to believe anything of it.
    pub fn is_contaminated(&self) -> bool {
        let pairs = self.method.pairs.as_ref();
        pairs.is_some_and(|pairs| pairs.control.is_contaminated)
    }

    /// The cases with a row in the tables.
    pub fn shown(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| self.is_shown(case))
    }

    /// The cases without one: the census has them.
    pub fn left_out(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| !self.is_shown(case))
    }

    /// A measurement without a baseline says something by itself. Half of a pair does not.
    fn is_shown(&self, case: &Case) -> bool {
        match case.verdict {
            Verdict::Missing | Verdict::New => false,
            Verdict::NotJudged => self.kind == Kind::Baselines,
            _ => true,
        }
    }

    /// Cases that are on disk and were left out of this run.
    pub fn n_not_run(&self) -> usize {
        let not_run = self.not_judged.iter();
        not_run
            .filter(|entry| entry.reason == Reason::NotRun)
            .count()
    }
}

impl Case {
    /// The first segment of the id.
    pub fn suite(&self) -> &str {
        self.id.split_once('/').map_or(&*self.id, |parts| parts.0)
    }

    /// What follows the suite.
    pub fn key(&self) -> &str {
        self.id.split_once('/').map_or(&*self.id, |parts| parts.1)
    }
}
