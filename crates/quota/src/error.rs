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
    /// The address of a Redis server does not say what it must.
    #[cfg(feature = "redis")]
    #[error(
        "invalid address of a redis server: write redis://[user:password@]host:port[/database]"
    )]
    InvalidRedisUrl {
        /// What is wrong with it.
        #[source]
        source: redis::RedisError,
    },
    /// The namespace cannot be the hash tag of Redis keys.
    #[cfg(feature = "redis")]
    #[error("invalid namespace {namespace:?}: give at least one character, and no braces")]
    InvalidNamespace {
        /// What was given.
        namespace: String,
    },
    /// A lease must outlast a few calls that fail.
    #[cfg(feature = "redis")]
    #[error("invalid lease of {lease:?}: give at least {at_least:?}, ten times the longest wait")]
    LeaseTooShort {
        /// What was given.
        lease: std::time::Duration,
        /// The shortest that fits the wait.
        at_least: std::time::Duration,
    },
    /// Scripts count in doubles, which do not hold so many nanoseconds.
    #[cfg(feature = "redis")]
    #[error("rate {limit} is too slow for redis: burst / rate must be below 104 days")]
    RateTooSlow {
        /// Name of the rate.
        limit: &'static str,
    },
    /// The server does not answer, or not as a Redis server does that may be written to.
    #[cfg(feature = "redis")]
    #[error("reach the redis server")]
    Unreachable {
        /// Why not.
        #[source]
        source: std::sync::Arc<redis::RedisError>,
    },
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
