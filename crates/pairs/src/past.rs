//! What earlier runs left: the null controls of this machine, small enough to keep many.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use results::machine::Machine;
use results::pairs::control::NullEstimates;
use results::pairs::sample::{self, PairRun};

use crate::error::Error;

/// Runs that are kept: enough that a case which one run in seven draws has a handful of estimates.
const KEPT: usize = 40;

/// The estimates of all kept runs on machines of this class. A file that cannot be read is left out.
pub fn null_estimates(folder: &Path, machine: &Machine) -> NullEstimates {
    let mut estimates = NullEstimates::default();
    for path in oldest_first(folder) {
        let run = sample::read(&path).ok();
        if let Some(run) = run.filter(|run| run.machine.class() == machine.class()) {
            estimates.add_run(&run);
        }
    }
    estimates
}

/// Keeps the null control of a run, and forgets the oldest beyond those that are kept.
pub fn keep(folder: &Path, run: &PairRun) -> Result<(), Error> {
    let mut control = run.clone();
    control.cases.retain(|case| !case.null_rounds.is_empty());
    for case in &mut control.cases {
        case.rounds.clear();
        case.confirm_rounds.clear();
    }
    if control.cases.is_empty() {
        return Ok(());
    }
    sample::write(&folder.join(format!("{:016x}.json", run.seed)), &control)?;
    let paths = oldest_first(folder);
    for path in &paths[..paths.len().saturating_sub(KEPT)] {
        fs::remove_file(path).map_err(Error::file(path))?;
    }
    Ok(())
}

fn oldest_first(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<(SystemTime, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    paths.sort();
    paths.into_iter().map(|(_, path)| path).collect()
}
