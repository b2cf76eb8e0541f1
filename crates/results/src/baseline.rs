//! Baselines: what the cases cost when someone last agreed to it, as text that a reviewer can read.
//!
//! ```text
//! baselines/<machine class>/machine.json      which machine
//! baselines/<machine class>/<suite>.json      wall times, one case per line
//! baselines/instructions/machine.json         which toolchain and processor features
//! baselines/instructions/<suite>.json         instruction counts, one case per line
//! baselines/instructions/functions/           of which functions they are made
//! baselines/allocations/                      allocation counts, likewise
//! ```
//!
//! Keys are sorted, numbers are rounded to digits that mean something, and nothing in a file changes without its
//! numbers: no time stamp, no commit (version control knows both). Re-recording the same data gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::case_id::CaseId;
use crate::error::Error;
use crate::files;
use crate::machine;
use crate::record::{Record, Unit};
use crate::round::{SPREAD_DIGITS, TIME_DIGITS, significant};
use crate::stats::LogMoments;

pub mod allocations;
pub mod functions;

mod wire;

/// The folder of the allocations, beside the folders of the machine classes.
pub const ALLOCATIONS: &str = "allocations";

/// The folder of the instruction counts, beside the folders of the machine classes.
pub const INSTRUCTIONS: &str = "instructions";

/// Fresh processes below which no baseline is made: fewer say nothing about the spread between runs.
pub const MIN_PROCESSES: usize = 3;

/// Repetitions of the counts below which no band is known.
pub const MIN_COUNT_RUNS: usize = 2;

/// Runs of the same code linked in another order below which the band of the instruction counts is not known.
pub const MIN_RELINKS: usize = 1;

/// Wall times of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeCase {
    /// What stood for each process, in nanoseconds per iteration, in the order of the processes.
    pub runs_ns: Vec<f64>,
    /// Mean and spread of the runs on the log scale.
    pub moments: LogMoments,
    /// Standard error within a process on the log scale, the root of the processes' mean square.
    pub within: f64,
}

/// Instruction counts of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountCase {
    /// The smallest count of the repetitions.
    pub instructions: u64,
    /// How far any other count of the same code was from it, among repetitions and relinks: zero for a case that
    /// neither chance nor layout moves.
    pub band: u64,
    /// How far the repetitions of one program alone were apart: zero for a deterministic case.
    pub repeats: u64,
}

/// The baseline of one suite, for times or for counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline<C> {
    /// The suite.
    pub suite: String,
    /// Every case of the suite.
    pub cases: BTreeMap<CaseId, C>,
}

impl TimeCase {
    /// From the location of each process and the standard error within them; `None` if a time is not positive.
    pub fn new(runs_ns: &[f64], within: f64) -> Option<Self> {
        let runs_ns: Vec<f64> = runs_ns
            .iter()
            .map(|run| significant(*run, TIME_DIGITS))
            .collect();
        let moments = LogMoments::of(&runs_ns)?;
        Some(Self {
            runs_ns,
            moments,
            within: significant(within * 100.0, SPREAD_DIGITS) / 100.0,
        })
    }

    /// What stands for the case: the geometric mean of its runs, in nanoseconds.
    pub fn estimate_ns(&self) -> f64 {
        self.moments.mean.exp()
    }
}

/// Makes the baseline of a suite from the records of several fresh processes.
pub fn of_times(suite: &str, processes: &[Vec<Record>]) -> Result<Baseline<TimeCase>, Error> {
    let refused = |reason: String| Error::Unrecordable {
        suite: suite.to_owned(),
        reason,
    };
    if processes.len() < MIN_PROCESSES {
        return Err(refused(format!(
            "{} fresh processes are too few to know the spread between runs; take {MIN_PROCESSES} or more",
            processes.len()
        )));
    }
    let mut cases = BTreeMap::new();
    for (id, records) in by_case(suite, processes, Unit::Nanoseconds)? {
        let runs: Vec<f64> = records.iter().map(|record| record.estimate).collect();
        let errors = records.iter().map(|record| {
            let (low, high) = record.interval;
            let quantile = crate::stats::Quantile {
                estimate: record.estimate,
                low,
                high,
            };
            quantile.log_error().powi(2)
        });
        let within = (errors.sum::<f64>() / records.len() as f64).sqrt();
        let case = TimeCase::new(&runs, within)
            .ok_or_else(|| refused(format!("{id} has a time that is not positive")))?;
        cases.insert(id, case);
    }
    Ok(Baseline {
        suite: suite.to_owned(),
        cases,
    })
}

