//! Why a tool call failed.

use std::time::Duration;

use http::StatusCode;

use crate::{execution::error::TargetError, template::TemplateError, transport::TransportError};

/// Why a tool call failed. The messages are also what a model gets to read.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// No tool of that name is there for the agent.
    #[error("there is no tool of this name")]
    Unknown,
    /// The arguments are no JSON object.
    #[error("its arguments are not a JSON object: {0}")]
    Arguments(String),
    /// The URL has a place for an argument that was not given.
    #[error("its argument `{0}` is missing")]
    ArgumentMissing(String),
    /// The URL, with its arguments in place, is none.
    #[error("its URL `{0}` is not an http or https URL")]
    Url(String),
    /// A header has characters that none may hold.
    #[error("its header `{0}` cannot be sent")]
    Header(String),
    /// Its timeout is no duration.
    #[error("its timeout `{0}` is not a duration")]
    Timeout(String),
    /// The value of one of its headers or body parameters cannot be looked up.
    #[error(transparent)]
    Value(Box<TargetError>),
    /// The template of its body cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The server said no.
    #[error("status {}: {excerpt}", status.as_u16())]
    Refused {
        /// The status, 300 or above; redirects are not followed.
        status: StatusCode,
        /// The first 200 characters of the body.
        excerpt: String,
    },
    /// No reply in time.
    #[error("no answer within {after:?}")]
    TimedOut {
        /// The tool's timeout.
        after: Duration,
    },
    /// No connection, or it broke.
    #[error(transparent)]
    Unreachable(#[from] TransportError),
}
