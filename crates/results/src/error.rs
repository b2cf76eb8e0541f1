//! What can go wrong between the files, each with the file, the place and the mend.

use std::io;
use std::path::{Path, PathBuf};

/// Why a step over result files failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused to write; what was stored before is still whole.
    #[error("failed to write {}; what was there before is untouched", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file does not say what its place promises: it is cut short, has an unknown field or an impossible value.
    #[error("failed to understand {}: {reason}; {mend}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where the parser knows them.
        reason: String,
        /// What to do about it.
        mend: &'static str,
    },
    /// A folder that should hold results holds none.
    #[error("found no results in {}; {mend}", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
        /// What to do about it.
        mend: &'static str,
    },
    /// Two files claim the same case, so that neither can be believed.
    #[error(
        "found the id {id:?} twice, in {} and in {}; rename one of the two cases, or remove the stale folder",
        first.display(),
        second.display()
    )]
    Collision {
        /// The id that both files carry.
        id: String,
        /// The file that was read first.
        first: PathBuf,
        /// The file that was read second.
        second: PathBuf,
    },
    /// A table or an argument names something that does not exist.
    #[error("found no {what} {name:?}, named in {place}{}", nearest_names(nearest))]
    Unknown {
        /// What kind of thing was looked for: a case, a suite.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// Where it was given.
        place: String,
        /// Names that exist and look alike, best first.
        nearest: Vec<String>,
    },
    /// Results of different processes cannot be put into one baseline.
    #[error("failed to make a baseline of {suite}: {reason}")]
    Unrecordable {
        /// The suite.
        suite: String,
        /// Why not.
        reason: String,
    },
    /// What was asked for would spoil what is stored.
    #[error("refused to {doing}: {reason}; {mend}")]
    Refused {
        /// What was asked for.
        doing: String,
        /// Why not.
        reason: String,
        /// What to do instead.
        mend: &'static str,
    },
    /// So few rounds that no result of theirs could fail anything: it would look like a pass.
    #[error(
        "found no result that could fail: {n_rounds} rounds reach p = {smallest_p:.1e} at best, and {n_tests} tests need \
         {level:.1e}; take {n_enough} rounds or more, or fewer cases"
    )]
    TooFewRounds {
        /// Rounds per case.
        n_rounds: usize,
        /// Tests that share the budget.
        n_tests: usize,
        /// The p-value of rounds that all agree.
        smallest_p: f64,
        /// The p-value that the first of the tests needs.
        level: f64,
        /// The smallest number of rounds that reaches it.
        n_enough: usize,
    },
}

impl Error {
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn unwritable(path: &Path, source: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn malformed(path: &Path, reason: impl Into<String>, mend: &'static str) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            reason: reason.into(),
            mend,
        }
    }
}

fn nearest_names(nearest: &[String]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    format!("; nearest: {}", nearest.join(", "))
}
