//! A whole comparison: what was measured, what was recorded, and what follows. The one thing that reports show.
//!
//! Reading is here, judging is in [`crate::compare`], words are in [`crate::report`].

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::accept::{self, AcceptanceCensus, Acceptances};
use crate::compare::Ratio;
use crate::culprits::Culprits;
use crate::error::Error;
use crate::figures::Bound;
use crate::lint::Lint;
use crate::machine::Difference;
use crate::record::Unit;
use crate::verdict::{Promise, Verdict};

mod allocations;
mod counts;
mod promises;
mod times;

/// Where results and baselines lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locations {
    /// Criterion's home; the suites' figures are in its folder `figures`.
    pub criterion: PathBuf,
    /// The folder of the instruction counts.
    pub iai: PathBuf,
    /// All baselines; the tables are in `benches`, beside this folder.
    pub baselines: PathBuf,
}

impl Locations {
    /// The folder of the suites, with the tables of relevance and ratios.
    pub fn benches(&self) -> PathBuf {
        self.baselines
            .parent()
            .map_or_else(|| PathBuf::from("benches"), |parent| parent.join("benches"))
    }
}

/// What a comparison is about.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only these suites; unset means all that were measured or recorded.
    pub suites: Option<Vec<String>>,
    /// Only these cases were measured just now; other results on disk are older. Unset means that all count.
    pub ran: Option<BTreeSet<String>>,
    /// A filter left cases out, so a recorded case without a result is not missing, only not run.
    pub filtered: bool,
    /// Suites that began and did not come to their end.
    pub unfinished: Vec<String>,
    /// Further Criterion homes, each with the same cases measured by another fresh process.
    pub more_processes: Vec<PathBuf>,
    /// Which kinds of numbers to look at.
    pub kinds: Kinds,
    /// Instruction counts older than this are of another run; unset means that all count.
    pub counts_since: Option<SystemTime>,
    /// The day on which acceptances must be in force; unset means the clock's.
    pub today: Option<Date>,
}

/// Which kinds of numbers a comparison looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kinds {
    /// Wall times with figures and ratios, allocations, and instruction counts where there are any.
    #[default]
    All,
    /// Instruction counts alone.
    Instructions,
    /// Wall times with figures and ratios, and allocations: all that `cargo bench` alone leaves.
    Times,
}

impl Scope {
    fn has_suite(&self, suite: &str) -> bool {
        match &self.suites {
            Some(suites) => suites.iter().any(|name| name == suite),
            None => true,
        }
    }

    fn is_current(&self, id: &str) -> bool {
        self.ran.as_ref().is_none_or(|ran| ran.contains(id))
    }
}

/// Everything there is to say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The class of the machine that measured.
    pub machine: String,
    /// Every case, by suite and kind of number, in the order of their ids.
    pub rows: Vec<Row>,
    /// Every figure and ratio.
    pub promises: Vec<PromiseRow>,
    /// Cases that are on disk and in scope, but were not measured in this run.
    pub not_run: Vec<String>,
    /// Suites that began and did not come to their end; their rows may be incomplete.
    pub unfinished: Vec<String>,
    /// The functions behind the regressions, as far as they are known.
    pub culprits: Culprits,
    /// What a reader must know beside the rows: why nothing was judged, what drifted.
    pub notes: Vec<Note>,
    /// What became of the slowdowns that were agreed to.
    pub acceptances: AcceptanceCensus,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The whole id.
    pub id: String,
    /// What the numbers count.
    pub unit: Unit,
    /// The measurement; unset for a missing case.
    pub now: Option<f64>,
    /// The baseline; unset for a new case and where there is no baseline.
    pub baseline: Option<f64>,
    /// Measurement ÷ baseline, with its 95 % interval.
    pub ratio: Option<Ratio>,
    /// The share below which a change does not matter; unset where nothing was judged.
    pub relevance: Option<f64>,
    /// What is said about it.
    pub verdict: Verdict,
    /// Why it is not a plain verdict.
    pub reason: Option<String>,
}

impl Row {
    /// The suite, which is the first segment of the id.
    pub fn suite(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}

/// One figure, or one ratio of two cases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromiseRow {
    /// The suite.
    pub suite: String,
    /// The figure's name, or the two cases with `÷` between them.
    pub name: String,
    /// The value; unset if a side of the ratio was not measured.
    pub value: Option<f64>,
    /// Its 95 % interval; unset for an exact value.
    pub interval: Option<(f64, f64)>,
    /// The unit; empty for a ratio.
    pub unit: String,
    /// The promise; unset for a value that only informs.
    pub bound: Option<Bound>,
    /// What is said about it.
    pub promise: Promise,
    /// What the figure says, in the words of its suite.
    pub text: String,
}

