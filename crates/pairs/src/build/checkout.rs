//! A commit checked out, with what Cargo and the compiler say of it: all that is known before anything is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::metadata::{self, Target};
use super::{Workshop, key};
use crate::error::Error;
use crate::tree::{Source, Worktree};

/// A checked-out commit.
pub(super) struct Checkout {
    pub(super) source: Source,
    pub(super) tree: Arc<Worktree>,
    /// The folder of its workspace.
    pub(super) workspace: PathBuf,
    /// Its bench targets.
    pub(super) targets: Vec<Target>,
    /// What its programs are kept under.
    pub(super) key: String,
    /// What its compiler says of itself.
    toolchain: String,
}

impl Checkout {
    pub(super) fn of(workshop: &Workshop, source: &Source) -> Result<Self, Error> {
        let own_lock = lock_to_copy(workshop, source)?;
        let key = key::of(&source.commit, &workshop.features, own_lock.as_deref())?;
        let place = workshop.folder.join("trees").join(&key);
        let tree = workshop.repository.check_out(&source.commit, &place)?;
        let workspace = tree.path.join(&workshop.repository.workspace);
        if let Some(lock) = own_lock {
            fs::copy(&lock, workspace.join("Cargo.lock")).map_err(Error::file(&lock))?;
        }
        let metadata = metadata::of(&workspace, &source.label)?;
        let toolchain = key::toolchain(&workspace)?;
        let outside = metadata::folders_outside(&metadata, &tree.path);
        Ok(Self {
            source: source.clone(),
            tree: Arc::new(tree),
            targets: metadata::targets_of(&metadata),
            key: key::of_programs(&key, &toolchain, &outside)?,
            toolchain,
            workspace,
        })
    }
}

/// Refuses sides that choose different compilers, and suites that neither has.
pub(super) fn check(
    base: &Checkout,
    candidate: &Checkout,
    wanted: Option<&[String]>,
) -> Result<(), Error> {
    if base.toolchain != candidate.toolchain {
        let name = |side: &Checkout| {
            let first = side.toolchain.lines().next();
            first.unwrap_or_default().to_owned()
        };
        return Err(Error::MixedToolchains {
            base: name(base),
            candidate: name(candidate),
        });
    }
    let targets = base.targets.iter().chain(&candidate.targets);
    let known: BTreeSet<&String> = targets.map(|target| &target.name).collect();
    let mut wanted = wanted.into_iter().flatten();
    match wanted.find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Error::UnknownSuite {
            name: name.clone(),
            known: known.into_iter().cloned().collect(),
        }),
    }
}

/// Where git does not know a lock file, the user's own is put into the tree, so that both sides use one.
fn lock_to_copy(workshop: &Workshop, source: &Source) -> Result<Option<PathBuf>, Error> {
    let lock = workshop.workspace.join("Cargo.lock");
    let is_known = workshop
        .repository
        .has_file(&source.commit, Path::new("Cargo.lock"))?;
    Ok((!is_known && lock.is_file()).then_some(lock))
}
