//! What is said in a run, and the tools that are called with it.
//!
//! Every field that can be empty is left out of the JSON when it is, and no other field ever is.

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// The tools that the assistant calls with this message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The instructions at the start.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// A tool, where its result is kept as a message of its own rather than beside its call.
    Tool,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Assistant, Self::User, Self::Tool, Self::System];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One call of a tool, with its result once there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// Identifies the call in its run.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// What the model passed to it.
    pub arguments: Json,
    /// `None` while the call runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ToolResult>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The answer, or the message of the failure.
    pub output: String,
    /// Whether the tool failed.
    pub failed: bool,
    /// How long the call took.
    pub took_ms: u64,
}
