//! The steps of a run: what it did, one entry each, numbered from 1.

use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::run::{Seq, UnixMillis};

/// One step of a run. It never changes once it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Number of the event that added it, so that the steps since a version are the end of the list.
    pub seq: Seq,
    /// When it was added.
    pub at_ms: UnixMillis,
    /// What kind of step.
    pub kind: StepKind,
    /// What was done, in the words of whoever did it.
    pub payload: Json,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Made or changed the plan.
    Plan,
    /// Asked a model.
    ModelCall,
    /// Called a tool.
    ToolCall,
    /// Started a child run.
    Spawn,
    /// Did something outside.
    Action,
    /// Looked at what came of it.
    Observation,
    /// Said something.
    Message,
    /// Gave the answer.
    Final,
}

impl StepKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::ModelCall,
        Self::ToolCall,
        Self::Observation,
        Self::Plan,
        Self::Spawn,
        Self::Action,
        Self::Message,
        Self::Final,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::ModelCall => "model_call",
            Self::ToolCall => "tool_call",
            Self::Spawn => "spawn",
            Self::Action => "action",
            Self::Observation => "observation",
            Self::Message => "message",
            Self::Final => "final",
        }
    }
}
