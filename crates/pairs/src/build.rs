//! Builds the suites of a commit, once: programs are kept by commit, toolchain, flags and lock file.
//!
//! ```text
//! <folder>/lock              one run at a time
//! <folder>/trees/<key>/      the checkout, there only while a run needs it: suites may read files beside their source
//! <folder>/target/           Cargo's target directory, shared by all commits, so that dependencies are built once
//! <folder>/programs/<key>/   the built suites, `suites.json`, in `links/` what each was linked from, in `counts/` what
//!                            the twins counted
//! <folder>/scripts/          what keeps the links while Cargo builds
//! ```
//!
//! Both sides of a run have the same flags and paths of the same length, so that nothing but the code differs.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::process::Process;
use crate::tree::{Repository, Source, Worktree};
use crate::watch::{Event, Watch};

mod age;
mod checkout;
mod kept;
mod key;
mod link;
mod metadata;
mod same;
mod twins;

use checkout::Checkout;
use link::Scripts;
use metadata::Target;

/// What programs were linked from, below those of their key.
const LINKS: &str = "links";

/// What the names of scratch folders begin with.
const SCRATCH: &str = "run-";

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
    scripts: Scripts,
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
    /// Environment of its processes, beside what they inherit.
    pub(crate) variables: Vec<(String, String)>,
    /// Where all that is kept of its key lies.
    kept: PathBuf,
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

    /// Links the program again, to a file of the same name in this folder, with its functions in the order that the
    /// seed draws; why that is not possible is told in words.
    fn relinked(&self, folder: &Path, seed: u32) -> Result<Self, String> {
        let relinked = Self {
            programs: folder.to_owned(),
            ..self.clone()
        };
        let kept = self.programs.join(LINKS).join(&self.file);
        link::relink(&kept, &relinked.program(), seed)?;
        Ok(relinked)
    }
}

impl Built {
    pub(crate) fn suite(&self, name: &str) -> Option<&Suite> {
        self.suites.iter().find(|suite| suite.name == name)
    }

    /// A suite's program as Cargo would start it for `cargo bench`; `None` if the side has no such suite.
    pub fn command(&self, suite: &str) -> Option<Command> {
        Some(crate::listing::command(self, self.suite(suite)?))
    }

    /// The same commit with one suite, linked again in the order that the seed draws.
    pub(crate) fn relinked(&self, suite: &str, folder: &Path, seed: u32) -> Result<Self, String> {
        let suite = self.suite(suite).ok_or("its suite is gone")?;
        Ok(Self {
            source: self.source.clone(),
            suites: vec![suite.relinked(folder, seed)?],
            variables: self.variables.clone(),
            kept: self.kept.clone(),
            tree: Arc::clone(&self.tree),
        })
    }

    /// The same with a variable in the environment of its processes.
    pub fn with_variable(&self, name: &str, value: &str) -> Self {
        let mut built = self.clone();
        built.variables.push((name.to_owned(), value.to_owned()));
        built
    }

    /// The same programs as other files, under paths of the same length.
    ///
    /// One file would be in memory once for two processes, as the programs of two commits never are.
    pub fn copied(&self) -> Result<Self, Error> {
        let mut built = self.clone();
        for suite in &mut built.suites {
            let original = suite.program();
            let name = suite.programs.file_name().unwrap_or_default();
            let other: String = name.to_string_lossy().chars().rev().collect();
            suite.programs.set_file_name(other);
            fs::create_dir_all(&suite.programs).map_err(Error::file(&suite.programs))?;
            fs::copy(&original, suite.program()).map_err(Error::file(&original))?;
        }
        if let Some(first) = built.suites.first() {
            // Listed, so that it is cleared away in its time.
            kept::list(&first.programs, &built.suites)?;
        }
        Ok(built)
    }

