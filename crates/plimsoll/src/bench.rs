//! Runs bench targets through Cargo, each time as a fresh process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::exit::SuiteFailed;
use crate::workspace::{INSTRUCTIONS, Workspace, cargo};

/// Lines of a failed suite's output that are shown.
const SHOWN_LINES: usize = 15;

/// Bench targets to run, and where their results go.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) target: &'a str,
    /// Environment of the process: where its results go.
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
    /// Arguments for the bench target itself.
    pub(crate) arguments: Vec<String>,
}

/// Builds bench targets, with Cargo's own progress on stderr, so that no measured process waits for the compiler.
pub(crate) fn build(
    workspace: &Workspace,
    targets: &[&str],
    variables: &[(&'static str, PathBuf)],
) -> anyhow::Result<()> {
    let mut command = cargo_bench(workspace, targets);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let status = command
        .arg("--no-run")
        .stdout(Stdio::null())
        .status()
        .context("failed to start cargo; it must be in the path")?;
    if status.success() {
        return Ok(());
    }
    Err(SuiteFailed("failed to build the suites; cargo's words are above".to_owned()).into())
}

impl Run<'_> {
    /// Runs it with its output in a log; a failure shows the end of that log.
    pub(crate) fn logged(&self, log: &Path) -> anyhow::Result<()> {
        let file =
            File::create(log).with_context(|| format!("failed to make {}", log.display()))?;
        let copy = file
            .try_clone()
            .with_context(|| format!("failed to share {}", log.display()))?;
        let status = self
            .command()
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            .status()
            .context("failed to start cargo; it must be in the path")?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        let shown = telling_lines(&text).join("\n  ");
        let target = self.target;
        Err(SuiteFailed(format!(
            "suite {target} failed ({status}); its words:\n  {shown}"
        ))
        .into())
    }

    /// Runs it with all its output on stderr.
    pub(crate) fn shown(&self) -> anyhow::Result<()> {
        let status = self
            .command()
            .stdout(Stdio::from(std::io::stderr()))
            .status()
            .context("failed to start cargo; it must be in the path")?;
        if status.success() {
            return Ok(());
        }
        let target = self.target;
        Err(SuiteFailed(format!(
            "suite {target} failed ({status}); its words are above"
        ))
        .into())
    }

    /// Runs it and returns what it says.
    pub(crate) fn output(&self) -> anyhow::Result<String> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .context("failed to start cargo; it must be in the path")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let (target, status) = (self.target, output.status);
        Err(SuiteFailed(format!(
            "suite {target} failed ({status}); its words are above"
        ))
        .into())
    }

    fn command(&self) -> Command {
        let mut command = cargo_bench(self.workspace, &[self.target]);
        command.arg("--").args(&self.arguments);
        for (name, path) in &self.variables {
            command.env(name, path);
        }
        command
    }
}

/// The panic, if there is one, else the end.
fn telling_lines(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.len().saturating_sub(SHOWN_LINES);
    let start = lines
        .iter()
        .position(|line| line.contains("panicked at"))
        .unwrap_or(end);
    let told = lines[start..].iter().copied();
    told.take_while(|line| !line.starts_with("stack backtrace:"))
        .take(SHOWN_LINES)
        .collect()
}

fn cargo_bench(workspace: &Workspace, targets: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    // Not `--package benches`: alone it would be built with other features of shared packages than `cargo bench`
    // gives it, and measured otherwise.
    command.current_dir(&workspace.root).arg("bench");
    // What `cargo run` tells us about our package would make build scripts that look at it run again in the inner
    // Cargo, and everything that stands on them, which is most of the tree.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    for target in targets {
        command.args(["--bench", target]);
    }
    if targets.contains(&INSTRUCTIONS) {
        command.args(["--features", INSTRUCTIONS]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::telling_lines;

    #[test]
    fn a_panic_is_shown_without_its_backtrace() {
        let text = "measuring\nthread 'main' panicked at a.rs:1:1:\nleft: 1\nstack backtrace:\n 0: f\nerror: bench failed";
        assert_eq!(
            telling_lines(text),
            ["thread 'main' panicked at a.rs:1:1:", "left: 1"]
        );
    }

    #[test]
    fn without_a_panic_the_end_is_shown() {
        let text: String = (0..40).map(|n| format!("{n}\n")).collect();
        let lines = telling_lines(&text);
        assert_eq!((lines[0], lines[14]), ("25", "39"));
        assert!(telling_lines("").is_empty());
    }
}