/// Makes the baseline of a suite from instruction counts: repetitions of one program, and one run or more of the same
/// code linked in another order.
pub fn of_counts(
    suite: &str,
    repeats: &[Vec<Record>],
    relinks: &[Vec<Record>],
) -> Result<Baseline<CountCase>, Error> {
    let refused = |reason: String| Error::Unrecordable {
        suite: suite.to_owned(),
        reason,
    };
    if repeats.len() < MIN_COUNT_RUNS || relinks.len() < MIN_RELINKS {
        return Err(refused(format!(
            "{} runs and {} relinks show no band; take {MIN_COUNT_RUNS} and {MIN_RELINKS} or more",
            repeats.len(),
            relinks.len()
        )));
    }
    let counts = |runs| -> Result<BTreeMap<CaseId, Vec<u64>>, Error> {
        let cases = by_case(suite, runs, Unit::Instructions)?.into_iter();
        let counts = |records: Vec<&Record>| {
            records
                .iter()
                .map(|record| record.estimate as u64)
                .collect()
        };
        Ok(cases.map(|(id, records)| (id, counts(records))).collect())
    };
    let relinked = counts(relinks)?;
    let mut cases = BTreeMap::new();
    for (id, repeated) in counts(repeats)? {
        let others = relinked
            .get(&id)
            .ok_or_else(|| refused(format!("{id} was not counted in the relinked program")))?;
        let smallest = repeated.iter().copied().min().unwrap_or(0);
        let furthest = |counts: &[u64]| counts.iter().map(|count| count.abs_diff(smallest)).max();
        let repeats = furthest(&repeated).unwrap_or(0);
        let case = CountCase {
            instructions: smallest,
            band: furthest(others).unwrap_or(0).max(repeats),
            repeats,
        };
        cases.insert(id, case);
    }
    Ok(Baseline {
        suite: suite.to_owned(),
        cases,
    })
}

/// The suite's records by case; every case must be in every process.
fn by_case<'a>(
    suite: &str,
    processes: &'a [Vec<Record>],
    unit: Unit,
) -> Result<BTreeMap<CaseId, Vec<&'a Record>>, Error> {
    let mut records_by_case: BTreeMap<CaseId, Vec<&Record>> = BTreeMap::new();
    for records in processes {
        for record in records.iter().filter(|record| record.unit == unit) {
            if record.id.suite() == suite {
                records_by_case
                    .entry(record.id.clone())
                    .or_default()
                    .push(record);
            }
        }
    }
    let refused = |reason: String| Error::Unrecordable {
        suite: suite.to_owned(),
        reason,
    };
    if records_by_case.is_empty() {
        return Err(refused("no process measured a case of it".to_owned()));
    }
    for (id, records) in &records_by_case {
        if records.len() != processes.len() {
            return Err(refused(format!(
                "{id} was measured in {} of {} processes",
                records.len(),
                processes.len()
            )));
        }
    }
    Ok(records_by_case)
}

/// Everything recorded for one machine class.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelf<C, M> {
    /// The machine that recorded it.
    pub machine: M,
    /// Every suite with a baseline, by name.
    pub suites: BTreeMap<String, Baseline<C>>,
}

/// Wall times of one machine class.
pub type TimeShelf = Shelf<TimeCase, machine::Machine>;

/// Instruction counts.
pub type CountShelf = Shelf<CountCase, machine::CountMachine>;

/// Allocations.
pub type AllocationShelf = Shelf<allocations::AllocationCase, machine::AllocationMachine>;

