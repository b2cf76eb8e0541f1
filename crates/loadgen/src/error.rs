//! Why a scenario cannot be used.

use std::path::PathBuf;

/// What is wrong with a scenario file; every message names the file, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// No scenario has that name.
    #[error("no scenario {name:?}; there are: {known}; or give the path of a .toml file")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read scenario {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML, lacks a field, or has one that no scenario has.
    #[error("scenario {} does not parse: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and the fields that are known there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The text parses, but no run could follow it.
    #[error("scenario {}: {place}: {reason}", path.display())]
    Impossible {
        /// The file.
        path: PathBuf,
        /// The table or field, such as `closed.users`.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
}