/// Something beside the rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum Note {
    /// No wall times are recorded for this class of machines.
    NoBaseline {
        /// The classes that have baselines.
        recorded: Vec<String>,
        /// How this machine differs from the first of them.
        differences: Vec<Difference>,
    },
    /// The baselines of this class say that they are of another machine.
    OtherMachine {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// The machine is the same, and something on it is not.
    Drifted {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// No instruction counts are recorded.
    NoCountBaseline,
    /// The instruction counts were recorded with other tools or processor features.
    OtherCountMachine {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// No allocations are recorded.
    NoAllocationBaseline,
    /// The allocations were recorded with another compiler or for another architecture.
    OtherAllocationMachine {
        /// What differs.
        differences: Vec<Difference>,
    },
    /// Counts that say less than they seem to.
    Lints {
        /// One per case and fault.
        lints: Vec<Lint>,
    },
}

/// What a comparison as a whole says; the binary turns it into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something was judged, and nothing of it is worse or open.
    Fine,
    /// A case regressed, or a promise was missed.
    Regressed,
    /// Nothing could be judged, or something that was tried stayed open, or is missing.
    CouldNotTell,
}

impl Comparison {
    /// Reads and judges all that is in scope. Nothing measured at all is an error.
    pub fn of(locations: &Locations, scope: &Scope) -> Result<Self, Error> {
        let mut comparison = Self {
            machine: String::new(),
            rows: Vec::new(),
            promises: Vec::new(),
            not_run: Vec::new(),
            unfinished: scope.unfinished.clone(),
            culprits: Culprits::default(),
            notes: Vec::new(),
            acceptances: AcceptanceCensus::default(),
        };
        if scope.kinds != Kinds::Instructions {
            times::add(&mut comparison, locations, scope)?;
            allocations::add(&mut comparison, locations, scope)?;
        }
        if scope.kinds != Kinds::Times {
            counts::add(&mut comparison, locations, scope)?;
        }
        comparison.check_suites(scope)?;
        let today = scope.today.unwrap_or_else(accept::today);
        Acceptances::read(&locations.baselines)?.apply(&mut comparison, today);
        Ok(comparison)
    }

    /// How many rows have the verdict.
    pub fn count_of(&self, verdict: Verdict) -> usize {
        self.rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    }

    /// How many promises are judged so.
    pub fn promises_of(&self, promise: Promise) -> usize {
        self.promises
            .iter()
            .filter(|row| row.promise == promise)
            .count()
    }

    /// Whether anything at all was held against something.
    pub fn judged_something(&self) -> bool {
        let judged = [
            Verdict::Accepted,
            Verdict::Improved,
            Verdict::Regressed,
            Verdict::Unchanged,
        ];
        judged.iter().any(|verdict| self.count_of(*verdict) > 0)
            || self.promises_of(Promise::Met) > 0
            || self.promises_of(Promise::Missed) > 0
    }

    /// What the comparison says as a whole: a comparison of nothing is never fine.
    pub fn outcome(&self) -> Outcome {
        if self.count_of(Verdict::Regressed) > 0 || self.promises_of(Promise::Missed) > 0 {
            return Outcome::Regressed;
        }
        let is_open = self.count_of(Verdict::Inconclusive) > 0
            || self.count_of(Verdict::Missing) > 0
            || self.promises_of(Promise::Inconclusive) > 0
            || !self.unfinished.is_empty();
        if is_open || !self.judged_something() {
            Outcome::CouldNotTell
        } else {
            Outcome::Fine
        }
    }

    /// A suite that was asked for by name and is nowhere is a mistyped name, not an empty success.
    fn check_suites(&self, scope: &Scope) -> Result<(), Error> {
        // A closing table is asked about suites that may just have failed before their first case.
        if scope.ran.is_some() {
            return Ok(());
        }
        let there: BTreeSet<&str> = self
            .rows
            .iter()
            .map(Row::suite)
            .chain(self.promises.iter().map(|row| &*row.suite))
            .collect();
        for suite in scope.suites.iter().flatten() {
            if !there.contains(&**suite) {
                return Err(Error::Unknown {
                    what: "suite",
                    name: suite.clone(),
                    place: "the suites to compare".to_owned(),
                    nearest: crate::case_id::nearest(suite, there.iter().copied()),
                });
            }
        }
        Ok(())
    }
}
