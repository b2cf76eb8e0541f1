//! The tools around a recording: git for the commit, valgrind and the runner for the counts.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;
use results::machine::Machine;
use results::record::Origin;

/// The runner of the instruction counts. Its version is the library's; the script knows which.
const RUNNER: &str = "iai-callgrind-runner";

/// Where records come from: machine, compiler, commit.
pub(super) fn origin(machine: &Machine, root: &Path) -> Origin {
    Origin {
        machine: machine.class(),
        toolchain: machine.rustc.clone(),
        commit: commit(root),
    }
}

/// The commit that is checked out, marked if the tree differs from it.
fn commit(root: &Path) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args([
            "describe",
            "--always",
            "--abbrev=40",
            "--exclude=*",
            "--dirty",
        ])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let commit = text.trim();
    (output.status.success() && !commit.is_empty()).then(|| commit.to_owned())
}

/// Says before minutes of compiling what would stop the counts after them.
pub(super) fn need_counting_tools() -> anyhow::Result<()> {
    let mut missing = Vec::new();
    let folders = search_path();
    for program in ["valgrind", RUNNER] {
        if !folders.iter().any(|folder| folder.join(program).is_file()) {
            missing.push(program);
        }
    }
    if !missing.is_empty() {
        bail!(
            "cannot count instructions: {} not found; scripts/setup-instructions installs what is missing",
            missing.join(" and ")
        );
    }
    Ok(())
}

/// The usual path, and the folders in which the script installs a runner.
fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let home = env::var_os("XDG_DATA_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".local/share")));
    let installed = home.and_then(|home| home.join("plimsoll").read_dir().ok());
    for entry in installed.into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(RUNNER) {
            folders.push(entry.path().join("bin"));
        }
    }
    folders
}
