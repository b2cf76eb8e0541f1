//! The tools around a recording: git for the commit, valgrind and the runner for the counts.

use std::path::Path;
use std::process::Command;

use anyhow::bail;
use pairs::counts::Tools;
use results::machine::Machine;
use results::record::Origin;

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
    if let Some(missing) = Tools::look().missing() {
        bail!(
            "cannot count instructions: {missing} not found; scripts/setup-instructions installs what is missing"
        );
    }
    Ok(())
}
