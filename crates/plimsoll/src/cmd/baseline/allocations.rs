//! Records what paths allocate.

use std::collections::BTreeSet;
use std::path::Path;

use results::allocations;
use results::baseline;
use results::machine::AllocationMachine;

use super::{RecordSettings, Scratch, chosen_suites, enough_processes, progress, say_written};
use crate::bench::{self, Run};
use crate::workspace::{ALLOCATIONS, Workspace};

pub(super) fn record(
    settings: &RecordSettings,
    workspace: &Workspace,
    baselines: &Path,
) -> anyhow::Result<()> {
    let n_processes = enough_processes(settings.n_processes, baseline::MIN_COUNT_RUNS)?;
    let folder = baselines.join(baseline::ALLOCATIONS);
    baseline::read_allocations(&folder)?;

    bench::build(workspace, &[ALLOCATIONS], &[])?;
    let scratch = Scratch::make(workspace)?;
    let progress = progress(n_processes);
    let mut processes = Vec::new();
    for process in 1..=n_processes {
        progress.set_message(format!("allocations, process {process} of {n_processes}"));
        let home = scratch.path.join(format!("process_{process}"));
        let run = Run {
            workspace,
            target: ALLOCATIONS,
            variables: vec![("CRITERION_HOME", home.clone())],
            arguments: Vec::new(),
        };
        run.logged(&scratch.path.join(format!("process_{process}.log")))?;
        processes.push(allocations::read_if_any(&home)?);
        progress.inc(1);
    }
    progress.finish_and_clear();

    let counted: BTreeSet<&str> = processes
        .iter()
        .flat_map(|process| process.keys())
        .map(|id| id.suite())
        .collect();
    let known: Vec<String> = counted.into_iter().map(str::to_owned).collect();
    let suites = chosen_suites(settings.suites.as_deref(), &known)?;
    let recorded = suites
        .iter()
        .map(|suite| baseline::allocations::of_processes(suite, &processes))
        .collect::<Result<Vec<_>, _>>()?;
    baseline::write_allocations(&folder, &AllocationMachine::here(), &recorded)?;
    say_written(&folder, recorded.iter().map(|baseline| &*baseline.suite))
}
