//! What a cgroup (version 2) may use: set for a run, and put back afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::DriverError;

/// Over which CPU time is counted, in microseconds: the kernel's own default.
const PERIOD_US: u64 = 100_000;

/// One bound of a cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Processors, in thousandths.
    MilliCpus(u32),
    /// Memory, in MiB.
    MemoryMib(u32),
}

/// A bound that stands until this is dropped; then what stood before stands again.
#[derive(Debug)]
#[must_use = "what stood before returns when this is dropped"]
pub struct Standing {
    file: PathBuf,
    before: String,
}

impl Allowance {
    /// Bounds the cgroup of this folder.
    ///
    /// # Errors
    /// If it is no cgroup, lacks the controller, or is not ours to change.
    pub fn stand(self, folder: &Path) -> Result<Standing, DriverError> {
        let file = folder.join(self.file());
        let refused = |error: std::io::Error| DriverError::Refused {
            action: format!("bound the cgroup with {}", file.display()),
            reason: error.to_string(),
        };
        let before = fs::read_to_string(&file).map_err(refused)?;
        fs::write(&file, self.text()).map_err(refused)?;
        Ok(Standing { file, before })
    }

    fn file(self) -> &'static str {
        match self {
            Self::MilliCpus(_) => "cpu.max",
            Self::MemoryMib(_) => "memory.max",
        }
    }

    fn text(self) -> String {
        match self {
            Self::MilliCpus(millis) => {
                format!("{} {PERIOD_US}", u64::from(millis) * PERIOD_US / 1_000)
            }
            Self::MemoryMib(mib) => (u64::from(mib) << 20).to_string(),
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.file, &self.before) {
            tracing::error!(file = %self.file.display(), %error, "cannot put back the bound");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_stands_as_the_kernel_writes_it_and_what_was_before_returns() {
        let folder = tempfile::tempdir().expect("a folder");
        for (allowance, name, text) in [
            (Allowance::MilliCpus(500), "cpu.max", "50000 100000"),
            (Allowance::MemoryMib(128), "memory.max", "134217728"),
        ] {
            let file = folder.path().join(name);
            let refused = allowance.stand(folder.path()).expect_err("no such file");
            assert!(refused.to_string().contains(name), "{refused}");
            fs::write(&file, "max\n").expect("written");
            let standing = allowance.stand(folder.path()).expect("ours");
            assert_eq!(fs::read_to_string(&file).expect("there"), text);
            drop(standing);
            assert_eq!(fs::read_to_string(&file).expect("there"), "max\n");
        }
    }
}
