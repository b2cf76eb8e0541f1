//! Builds and runs the target of a commit that counts instructions.

use std::fs;
use std::path::Path;

use super::{Built, Workshop, metadata, run_cargo};
use crate::error::Error;
use crate::watch::Watch;

/// The bench target that counts instructions, and the feature that it wants.
const TARGET: &str = "instructions";

/// The checkout of the side that is being counted, the same path for both.
const TREE: &str = "counted";

impl Workshop {
    /// Whether this commit has a target that counts instructions.
    pub(crate) fn has_twins(&self, built: &Built) -> Result<bool, Error> {
        let workspace = built.tree.path.join(&self.repository.workspace);
        metadata::has_bench(&workspace, &built.source.label, TARGET)
    }

    /// Builds that target at this commit and runs it once; its summaries are then below `home`.
    ///
    /// In a checkout of its own, newer than all that was built before: by age Cargo would take the program of the side
    /// that was counted first for this one's.
    /// Cargo's words and those of the target go to the user.
    pub(crate) fn count_twins(
        &self,
        built: &Built,
        home: &Path,
        watch: &dyn Watch,
    ) -> Result<(), Error> {
        let source = &built.source;
        let tree = self.folder.join("trees").join(TREE);
        let tree = self.repository.check_out(&source.commit, &tree)?;
        let workspace = tree.path.join(&self.repository.workspace);
        if let Some(lock) = self.lock_to_copy(source)? {
            fs::copy(&lock, workspace.join("Cargo.lock")).map_err(Error::file(&lock))?;
        }
        let mut command = metadata::cargo(&workspace);
        command
            .args(["bench", "--workspace", "--bench", TARGET])
            .args(["--features", TARGET])
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.folder.join("target"));
        for feature in &self.features {
            command.args(["--features", feature]);
        }
        // Under both names of the library that counts.
        for name in ["IAI_CALLGRIND", "GUNGRAUN"] {
            command
                .env(format!("{name}_HOME"), home)
                .env(format!("{name}_SAVE_SUMMARY"), "json");
        }
        run_cargo(command, source, watch).map(drop)
    }
}
