//! Builds the suites of a commit, once: programs are kept by commit, toolchain, flags and lock file.
//!
//! ```text
//! <folder>/lock              one run at a time
//! <folder>/trees/<key>/      the checkout, there only while a run needs it: suites may read files beside their source
//! <folder>/target/           Cargo's target directory, shared by all commits, so that dependencies are built once
//! <folder>/programs/<key>/   the built suites and `suites.json`
//! ```
//!
//! Both sides of a run have the same flags and paths of the same length, so that nothing but the code differs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::process::Process;
use crate::tree::{Repository, Source, Worktree};
use crate::watch::{Event, Watch};

mod key;
mod metadata;
mod twins;

use metadata::Target;

/// What is there of the programs of one key.
const LIST: &str = "suites.json";

/// What the names of scratch folders begin with.
const SCRATCH: &str = "run-";

/// Programs that are kept beside those of the current run; each is as large as all suites together.
const KEPT: usize = 6;

/// How long Cargo may work without a word from us: the cold build of a large tree on a small machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(4 * 3_600);

/// Where commits are built.
#[derive(Debug)]
pub struct Workshop {
    repository: Repository,
    /// The workspace as the user has it: its toolchain, and its lock file where git does not know one.
    workspace: PathBuf,
    folder: PathBuf,
    features: Vec<String>,
    /// Held as long as the workshop is used.
    _lock: File,
}

/// The suites of one commit, ready to run; its checkout goes when this is dropped.
#[derive(Debug, Clone)]
pub struct Built {
    /// What they were built from.
    pub source: Source,
    /// In the order of their names.
    pub(crate) suites: Vec<Suite>,
    /// Every suite that the commit has, wanted or not.
    known: Vec<String>,
    tree: Arc<Worktree>,
}

/// One built suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    /// The name of its bench target.
    pub(crate) name: String,
    /// Its package's folder in the checkout, where Cargo would start it.
    folder: PathBuf,
    /// The file name of the program.
    file: String,
    /// Where the programs of this key lie; not stored, so that the folder may be moved.
    #[serde(skip)]
    programs: PathBuf,
}

impl Suite {
    pub(crate) fn program(&self) -> PathBuf {
        self.programs.join(&self.file)
    }
}

impl Built {
    pub(crate) fn suite(&self, name: &str) -> Option<&Suite> {
        self.suites.iter().find(|suite| suite.name == name)
    }

    /// Where Cargo would start a suite.
    pub(crate) fn folder(&self, suite: &Suite) -> PathBuf {
        self.tree.path.join(&suite.folder)
    }
}

