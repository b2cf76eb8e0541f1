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
    /// Go on, though nobody counted it: the backend cannot be reached and is set to allow then.
    AllowedUncounted,
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
    /// The backend cannot be reached and is set to deny then; no fault of the caller, so rather status 503.
    DeniedUnreachable {
        /// When to ask again: by then one more attempt to reach it was made.
        retry_after: Duration,
    },
}

impl Decision {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed | Self::AllowedUncounted)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => formatter.write_str("allowed"),
            Self::AllowedUncounted => {
                formatter.write_str("allowed, though the quotas are out of reach")
            }
            Self::DeniedByRate { limit, retry_after } => {
                write!(
                    formatter,
                    "rate {limit} exceeded, retry after {retry_after:?}"
                )
            }
            Self::DeniedByCap { cap, at_most } => {
                write!(formatter, "cap {cap} reached, at most {at_most} at once")
            }
            Self::DeniedUnreachable { retry_after } => {
                write!(
                    formatter,
                    "quotas out of reach, retry after {retry_after:?}"
                )
            }
        }
    }
}
