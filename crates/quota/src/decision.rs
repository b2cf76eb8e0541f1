//! What a service tells its caller: go on, or why not and when to ask again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The answer of a quota to one request.
///
/// A denial is an expected outcome and no error; a service answers it with status 429.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Go on.
    Allowed,
    /// Too many per time.
    DeniedByRate {
        /// Name of the rate that refused.
        limit: Arc<str>,
        /// When to ask again, for the `Retry-After` header.
        retry_after: Duration,
    },
    /// Too many at once; ask again when one of them has ended.
    DeniedByCap {
        /// Name of the cap that refused.
        cap: Arc<str>,
        /// How many it admits at once.
        at_most: u32,
    },
}

impl Decision {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        *self == Self::Allowed
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => formatter.write_str("allowed"),
            Self::DeniedByRate { limit, retry_after } => {
                write!(
                    formatter,
                    "rate {limit} exceeded, retry after {retry_after:?}"
                )
            }
            Self::DeniedByCap { cap, at_most } => {
                write!(formatter, "cap {cap} reached, at most {at_most} at once")
            }
        }
    }
}