impl Workshop {
    /// Opens a workshop in this folder, for a workspace with the given Cargo features.
    pub fn open(
        repository: &Repository,
        workspace: &Path,
        folder: &Path,
        features: &[String],
    ) -> Result<Self, Error> {
        for part in ["trees", "target", "programs"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(Error::file(&part))?;
        }
        // Cargo says where a package lies without symbolic links.
        let folder = folder.canonicalize().map_err(Error::file(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(Error::file(&path))?;
        lock.try_lock().map_err(|_| Error::Busy { path })?;
        clear_leftovers(repository, &folder)?;
        Ok(Self {
            repository: repository.clone(),
            workspace: workspace.to_owned(),
            folder,
            features: features.to_vec(),
            _lock: lock,
        })
    }

    /// A folder for what a run leaves behind only while it runs.
    pub(crate) fn scratch(&self) -> Result<tempfile::TempDir, Error> {
        let made = tempfile::Builder::new()
            .prefix(SCRATCH)
            .tempdir_in(&self.folder);
        made.map_err(Error::file(&self.folder))
    }

    /// Builds both sides; a commit against itself is built once.
    pub fn build_both(
        &self,
        sources: [&Source; 2],
        wanted: Option<&[String]>,
        watch: &dyn Watch,
    ) -> Result<[Built; 2], Error> {
        let base = self.build(sources[0], wanted, watch)?;
        let candidate = if sources[0].commit == sources[1].commit {
            Built {
                source: sources[1].clone(),
                ..base.clone()
            }
        } else {
            self.build(sources[1], wanted, watch)?
        };
        let known: BTreeSet<&String> = base.known.iter().chain(&candidate.known).collect();
        let unknown = wanted
            .into_iter()
            .flatten()
            .find(|name| !known.contains(name));
        if let Some(name) = unknown {
            return Err(Error::UnknownSuite {
                name: name.clone(),
                known: known.into_iter().cloned().collect(),
            });
        }
        Ok([base, candidate])
    }

    /// Checks a commit out and builds the suites that are wanted and not yet there; all of them unless named.
    ///
    /// A wanted suite that the commit does not have is no error here: its cases are missing on this side.
    fn build(
        &self,
        source: &Source,
        wanted: Option<&[String]>,
        watch: &dyn Watch,
    ) -> Result<Built, Error> {
        let own_lock = self.lock_to_copy(source)?;
        let key = key::of(
            &source.commit,
            &self.workspace,
            &self.features,
            own_lock.as_deref(),
        )?;
        let tree = self
            .repository
            .check_out(&source.commit, &self.folder.join("trees").join(&key))?;
        let workspace = tree.path.join(&self.repository.workspace);
        if let Some(lock) = own_lock {
            fs::copy(&lock, workspace.join("Cargo.lock")).map_err(Error::file(&lock))?;
        }
        let mut targets = metadata::bench_targets(&workspace, &source.label)?;
        let known = targets.iter().map(|target| target.name.clone()).collect();
        targets.retain(|target| wanted.is_none_or(|wanted| wanted.contains(&target.name)));

        let programs = self.folder.join("programs").join(&key);
        let mut suites = listed(&programs);
        targets.retain(|target| suites.iter().all(|suite| suite.name != target.name));
        let (side, commit) = (&*source.label, &*source.known_commit);
        if targets.is_empty() {
            watch.note(Event::Cached { side, commit });
        } else {
            watch.note(Event::Building { side, commit });
            suites
                .extend(self.build_targets(&workspace, &tree, source, &targets, &programs, watch)?);
        }
        suites.sort_by(|left, right| left.name.cmp(&right.name));
        keep(&programs, &suites)?;
        self.forget_oldest(&key)?;

        suites.retain(|suite| wanted.is_none_or(|wanted| wanted.contains(&suite.name)));
        for suite in &mut suites {
            suite.programs.clone_from(&programs);
        }
        Ok(Built {
            source: source.clone(),
            suites,
            known,
            tree: Arc::new(tree),
        })
    }

    /// Where git does not know a lock file, the user's own is put into the tree, so that both sides use one.
    fn lock_to_copy(&self, source: &Source) -> Result<Option<PathBuf>, Error> {
        let lock = self.workspace.join("Cargo.lock");
        let is_known = self
            .repository
            .has_file(&source.commit, Path::new("Cargo.lock"))?;
        Ok((!is_known && lock.is_file()).then_some(lock))
    }

    fn build_targets(
        &self,
        workspace: &Path,
        tree: &Worktree,
        source: &Source,
        targets: &[Target],
        programs: &Path,
        watch: &dyn Watch,
    ) -> Result<Vec<Suite>, Error> {
        let mut command = metadata::cargo(workspace);
        command
            .args(["bench", "--workspace", "--no-run"])
            .arg("--message-format=json-render-diagnostics")
            // Incremental builds cut the code into other units, which moves it: 40 % in a loop of a toy.
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", self.folder.join("target"));
        for target in targets {
            command.args(["--bench", &target.bench]);
        }
        for feature in &self.features {
            command.args(["--features", feature]);
        }
        let messages = run_cargo(command, source, watch)?;

        fs::create_dir_all(programs).map_err(Error::file(programs))?;
        let mut suites = Vec::new();
        for built in metadata::executables(&messages) {
            let Some(target) = targets.iter().find(|target| target.source == built.source) else {
                continue;
            };
            let file = target.name.clone();
            fs::copy(&built.executable, programs.join(&file))
                .map_err(Error::file(&built.executable))?;
            let folder = target
                .folder
                .strip_prefix(&tree.path)
                .unwrap_or(Path::new(""));
            suites.push(Suite {
                name: target.name.clone(),
                folder: folder.to_owned(),
                file,
                programs: PathBuf::new(),
            });
        }
        Ok(suites)
    }

    /// Keeps the programs of the last few keys, this one among them.
    fn forget_oldest(&self, current: &str) -> Result<(), Error> {
        let programs = self.folder.join("programs");
        let entries = fs::read_dir(&programs).map_err(Error::file(&programs))?;
        let mut others: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name() != current)
            .filter_map(|entry| {
                let used = fs::metadata(entry.path().join(LIST)).and_then(|list| list.modified());
                Some((used.ok()?, entry.path()))
            })
            .collect();
        others.sort();
        let n_too_many = others.len().saturating_sub(KEPT);
        for (_, folder) in others.into_iter().take(n_too_many) {
            fs::remove_dir_all(&folder).map_err(Error::file(&folder))?;
        }
        Ok(())
    }
}

/// Removes what a run that was killed could not: with the lock held, nobody uses it.
fn clear_leftovers(repository: &Repository, folder: &Path) -> Result<(), Error> {
    let trees = folder.join("trees");
    for entry in fs::read_dir(&trees).map_err(Error::file(&trees))?.flatten() {
        repository.clear(&entry.path())?;
    }
    let entries = fs::read_dir(folder).map_err(Error::file(folder))?.flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            fs::remove_dir_all(entry.path()).map_err(Error::file(&entry.path()))?;
        }
    }
    Ok(())
}

/// What an earlier run built; a list that cannot be read is as good as none.
fn listed(programs: &Path) -> Vec<Suite> {
    let text = fs::read_to_string(programs.join(LIST)).unwrap_or_default();
    let mut suites: Vec<Suite> = serde_json::from_str(&text).unwrap_or_default();
    suites.retain(|suite| programs.join(&suite.file).is_file());
    suites
}

/// Written last and at once, so that a program is listed only when it is whole.
fn keep(programs: &Path, suites: &[Suite]) -> Result<(), Error> {
    let list = programs.join(LIST);
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(programs)?;
        let mut file = tempfile::NamedTempFile::new_in(programs)?;
        serde_json::to_writer(&mut file, suites)?;
        file.persist(&list)?;
        Ok(())
    };
    write().map_err(Error::file(&list))
}

fn run_cargo(command: Command, source: &Source, watch: &dyn Watch) -> Result<String, Error> {
    let (mut process, mut peer) = Process::start_talking(command)?;
    let mut around = process.watched(watch);
    // Cargo never speaks on the wire; the end is what is waited for.
    let answer = peer.answer(PATIENCE, &mut around);
    if watch.stopped() {
        return Err(Error::Interrupted);
    }
    let ended = answer.ok().map(|_| process.wait()).transpose()?;
    match ended {
        Some(ended) if ended.status.success() => Ok(ended.stdout),
        _ => Err(Error::Unbuildable {
            side: source.label.clone(),
            commit: source.known_commit.clone(),
        }),
    }
}

#[cfg(test)]
mod tests;
