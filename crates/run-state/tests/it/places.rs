//! Places for stores on disk, each new, all gone with the value.

use std::cell::Cell;
use std::path::PathBuf;

pub(crate) struct Places {
    folder: tempfile::TempDir,
    n_given: Cell<usize>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for temporary files"),
            n_given: Cell::new(0),
        }
    }

    /// A path at which there is nothing yet.
    pub(crate) fn next(&self) -> PathBuf {
        self.n_given.set(self.n_given.get() + 1);
        self.folder.path().join(format!("{}", self.n_given.get()))
    }
}
