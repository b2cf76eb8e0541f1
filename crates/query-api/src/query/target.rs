//! Whom a Query addresses.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One addressee of a Query, in the namespace of the Query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The kind of the object.
    #[serde(rename = "type")]
    pub kind: TargetKind,
    /// The object.
    pub name: String,
}

/// The kinds of objects that can answer a Query.
///
/// Closed in both dialects: the server refuses any other text, and so do we.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// A model with a prompt and tools.
    Agent,
    /// Several agents or teams under a strategy.
    Team,
    /// A bare model.
    Model,
    /// A tool, called with the input as its arguments.
    Tool,
}

impl Target {
    /// A target of the given kind and name.
    pub fn new(kind: TargetKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

/// Writes `kind/name`.
impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

impl TargetKind {
    /// The text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Team => "team",
            Self::Model => "model",
            Self::Tool => "tool",
        }
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
