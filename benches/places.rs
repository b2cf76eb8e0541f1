//! Where results, marks and baselines lie.
//!
//! The target directory is taken from the path that Cargo compiles into every bench target, which is right for
//! `CARGO_TARGET_DIR`, for `--target-dir`, and for the setting in a configuration file alike.

use std::env;
use std::path::{Path, PathBuf};

/// The directories that a suite reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Criterion's results: `CRITERION_HOME`, else `criterion` in the target directory.
    pub criterion: PathBuf,
    /// Results of the instruction counts: `IAI_CALLGRIND_HOME`, else `iai` in the target directory.
    pub iai: PathBuf,
    /// The stored baselines of the workspace.
    pub baselines: PathBuf,
    /// Marks of the suites that ran, one folder per invocation of Cargo.
    pub invocations: PathBuf,
}

impl Places {
    /// Derives the places from the `CARGO_TARGET_TMPDIR` of a bench target.
    pub fn of_target(target_tmpdir: &Path) -> Self {
        let target = target_tmpdir
            .parent()
            .expect("Cargo makes the temporary directory inside the target directory");
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the package lies in a folder of the workspace");
        let chosen = |variable: &str| env::var_os(variable).filter(|path| !path.is_empty());
        Self {
            criterion: chosen("CRITERION_HOME")
                .map_or_else(|| target.join("criterion"), PathBuf::from),
            iai: chosen("IAI_CALLGRIND_HOME").map_or_else(|| target.join("iai"), PathBuf::from),
            baselines: workspace.join("baselines"),
            invocations: target.join("plimsoll").join("invocations"),
        }
    }
}
