//! What Cargo says about a tree and about what it built.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::error::Error;

/// A bench target of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// What we call it: the target's name, after its package's where two packages have a target of that name.
    pub(super) name: String,
    /// What Cargo calls it.
    pub(super) bench: String,
    /// The file of its `main`, by which Cargo's messages tell targets apart.
    pub(super) source: PathBuf,
    /// The folder of its package.
    pub(super) folder: PathBuf,
}

/// A bench target that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Executable {
    /// The file of its `main`.
    pub(super) source: PathBuf,
    pub(super) executable: PathBuf,
}

/// Cargo in a workspace, without what an outer Cargo says about our own package.
///
/// Build scripts that look at such variables would run again, and everything that stands on them be built again.
pub(super) fn cargo(workspace: &Path) -> Command {
    let program = env::var_os("CARGO").filter(|program| !program.is_empty());
    let mut command = Command::new(program.unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace);
    for (variable, _) in env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// The bench targets of a tree, but for those that want features, which nobody gave.
pub(super) fn bench_targets(workspace: &Path, tree: &str) -> Result<Vec<Target>, Error> {
    Ok(targets_of(&metadata(workspace, tree)?))
}

/// Whether a tree has a bench target of this name, whatever features it wants.
pub(super) fn has_bench(workspace: &Path, tree: &str, name: &str) -> Result<bool, Error> {
    let metadata = metadata(workspace, tree)?;
    let packages = metadata["packages"].as_array();
    let targets = packages
        .into_iter()
        .flatten()
        .filter_map(|package| package["targets"].as_array());
    let mut targets = targets.flatten();
    Ok(targets.any(|target| is_bench(target) && target["name"] == name))
}

fn metadata(workspace: &Path, tree: &str) -> Result<Value, Error> {
    let failed = |words: String| Error::Metadata {
        tree: tree.to_owned(),
        words,
    };
    let mut command = cargo(workspace);
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = command.output().map_err(Error::start(Path::new("cargo")))?;
    if !output.status.success() {
        return Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

pub(super) fn targets_of(metadata: &Value) -> Vec<Target> {
    let mut targets = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let benches = package["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|target| {
                let wants = target["required-features"].as_array();
                is_bench(target) && wants.is_none_or(Vec::is_empty)
            });
        let package = package["name"].as_str().unwrap_or_default();
        targets.extend(benches.filter_map(|target| {
            let bench = target["name"].as_str()?;
            Some(Target {
                name: format!("{package}-{bench}"),
                bench: bench.to_owned(),
                source: PathBuf::from(target["src_path"].as_str()?),
                folder: folder.to_owned(),
            })
        }));
    }
    let mut n_by_bench = BTreeMap::new();
    for target in &targets {
        *n_by_bench.entry(target.bench.clone()).or_insert(0) += 1;
    }
    for target in &mut targets {
        if n_by_bench.get(&target.bench) == Some(&1) {
            target.name.clone_from(&target.bench);
        }
    }
    targets
}

/// The bench programs in Cargo's messages, one JSON object per line.
pub(super) fn executables(messages: &str) -> Vec<Executable> {
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact" && is_bench(&message["target"]));
    artifacts
        .filter_map(|message| {
            Some(Executable {
                source: PathBuf::from(message["target"]["src_path"].as_str()?),
                executable: PathBuf::from(message["executable"].as_str()?),
            })
        })
        .collect()
}

fn is_bench(target: &Value) -> bool {
    let kinds = target["kind"].as_array();
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "bench"))
}
