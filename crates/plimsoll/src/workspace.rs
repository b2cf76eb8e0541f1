//! Where things lie, as Cargo knows it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use results::comparison::Locations;
use results::iai;
use serde_json::Value;

/// The package of the suites.
const BENCHES: &str = "benches";

/// The bench target that closes a run with the table; it measures nothing.
const CLOSING_TARGET: &str = "verdict";

/// The bench target, and the feature, of the instruction counts.
pub(crate) const INSTRUCTIONS: &str = "instructions";

/// The bench target that counts allocations.
pub(crate) const ALLOCATIONS: &str = "allocations";

/// What Cargo says about the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// The target directory.
    pub(crate) target: PathBuf,
    /// The suites that measure wall time, in the order in which Cargo runs them.
    pub(crate) suites: Vec<String>,
}

impl Workspace {
    /// Asks Cargo about the workspace of the current folder.
    pub(crate) fn here() -> anyhow::Result<Self> {
        Self::at(None)
    }

    /// Asks Cargo about the workspace of a folder, the current one unless given.
    pub(crate) fn at(folder: Option<&Path>) -> anyhow::Result<Self> {
        let folder = folder.unwrap_or(Path::new("."));
        let output = Command::new(cargo())
            .current_dir(folder)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("failed to start cargo; it must be in the path")?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!(
                "failed to find the workspace: {}; run plimsoll inside it, or name the folders",
                reason.trim()
            );
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("failed to read cargo's metadata")?;
        let path = |field: &str| {
            let path = metadata[field].as_str().map(PathBuf::from);
            path.with_context(|| format!("failed to find {field} in cargo's metadata"))
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            suites: suites(&metadata),
        })
    }

    /// The folder of all baselines.
    pub(crate) fn baselines(&self) -> PathBuf {
        self.root.join("baselines")
    }

    /// The folder of the shipped scenarios.
    pub(crate) fn scenarios(&self) -> PathBuf {
        self.root.join("fixtures/scenarios")
    }

    /// Where Criterion writes.
    pub(crate) fn criterion(&self) -> PathBuf {
        from_variable("CRITERION_HOME").unwrap_or_else(|| self.target.join("criterion"))
    }

    /// Where the instruction counts are written.
    pub(crate) fn iai(&self) -> PathBuf {
        from_variable("IAI_CALLGRIND_HOME")
            .or_else(|| from_variable("GUNGRAUN_HOME"))
            .unwrap_or_else(|| iai::home_in(&self.target))
    }

    /// Where `ab` keeps the samples of its last run unless told otherwise.
    pub(crate) fn last_ab(&self) -> PathBuf {
        self.scratch().join("ab/last.json")
    }

    /// A folder of our own in the target directory.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("plimsoll")
    }
}

/// The program to run as Cargo: the one that runs us, if one does.
pub(crate) fn cargo() -> PathBuf {
    from_variable("CARGO").unwrap_or_else(|| PathBuf::from("cargo"))
}

/// The given folders, and the workspace's in place of those that were not given.
pub(crate) fn locations(
    workspace: Option<&Path>,
    baselines: Option<PathBuf>,
    criterion: Option<PathBuf>,
    iai: Option<PathBuf>,
) -> anyhow::Result<Locations> {
    // Asking Cargo takes a while, so it is asked only if something is left to know.
    let workspace = match (&baselines, &criterion, &iai) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => None,
        _ => Some(Workspace::at(workspace)?),
    };
    let known = |given: Option<PathBuf>, usual: fn(&Workspace) -> PathBuf| {
        given
            .or_else(|| workspace.as_ref().map(usual))
            .unwrap_or_default()
    };
    let locations = Locations {
        criterion: known(criterion, Workspace::criterion),
        iai: known(iai, Workspace::iai),
        baselines: known(baselines, Workspace::baselines),
    };
    refuse_absent(&locations.baselines)?;
    Ok(locations)
}

/// The given folder of all baselines, or the workspace's.
pub(crate) fn baselines(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match given {
        Some(given) => Ok(given),
        None => Ok(Workspace::here()?.baselines()),
    }
}

/// A mistyped folder must not read as a machine without baselines.
fn refuse_absent(baselines: &Path) -> anyhow::Result<()> {
    if !baselines.is_dir() {
        bail!(
            "found no folder {}; name the folder of all baselines with --baseline, or record one with \
             `cargo plimsoll baseline record`",
            baselines.display()
        );
    }
    Ok(())
}

/// The bench targets of all packages; where there is a package of suites, as in this workspace, of that one alone.
fn suites(metadata: &Value) -> Vec<String> {
    let packages: Vec<&Value> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let has_suites = |package: &&Value| package["name"] == BENCHES;
    let is_ours = packages.iter().any(has_suites);
    let targets = packages
        .iter()
        .filter(|package| !is_ours || has_suites(package))
        .filter_map(|package| package["targets"].as_array())
        .flatten();
    let benches = targets.filter(|target| {
        let kinds = target["kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "bench"))
    });
    let names = benches.filter_map(|target| target["name"].as_str());
    let mut suites: Vec<String> = names
        .filter(|name| !is_ours || ![CLOSING_TARGET, INSTRUCTIONS, ALLOCATIONS].contains(name))
        .map(str::to_owned)
        .collect();
    suites.sort_unstable();
    suites.dedup();
    suites
}

fn from_variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}