    /// The same code as other programs, each linked again with its functions in the order that the seed draws, under
    /// paths of the same length; those of the last call are gone.
    pub fn shuffled(&self, seed: u32) -> Result<Self, Error> {
        let mut built = self.clone();
        for suite in &mut built.suites {
            let original = suite.programs.clone();
            let name = original.file_name().unwrap_or_default();
            // No key begins so.
            let other = name.to_string_lossy().replacen(|_: char| true, "~", 1);
            let other = original.with_file_name(other);
            fs::create_dir_all(&other).map_err(Error::file(&other))?;
            *suite = suite
                .relinked(&other, seed)
                .map_err(|reason| Error::Unlinkable {
                    suite: suite.name.clone(),
                    reason,
                })?;
            // What is accused is linked again from the same.
            let links = other.join(LINKS);
            if !links.exists() {
                symlink(original.join(LINKS), &links).map_err(Error::file(&links))?;
            }
        }
        if let Some(first) = built.suites.first() {
            kept::list(&first.programs, &built.suites)?;
        }
        Ok(built)
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
        let scripts = Scripts::write(&folder.join("scripts"))?;
        Ok(Self {
            repository: repository.clone(),
            workspace: workspace.to_owned(),
            folder,
            features: features.to_vec(),
            scripts,
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
        let base = Checkout::of(self, sources[0])?;
        if sources[0].commit == sources[1].commit {
            checkout::check(&base, &base, wanted)?;
            let base = self.build(&base, wanted, watch)?;
            let candidate = Built {
                source: sources[1].clone(),
                ..base.clone()
            };
            return Ok([base, candidate]);
        }
        let candidate = Checkout::of(self, sources[1])?;
        checkout::check(&base, &candidate, wanted)?;
        Ok([
            self.build(&base, wanted, watch)?,
            self.build(&candidate, wanted, watch)?,
        ])
    }

    /// Builds the suites that are wanted and not yet there; all of them unless named.
    ///
    /// A wanted suite that the commit does not have is no error here: its cases are missing on this side.
    fn build(
        &self,
        checkout: &Checkout,
        wanted: Option<&[String]>,
        watch: &dyn Watch,
    ) -> Result<Built, Error> {
        let is_wanted = |name: &String| wanted.is_none_or(|wanted| wanted.contains(name));
        let programs = self.folder.join("programs").join(&checkout.key);
        let mut suites = kept::listed(&programs);
        let is_there = |name: &String| suites.iter().any(|suite| suite.name == *name);
        let targets = checkout.targets.iter();
        let targets: Vec<&Target> = targets
            .filter(|target| is_wanted(&target.name) && !is_there(&target.name))
            .collect();
        let source = &checkout.source;
        let (side, commit) = (&*source.label, &*source.known_commit);
        if targets.is_empty() {
            watch.note(Event::Cached { side, commit });
        } else {
            watch.note(Event::Building { side, commit });
            suites.extend(self.build_targets(checkout, &targets, &programs, watch)?);
        }
        suites.sort_by(|left, right| left.name.cmp(&right.name));
        kept::list(&programs, &suites)?;
        kept::forget_oldest(&self.folder.join("programs"), &checkout.key)?;

        suites.retain(|suite| is_wanted(&suite.name));
        for suite in &mut suites {
            suite.programs.clone_from(&programs);
        }
        Ok(Built {
            source: source.clone(),
            suites,
            variables: Vec::new(),
            kept: programs,
            tree: Arc::clone(&checkout.tree),
        })
    }

    fn build_targets(
        &self,
        checkout: &Checkout,
        targets: &[&Target],
        programs: &Path,
        watch: &dyn Watch,
    ) -> Result<Vec<Suite>, Error> {
        let target = self.folder.join("target");
        age::renew(&checkout.tree.path)?;
        age::check(&target, &checkout.tree.path)?;
        let mut command = metadata::cargo(&checkout.workspace);
        command
            .args(["bench", "--workspace", "--no-run"])
            .arg("--message-format=json-render-diagnostics")
            // Incremental builds cut the code into other units, which moves it: 40 % in a loop of a toy.
            .env("CARGO_INCREMENTAL", "0")
            // Nothing that is loaded, and nine tenths of a program with the debug information that flamegraphs want.
            .env("CARGO_PROFILE_BENCH_STRIP", "debuginfo")
            .env("CARGO_TARGET_DIR", &target);
        for target in targets {
            command.args(["--bench", &target.bench]);
        }
        for feature in &self.features {
            command.args(["--features", feature]);
        }
        let links = self.scratch()?;
        self.scripts.wrap(&mut command, links.path());
        let messages = run_cargo(command, &checkout.source, watch)?;
        age::stamp(&target)?;

        fs::create_dir_all(programs.join(LINKS)).map_err(Error::file(programs))?;
        let mut suites = Vec::new();
        for built in metadata::executables(&messages) {
            let Some(target) = targets.iter().find(|target| target.source == built.source) else {
                continue;
            };
            let file = target.name.clone();
            fs::copy(&built.executable, programs.join(&file))
                .map_err(Error::file(&built.executable))?;
            if let Some(name) = built.executable.file_name() {
                link::keep(&links.path().join(name), &programs.join(LINKS).join(&file))?;
            }
            let folder = target
                .folder
                .strip_prefix(&checkout.tree.path)
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
