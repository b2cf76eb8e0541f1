//! Counts the instructions of both sides: builds and runs the twins of both commits, where the tools are there, and
//! keeps what they counted.
//!
//! Counts take no turns and need no quiet, so a run takes them before or after its rounds. Whatever keeps them from being
//! taken is a value, not an error: the rounds stand without them.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use results::callgrind;
use results::iai;
use results::pairs::counts::{PairCounts, SideCount, SideCounts};

use crate::build::{Built, Workshop};
use crate::error::Error;
use crate::watch::Watch;

/// The programs that count: each line is one that must be there, under any of its names.
const PROGRAMS: [&[&str]; 2] = [
    &["valgrind"],
    // The same program under its old name and its new one.
    &["iai-callgrind-runner", "gungraun-runner"],
];

/// Which programs that count are not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    missing: Vec<&'static str>,
}

impl Tools {
    /// Looks in the path, and where `scripts/setup-instructions` installs a runner.
    pub fn look() -> Self {
        let folders = search_path();
        let is_there = |name: &&str| folders.iter().any(|folder| folder.join(name).is_file());
        let missing = PROGRAMS.iter().filter(|names| !names.iter().any(is_there));
        Self {
            missing: missing.map(|names| names[0]).collect(),
        }
    }

    /// The programs that are not there, in words; `None` if all are.
    pub fn missing(&self) -> Option<String> {
        (!self.missing.is_empty()).then(|| self.missing.join(" and "))
    }
}

/// Counts both sides and holds them against each other; a commit against itself is counted once.
///
/// The only errors are those that end the whole run: it was interrupted, or the disk is full.
pub fn take(
    workshop: &Workshop,
    [base, candidate]: [&Built; 2],
    tools: &Tools,
    watch: &dyn Watch,
) -> Result<PairCounts, Error> {
    let not_available = |because: String| Ok(PairCounts::NotAvailable { because });
    if let Some(missing) = tools.missing() {
        return not_available(format!("{missing} not found"));
    }
    let of_base = match side(workshop, base, watch)? {
        Ok(counts) => counts,
        Err(because) => return not_available(because),
    };
    if base.source.commit == candidate.source.commit {
        return Ok(PairCounts::of(&of_base, &of_base));
    }
    Ok(match side(workshop, candidate, watch)? {
        Ok(of_candidate) => PairCounts::of(&of_base, &of_candidate),
        Err(because) => PairCounts::NotAvailable { because },
    })
}

/// The counts of one side, or why there are none.
fn side(
    workshop: &Workshop,
    built: &Built,
    watch: &dyn Watch,
) -> Result<Result<SideCounts, String>, Error> {
    let label = &built.source.label;
    match workshop.has_twins(built) {
        Ok(true) => {}
        Ok(false) => return Ok(Err(format!("{label} has no bench target that counts"))),
        Err(error @ Error::Metadata { .. }) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    }
    let home = match workshop.counted_twins(built, watch) {
        Ok(home) => home,
        Err(Error::Unbuildable { .. }) => {
            return Ok(Err(format!(
                "the counts of {label} failed; their words are above"
            )));
        }
        Err(error) => return Err(error),
    };
    let read = || -> Result<SideCounts, results::error::Error> {
        let mut counts = BTreeMap::new();
        for (id, count) in iai::read(&home)? {
            let side_count = SideCount {
                instructions: count.instructions,
                costs: callgrind::read_folder(&count.folder)?,
            };
            counts.insert(id, side_count);
        }
        Ok(counts)
    };
    Ok(read().map_err(|error| format!("the counts of {label} cannot be read: {error}")))
}

fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let home = env::var_os("XDG_DATA_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/share")));
    let installed = home.and_then(|home| home.join("plimsoll").read_dir().ok());
    let installed = installed.into_iter().flatten().flatten();
    folders.extend(installed.map(|entry| entry.path().join("bin")));
    folders
}
