//! What can go wrong around a run of pair mode. What goes wrong inside a case is a value of its record, not an error.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run of pair mode did not come about, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is not in a repository, so there is no base to build.
    #[error("failed to find a git repository around {}: {words}", folder.display())]
    NoRepository {
        /// Where it was looked for.
        folder: PathBuf,
        /// What git said.
        words: String,
    },
    /// The name means no commit.
    #[error(
        "failed to find the commit {name:?}: {words}; name a branch, a tag or a commit, or fetch it first"
    )]
    UnknownCommit {
        /// What was typed.
        name: String,
        /// What git said.
        words: String,
    },
    /// Git refused.
    #[error("failed to {doing}: {words}")]
    Git {
        /// What it was asked to do.
        doing: String,
        /// What it said.
        words: String,
    },
    /// Cargo could not say what a tree holds.
    #[error("failed to read the workspace of {tree}: {words}")]
    Metadata {
        /// Which tree.
        tree: String,
        /// What Cargo said.
        words: String,
    },
    /// A side does not build, so that nothing can be compared.
    #[error("failed to build the suites of {side} ({commit}); cargo's words are above")]
    Unbuildable {
        /// The label of the side.
        side: String,
        /// Its commit.
        commit: String,
    },
    /// A suite could not be linked again.
    #[error("failed to link {suite} in another order: {reason}")]
    Unlinkable {
        /// The suite.
        suite: String,
        /// What stood against it, in words.
        reason: String,
    },
    /// The sides choose different compilers, which would be compared as well.
    #[error(
        "failed to build both sides with one compiler: the base chooses {base}, the candidate {candidate}; choose one \
         for both, such as RUSTUP_TOOLCHAIN=stable"
    )]
    MixedToolchains {
        /// What the base's compiler says of itself.
        base: String,
        /// What the candidate's does.
        candidate: String,
    },
    /// No case is left to measure.
    #[error("found no case to measure: {reason}")]
    NothingToMeasure {
        /// Why not.
        reason: String,
    },
    /// A suite was asked for that neither side has.
    #[error("found no suite {name:?}; there are: {}", known.join(", "))]
    UnknownSuite {
        /// What was typed.
        name: String,
        /// The suites of both sides.
        known: Vec<String>,
    },
    /// A case was asked for that the good commit does not have.
    #[error("found no case {name:?} in the good commit{}", nearest_names(nearest))]
    UnknownCase {
        /// What was typed.
        name: String,
        /// Names that exist and look alike, best first.
        nearest: Vec<String>,
    },
    /// The good commit is no ancestor of the bad one, so that nothing lies between them.
    #[error(
        "found no commit after {good} that leads to {bad}; name an older commit first and a newer one of its line second"
    )]
    NothingBetween {
        /// The good commit, as it was typed.
        good: String,
        /// The bad one.
        bad: String,
    },
    /// Another run works in the same folder.
    #[error("failed to lock {}: another run of pair mode works there; wait for its end", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
    },
    /// A program could not be started.
    #[error("failed to start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be read or written.
    #[error("failed to use {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The kernel did not let us choose a core.
    #[error("failed to choose a processor core")]
    Core(#[source] io::Error),
    /// The result could not be stored.
    #[error(transparent)]
    Results(#[from] results::error::Error),
    /// The user wants it to end.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An error of the operating system about a path.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }

    /// A program that could not be started.
    pub(crate) fn start(program: &Path) -> impl FnOnce(io::Error) -> Self + use<'_> {
        |source| Self::Start {
            program: program.to_owned(),
            source,
        }
    }
}

fn nearest_names(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!("; nearest: {}", nearest.join(", "))
}
