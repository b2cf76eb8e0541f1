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

/// Why a driver cannot drive.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Nobody answers, or not in time.
    #[error("cannot reach {system}: {reason}; is it running, and is that its address?")]
    Unreachable {
        /// What was to be reached.
        system: String,
        /// What went wrong.
        reason: String,
    },
    /// The system answers, and forbids it.
    #[error("not allowed to {action}: {reason}; grant the verb to the account of the kubeconfig")]
    Forbidden {
        /// What was forbidden.
        action: String,
        /// The server's words.
        reason: String,
    },
    /// The system does not know Queries.
    #[error(
        "cannot find the definition of Query ({crd}): {reason}; install it, such as with `plimsoll crd | kubectl apply -f -`"
    )]
    NoDefinition {
        /// The name of the definition.
        crd: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The file with the objects of the set-up is wrong.
    #[error("set-up {place}: {reason}")]
    Setup {
        /// The file, and the document in it.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The address of an endpoint, or the key to it, is none.
    #[error("{place}: {reason}")]
    Endpoint {
        /// Which it is.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The system answers, and not as it should.
    #[error("failed to {action}: {reason}")]
    Refused {
        /// What was asked.
        action: String,
        /// The server's words.
        reason: String,
    },
}

impl DriverError {
    /// The system under test was out of reach, which is no wrong input.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
