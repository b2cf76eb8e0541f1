//! What can be wrong with the parameters of a quota; denials are [`Decision`](crate::Decision)s.

use std::path::PathBuf;

/// A quota that cannot be set up as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a usable number of permits per second.
    #[error("invalid rate {per_second}: give permits per second between 1e-9 and 1e9")]
    InvalidRate {
        /// What was given.
        per_second: f64,
    },
    /// A burst of zero would deny everything.
    #[error("invalid burst 0: give at least 1")]
    ZeroBurst,
    /// The file of limits could not be read.
    #[error("read limits from {}", path.display())]
    UnreadableLimits {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The text of the limits does not say what it must.
    #[error("{origin}, line {line}: {reason}")]
    InvalidLimits {
        /// The file, or where else the text came from.
        origin: String,
        /// Line of the fault, from 1.
        line: usize,
        /// The fault and its mend, on one line.
        reason: String,
    },
}
