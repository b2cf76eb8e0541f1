//! Why a model gave no answer.

use std::time::Duration;

use http::StatusCode;

use crate::transport::TransportError;

/// Why a model gave no answer. Every message names the model, and the status and the beginning of the body if there
/// was a reply.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The provider said no.
    #[error("model `{model}` refused the call with status {}: {excerpt}", status.as_u16())]
    Refused {
        /// The provider's name of the model.
        model: String,
        /// The status of the last attempt.
        status: StatusCode,
        /// `error.code`, or else `error.type`, of the body.
        code: Option<String>,
        /// The first 200 characters of the body.
        excerpt: String,
    },
    /// The reply is no chat completion.
    #[error("model `{model}` answered with status {} and a malformed body ({reason}): {excerpt}", status.as_u16())]
    Malformed {
        /// The provider's name of the model.
        model: String,
        /// The status.
        status: StatusCode,
        /// What is wrong with the body.
        reason: String,
        /// The first 200 characters of the body.
        excerpt: String,
    },
    /// The reply is a chat completion without any choice.
    #[error("model `{model}` answered with status {} and no choices: {excerpt}", status.as_u16())]
    EmptyChoices {
        /// The provider's name of the model.
        model: String,
        /// The status.
        status: StatusCode,
        /// The first 200 characters of the body.
        excerpt: String,
    },
    /// The reply is larger than anything a model says.
    #[error("model `{model}` answered with status {} and more than {limit} bytes: {excerpt}", status.as_u16())]
    TooLarge {
        /// The provider's name of the model.
        model: String,
        /// The status.
        status: StatusCode,
        /// Where reading stopped.
        limit: usize,
        /// The first 200 characters of the body.
        excerpt: String,
    },
    /// No reply within the timeout of one request.
    #[error("model `{model}` did not answer within {after:?}")]
    TimedOut {
        /// The provider's name of the model.
        model: String,
        /// The timeout.
        after: Duration,
    },
    /// No connection, or it broke.
    #[error("failed to call model `{model}` at `{address}`: {source}")]
    Unreachable {
        /// The provider's name of the model.
        model: String,
        /// Host and port.
        address: String,
        /// What went wrong.
        #[source]
        source: TransportError,
    },
}

impl LlmError {
    /// The status of the reply, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. }
            | Self::Malformed { status, .. }
            | Self::EmptyChoices { status, .. }
            | Self::TooLarge { status, .. } => Some(*status),
            Self::TimedOut { .. } | Self::Unreachable { .. } => None,
        }
    }

    /// The value of the `status` label in metrics.
    pub fn status_label(&self) -> &'static str {
        match self {
            Self::Refused { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => {
                "llm_rate_limited"
            }
            Self::Refused { .. } => "llm_refused",
            Self::Malformed { .. } | Self::EmptyChoices { .. } | Self::TooLarge { .. } => {
                "llm_malformed"
            }
            Self::TimedOut { .. } => "llm_timeout",
            Self::Unreachable { .. } => "llm_unreachable",
        }
    }
}
