//! Why a target has no answer.
//!
//! Every message names the object and the cause, because it is all that the author of a Query gets to see.

use std::time::Duration;

use crate::{llm::error::LlmError, metrics::Loaded, tool::error::ToolError};

/// Why a target has no answer.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The target was still running when its time was up; what it had by then is gone.
    #[error("timed out after {after:?}")]
    Timeout {
        /// The deadline that was given to this target.
        after: Duration,
    },
    /// The Query was cancelled, or the process is going down, before the target finished.
    #[error("canceled")]
    Canceled,
    /// The Model that the target, or its agent, refers to does not exist.
    #[error("model `{namespace}/{name}` does not exist")]
    ModelMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Agent does not exist.
    #[error("agent `{namespace}/{name}` does not exist")]
    AgentMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Tool does not exist.
    #[error("tool `{namespace}/{name}` does not exist")]
    ToolMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A Secret that a value comes from does not exist.
    #[error("secret `{namespace}/{name}` (wanted for its key `{key}`) does not exist")]
    SecretMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
        /// The key that was wanted.
        key: String,
    },
    /// A ConfigMap that a value comes from does not exist.
    #[error("config map `{namespace}/{name}` (wanted for its key `{key}`) does not exist")]
    ConfigMapMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
        /// The key that was wanted.
        key: String,
    },
    /// A Service that an address comes from does not exist.
    #[error("service `{namespace}/{name}` does not exist")]
    ServiceMissing {
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The Secret or ConfigMap is there, the key in it is not.
    #[error("{kind} `{namespace}/{name}` has no key `{key}`")]
    KeyMissing {
        /// `secret` or `config map`.
        kind: &'static str,
        /// Where the object is.
        namespace: String,
        /// Its name.
        name: String,
        /// The key that is missing.
        key: String,
    },
    /// The Kubernetes API failed to give an object for another reason than its absence.
    #[error("failed to read {kind} `{namespace}/{name}`: {source}")]
    ReadFailed {
        /// The kind, in lower case.
        kind: &'static str,
        /// Where it was looked for.
        namespace: String,
        /// Its name.
        name: String,
        /// What the API said.
        #[source]
        source: Box<kube::Error>,
    },
    /// An object is there, but what it says cannot be used.
    #[error("{kind} `{namespace}/{name}` cannot be used: {reason}")]
    Invalid {
        /// The kind, in lower case.
        kind: &'static str,
        /// Where the object is.
        namespace: String,
        /// Its name.
        name: String,
        /// What is wrong with it, as a fragment.
        reason: String,
    },
    /// The Query itself cannot be executed as it is written.
    #[error("query cannot be executed: {reason}")]
    InvalidQuery {
        /// What is wrong with it, as a fragment.
        reason: String,
    },
    /// This controller does not execute such a thing.
    #[error("{what} is not supported by this controller")]
    Unsupported {
        /// The kind or provider, and the name of the object.
        what: String,
    },
    /// The model gave no answer.
    #[error(transparent)]
    Llm(#[from] LlmError),
    /// A tool that was the target itself failed, or one of an agent's tools where that is to end the agent.
    #[error("tool `{name}` failed: {source}")]
    Tool {
        /// The tool.
        name: String,
        /// What went wrong.
        #[source]
        source: ToolError,
    },
    /// The agent's model kept calling tools.
    #[error("agent `{name}` was stopped after {cap} turns, because its model still called tools")]
    TooManyTurns {
        /// The agent.
        name: String,
        /// The cap on its turns.
        cap: usize,
    },
    /// The target's code panicked; the other targets are not touched.
    #[error("panicked: {message}")]
    Panicked {
        /// What the panic said, if it said it in text.
        message: String,
    },
    /// An earlier run recorded this failure in the status; nothing was called again.
    #[error("{message}")]
    Recorded {
        /// The recorded text.
        message: String,
    },
}

impl TargetError {
    /// The API failed to give what was to be loaded.
    pub(crate) fn read_failed(
        loaded: Loaded,
        namespace: &str,
        name: &str,
        source: kube::Error,
    ) -> Self {
        Self::ReadFailed {
            kind: loaded.as_str(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            source: Box::new(source),
        }
    }

    /// The value of the `status` label in metrics: a small fixed set.
    pub fn status_label(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Canceled => "canceled",
            Self::ModelMissing { .. }
            | Self::AgentMissing { .. }
            | Self::ToolMissing { .. }
            | Self::SecretMissing { .. }
            | Self::ConfigMapMissing { .. }
            | Self::ServiceMissing { .. }
            | Self::KeyMissing { .. } => "missing",
            Self::ReadFailed { .. } => "read_failed",
            Self::Invalid { .. } | Self::InvalidQuery { .. } => "invalid",
            Self::Unsupported { .. } => "unsupported",
            Self::Llm(error) => error.status_label(),
            Self::Tool { .. } => "tool_failed",
            Self::TooManyTurns { .. } => "too_many_turns",
            Self::Panicked { .. } => "panicked",
            Self::Recorded { .. } => "error",
        }
    }
}
