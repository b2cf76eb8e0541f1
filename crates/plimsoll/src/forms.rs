//! The forms in which one command says what it found: one to stdout, any others to files.

use std::path::PathBuf;

use crate::say::say;

/// Every form that was asked for, of those that `F` has.
#[derive(Debug, Clone)]
pub(crate) struct Forms<F> {
    /// What goes to stdout.
    pub(crate) format: F,
    /// What goes to files beside it.
    pub(crate) files: Vec<(F, PathBuf)>,
}

impl<F: Copy> Forms<F> {
    /// Says it, then writes the files: a full disk must not cost what was measured.
    pub(crate) fn tell(
        &self,
        rendered: impl Fn(F) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        say(&rendered(self.format)?)?;
        for (format, path) in &self.files {
            loadgen::report::write(path, &rendered(*format)?)?;
            eprintln!("the report is in {}", path.display());
        }
        Ok(())
    }
}
