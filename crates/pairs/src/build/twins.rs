//! Builds and runs the target of a commit that counts instructions, once: the counts are kept beside the programs.

use std::fs;
use std::path::{Path, PathBuf};

use results::machine::CountMachine;

use super::checkout::lock_to_copy;
use super::{Built, Workshop, metadata, run_cargo};
use crate::error::Error;
use crate::watch::{Event, Watch};

/// The bench target that counts instructions, and the feature that it wants.
const TARGET: &str = "instructions";

/// The checkout of the side that is being counted, the same path for both.
const TREE: &str = "counted";

/// The folder of what was counted, beside the programs of the same key.
const COUNTS: &str = "counts";

/// What kept counts depend on beside that key; written last, so that they are whole where it is.
const MACHINE: &str = "machine.json";

impl Workshop {
    /// Whether this commit has a target that counts instructions.
    pub(crate) fn has_twins(&self, built: &Built) -> Result<bool, Error> {
        let workspace = built.tree.path.join(&self.repository.workspace);
        metadata::has_bench(&workspace, &built.source.label, TARGET)
    }

    /// The folder with the summaries of that target at this commit: those of an earlier run, if nothing that they depend
    /// on is another since, or else those of a run now.
    pub(crate) fn counted_twins(&self, built: &Built, watch: &dyn Watch) -> Result<PathBuf, Error> {
        let home = built.kept.join(COUNTS);
        let machine = home.join(MACHINE);
        let here = serde_json::to_string(&CountMachine::here()).unwrap_or_default();
        let (side, commit) = (&*built.source.label, &*built.source.known_commit);
        if fs::read_to_string(&machine).is_ok_and(|there| there == here) {
            watch.note(Event::Counted { side, commit });
            return Ok(home);
        }
        watch.note(Event::Counting { side, commit });
        if home.exists() {
            fs::remove_dir_all(&home).map_err(Error::file(&home))?;
        }
        fs::create_dir_all(&home).map_err(Error::file(&home))?;
        self.count_twins(built, &home, watch)?;
        fs::write(&machine, here).map_err(Error::file(&machine))?;
        Ok(home)
    }

    /// Builds that target at this commit and runs it once; its summaries are then below `home`.
    ///
    /// In a checkout of its own, newer than all that was built before: by age Cargo would take the program of the side
    /// that was counted first for this one's.
    /// Cargo's words and those of the target go to the user.
    fn count_twins(&self, built: &Built, home: &Path, watch: &dyn Watch) -> Result<(), Error> {
        let source = &built.source;
        let tree = self.folder.join("trees").join(TREE);
        let tree = self.repository.check_out(&source.commit, &tree)?;
        let workspace = tree.path.join(&self.repository.workspace);
        if let Some(lock) = lock_to_copy(self, source)? {
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
