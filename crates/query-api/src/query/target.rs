//! Whom a Query addresses.

use crate::wire::{Part, wire_object};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// One addressee of a Query, in the namespace of the Query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Target {
    /// The kind of the object; `type` on the wire.
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

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = TargetParts::deserialize(deserializer)?;
        Ok(Self {
            kind: parts.kind.ok_or_else(|| D::Error::missing_field("type"))?,
            name: parts.name.ok_or_else(|| D::Error::missing_field("name"))?,
        })
    }
}

impl Part for Target {}

/// A target while it is read, before it is known to be whole.
struct TargetParts {
    kind: Option<TargetKind>,
    name: Option<String>,
}

wire_object! {
    TargetParts closed {
        "type" => kind,
        "name" => name,
    }
}

impl Part for TargetKind {}