impl<C, M> Shelf<C, M> {
    /// Every case of every suite.
    pub fn cases(&self) -> impl Iterator<Item = (&CaseId, &C)> {
        self.suites.values().flat_map(|baseline| &baseline.cases)
    }

    /// One case.
    pub fn case(&self, id: &CaseId) -> Option<&C> {
        self.suites.get(id.suite())?.cases.get(id)
    }
}

/// Reads the wall times in a class's folder; `None` if nothing was recorded there.
pub fn read_times(folder: &Path) -> Result<Option<TimeShelf>, Error> {
    wire::read_shelf(folder)
}

/// Reads the instruction counts in their folder; `None` if nothing was recorded there.
pub fn read_counts(folder: &Path) -> Result<Option<CountShelf>, Error> {
    wire::read_shelf(folder)
}

/// Reads the allocations in their folder; `None` if nothing was recorded there.
pub fn read_allocations(folder: &Path) -> Result<Option<AllocationShelf>, Error> {
    wire::read_shelf(folder)
}

/// Stores a suite's wall times in a class's folder, and the machine beside them.
///
/// What is there already must be understood first: a baseline that does not parse is an error, not something to replace.
pub fn write_times(
    folder: &Path,
    machine: &machine::Machine,
    baselines: &[Baseline<TimeCase>],
) -> Result<(), Error> {
    if let Some(shelf) = read_times(folder)? {
        refuse_foreign(folder, &machine.foreign_to(&shelf.machine))?;
    }
    for baseline in baselines {
        wire::write_suite(folder, baseline)?;
    }
    machine::write(folder, machine)
}

/// Stores a suite's instruction counts, and the machine beside them.
///
/// Counts of two machines do not mix: unless all suites in the folder are stored anew, another machine is refused.
pub fn write_counts(
    folder: &Path,
    machine: &machine::CountMachine,
    baselines: &[Baseline<CountCase>],
) -> Result<(), Error> {
    if let Some(shelf) = read_counts(folder)? {
        let renewed: BTreeSet<&String> = baselines.iter().map(|baseline| &baseline.suite).collect();
        let all_renewed = shelf.suites.keys().all(|suite| renewed.contains(suite));
        if !all_renewed {
            refuse_foreign(folder, &machine.foreign_to(&shelf.machine))?;
        }
    }
    for baseline in baselines {
        wire::write_suite(folder, baseline)?;
    }
    machine::write(folder, machine)
}

/// Stores suites' allocations, and the machine beside them.
///
/// As with instruction counts, another compiler is refused unless all suites in the folder are stored anew.
pub fn write_allocations(
    folder: &Path,
    machine: &machine::AllocationMachine,
    baselines: &[Baseline<allocations::AllocationCase>],
) -> Result<(), Error> {
    if let Some(shelf) = read_allocations(folder)? {
        let renews = |suite: &String| baselines.iter().any(|baseline| baseline.suite == *suite);
        if !shelf.suites.keys().all(renews) {
            refuse_foreign(folder, &machine.foreign_to(&shelf.machine))?;
        }
    }
    for baseline in baselines {
        wire::write_suite(folder, baseline)?;
    }
    machine::write(folder, machine)
}

fn refuse_foreign(folder: &Path, differences: &[machine::Difference]) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    let fields: Vec<String> = differences.iter().map(ToString::to_string).collect();
    Err(Error::malformed(
        &folder.join(machine::FILE),
        format!(
            "the baselines there are of another machine ({})",
            fields.join("; ")
        ),
        "record all suites of the folder, or remove it first",
    ))
}

/// The machine classes that have wall times, in the order of their names.
pub fn classes(baselines: &Path) -> Result<Vec<String>, Error> {
    let entries = files::sorted_entries(baselines)?;
    let names = entries.iter().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_class = entry.path().join(machine::FILE).is_file()
            && ![INSTRUCTIONS, ALLOCATIONS].contains(&&*name);
        is_class.then_some(name)
    });
    Ok(names.collect())
}

#[cfg(test)]
mod tests;
