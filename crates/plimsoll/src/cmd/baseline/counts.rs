//! Records instruction counts: repetitions of one program, and the same code linked in another order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use results::baseline::functions::{self, CountedFunctions};
use results::baseline::{self, Baseline, CountCase};
use results::callgrind;
use results::case_id::CaseId;
use results::functions::FunctionTable;
use results::iai::{self, Count};
use results::lint::lints;
use results::machine::{CountMachine, Machine};
use results::record::{Origin, Record};

use super::relink::Relink;
use super::{
    RecordSettings, Scratch, chosen_suites, enough_processes, keep, progress, say_written, tools,
};
use crate::bench::{self, Run};
use crate::workspace::{INSTRUCTIONS, Workspace};

/// The counts of one run, by case.
type Counts = BTreeMap<CaseId, Count>;

pub(super) fn record(
    settings: &RecordSettings,
    workspace: &Workspace,
    baselines: &Path,
) -> anyhow::Result<()> {
    let n_repeats = enough_processes(settings.n_processes, baseline::MIN_COUNT_RUNS)?;
    tools::need_counting_tools()?;
    let folder = baselines.join(baseline::INSTRUCTIONS);
    baseline::read_counts(&folder)?;

    let scratch = Scratch::make(workspace)?;
    let mut counting = Counting {
        workspace,
        folder: &scratch.path,
        progress: progress(settings.n_relinks + n_repeats),
        origin: tools::origin(&Machine::here(), &workspace.root),
        n_runs: 0,
    };
    let mut relinked = Vec::new();
    for seed in 1..=settings.n_relinks {
        relinked.push(counting.relinked(seed)?);
    }
    // The usual program comes last, so that what a recording leaves behind is what the next build expects.
    bench::build(workspace, &[INSTRUCTIONS], &[])?;
    let mut repeats = Vec::new();
    for _ in 0..n_repeats {
        repeats.push(counting.run(Vec::new())?);
    }
    counting.progress.finish_and_clear();

    let records = |runs: &[Counts]| -> Vec<Vec<Record>> {
        let records = |counts: &Counts| counting.records(counts);
        runs.iter().map(records).collect()
    };
    let (relinked, repeated) = (records(&relinked), records(&repeats));
    let counted: BTreeSet<&str> = repeats.iter().flatten().map(|(id, _)| id.suite()).collect();
    let known: Vec<String> = counted.into_iter().map(str::to_owned).collect();
    let suites = chosen_suites(settings.suites.as_deref(), &known)?;
    let recorded = suites
        .iter()
        .map(|suite| baseline::of_counts(suite, &repeated, &relinked))
        .collect::<Result<Vec<_>, _>>()?;
    let tables = recorded
        .iter()
        .map(|baseline| tables(baseline, &repeats))
        .collect::<anyhow::Result<Vec<_>>>()?;
    baseline::write_counts(&folder, &CountMachine::here(), &recorded)?;
    for (baseline, tables) in recorded.iter().zip(&tables) {
        functions::write(&folder, &baseline.suite, tables)?;
    }
    for lint in lints(recorded.iter().flat_map(|baseline| &baseline.cases)) {
        eprintln!("note: {lint}");
    }
    say_written(&folder, recorded.iter().map(|baseline| &*baseline.suite))
}

/// The runs of one recording.
struct Counting<'a> {
    workspace: &'a Workspace,
    folder: &'a Path,
    progress: ProgressBar,
    origin: Origin,
    n_runs: usize,
}

impl Counting<'_> {
    /// Links the program in another order, and counts it.
    fn relinked(&mut self, seed: usize) -> anyhow::Result<Counts> {
        self.progress
            .set_message(format!("linking in order {seed}"));
        let relink = Relink::prepare(self.folder, seed)?;
        bench::build(self.workspace, &[INSTRUCTIONS], &relink.variables())?;
        relink.was_used()?;
        self.run(relink.variables())
    }

    fn run(&mut self, mut variables: Vec<(&'static str, PathBuf)>) -> anyhow::Result<Counts> {
        self.n_runs += 1;
        let n_runs = self.n_runs;
        self.progress
            .set_message(format!("instruction counts, run {n_runs}"));
        let home = self.folder.join(format!("process_{n_runs}"));
        variables.push(("IAI_CALLGRIND_HOME", home.clone()));
        let run = Run {
            workspace: self.workspace,
            target: INSTRUCTIONS,
            variables,
            arguments: Vec::new(),
        };
        run.logged(&self.folder.join(format!("process_{n_runs}.log")))?;
        self.progress.inc(1);
        let counts = iai::read(&home)?;
        let name = format!("counts_{n_runs}.jsonl");
        keep(self.workspace, &name, &self.records(&counts))?;
        Ok(counts)
    }

    fn records(&self, counts: &Counts) -> Vec<Record> {
        let counts = counts.values();
        counts
            .map(|count| Record::of_count(count, &self.origin))
            .collect()
    }
}

/// The most costly functions of each case, of a run whose count is the one that is recorded.
fn tables(
    baseline: &Baseline<CountCase>,
    repeats: &[Counts],
) -> anyhow::Result<BTreeMap<CaseId, CountedFunctions>> {
    let mut tables = BTreeMap::new();
    for (id, case) in &baseline.cases {
        let instructions = case.instructions;
        let counts = repeats.iter().filter_map(|counts| counts.get(id));
        let Some(recorded) = counts
            .into_iter()
            .find(|count| count.instructions == instructions)
        else {
            continue;
        };
        if let Some(costs) = callgrind::read_folder(&recorded.folder)? {
            let table = FunctionTable::most_costly(&costs);
            tables.insert(
                id.clone(),
                CountedFunctions {
                    instructions,
                    table,
                },
            );
        }
    }
    Ok(tables)
}
