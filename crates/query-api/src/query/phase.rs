//! The phase of a Query.

use crate::wire::{Part, RawText, Unknown, in_field, plain_fields};
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
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
        RawText::deserialize(deserializer).map(|text| Self::from_text(&text.0))
    }
}

/// The text of a phase that we do not know is kept among the unknown fields.
impl Part for Phase {
    fn read_part<'de, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        unknown: &mut Unknown,
    ) -> Result<Option<Self>, A::Error> {
        let text: Option<RawText<'de>> =
            map.next_value().map_err(|error| in_field(name, &error))?;
        let Some(RawText(text)) = text else {
            return Ok(None);
        };
        let phase = Self::from_text(&text);
        if phase == Self::Other {
            unknown.insert(name.to_owned(), Value::String(text.into_owned()));
        }
        Ok(Some(phase))
    }

    fn is_kept_beside(&self) -> bool {
        *self == Self::Other
    }
}

plain_fields! {
    Phase: Part::is_kept_beside,
}
