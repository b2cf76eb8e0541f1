//! Why a stub does not start.

use std::{io, net::SocketAddr, path::PathBuf};

/// What is wrong with a stub's file or address; every message names the object, the place and the mend.
#[derive(Debug, thiserror::Error)]
pub enum StubError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is not TOML, lacks a field, or has one that no stub has.
    #[error("stub {} does not parse", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, column and the fields that are known there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The text parses, but no stub could do that.
    #[error("stub {}: {place}: {reason}", path.display())]
    Impossible {
        /// The file.
        path: PathBuf,
        /// The table or field, such as `fault 2: when`; in a file of times, the line.
        place: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Nobody can listen there.
    #[error("cannot listen on {address}; port 0 takes any that is free")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system has no thread to give.
    #[error("cannot start the threads of the stub")]
    Threads(#[source] io::Error),
}
