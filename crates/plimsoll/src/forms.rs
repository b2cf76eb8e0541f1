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
    /// The same as forms of another kind of record, which may not have all of them.
    pub(crate) fn try_map<G>(
        &self,
        form: impl Fn(F) -> anyhow::Result<G>,
    ) -> anyhow::Result<Forms<G>> {
        let files = self.files.iter();
        Ok(Forms {
            format: form(self.format)?,
            files: files
                .map(|(format, path)| Ok((form(*format)?, path.clone())))
                .collect::<anyhow::Result<_>>()?,
        })
    }

    /// Says it, then writes the files: a full disk must not cost what was measured.
    pub(crate) fn tell(
        &self,
        rendered: impl Fn(F) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        say(&rendered(self.format)?)?;
        self.write(rendered)
    }

    /// Writes the files alone.
    pub(crate) fn write(
        &self,
        rendered: impl Fn(F) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        for (format, path) in &self.files {
            results::report::write(path, &rendered(*format)?)?;
            eprintln!("the report is in {}", path.display());
        }
        Ok(())
    }
}
