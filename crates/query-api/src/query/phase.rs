//! The phase of a Query.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Where a Query stands in its life; the union of both dialects' phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody has touched it; also a missing or empty phase.
    #[default]
    Pending,
    /// Its executor is being prepared. Only in dialect `Target`.
    Provisioning,
    /// It waits for its turn. Only in dialect `Target`.
    Queued,
    /// Its targets are being asked.
    Running,
    /// Its answers are being judged. Only in dialect `Targets`.
    Evaluating,
    /// It waits for a person. Only in dialect `Target`.
    InputRequired,
    /// All its answers are there.
    Done,
    /// It ended without all its answers.
    Error,
    /// It was given up on request.
    Canceled,
    /// A phase that this version does not know, and therefore not one to act on.
    ///
    /// Its text is kept in [`QueryStatus::unknown`](super::QueryStatus::unknown) under `phase`.
    Other,
}

impl Phase {
    /// The text on the wire; `other` for a phase that we do not know.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Provisioning => "provisioning",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Evaluating => "evaluating",
            Self::InputRequired => "input-required",
            Self::Done => "done",
            Self::Error => "error",
            Self::Canceled => "canceled",
            Self::Other => "other",
        }
    }

    /// Whether the Query has ended; a phase that we do not know has not.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Error | Self::Canceled)
    }

    pub(crate) fn from_text(text: &str) -> Self {
        match text {
            "" | "pending" => Self::Pending,
            "provisioning" => Self::Provisioning,
            "queued" => Self::Queued,
            "running" => Self::Running,
            "evaluating" => Self::Evaluating,
            "input-required" => Self::InputRequired,
            "done" => Self::Done,
            "error" => Self::Error,
            "canceled" => Self::Canceled,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Phase;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a phase")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Phase, E> {
                Ok(Phase::from_text(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
