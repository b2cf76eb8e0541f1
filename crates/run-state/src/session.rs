//! The state of one session: messages with their tool calls, the plan, the status of the run.
//!
//! Plain data; how it changes is [`crate::event`]'s affair.
//! Every field that can be empty is left out of the JSON when it is, and no other field ever is.

use std::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::codec::scan::plain_run;

/// The number of an event in its session, from 1 without gaps; 0 is before the first.
///
/// The number of the last event is also the version of the session.
pub type Seq = u64;

/// A point in time, in milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// What the events of a session add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionState {
    /// Name of the session, unique in its store.
    pub id: String,
    /// Number of the last event in this state.
    pub version: Seq,
    /// How far the run is.
    pub status: RunStatus,
    /// When the session was created.
    pub created_at_ms: UnixMillis,
    /// When the last event happened; the time of creation before the first.
    pub updated_at_ms: UnixMillis,
    /// The conversation, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// The to-do list of the agent, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanItem>,
}

impl SessionState {
    /// The state before the first event.
    pub fn new(id: impl Into<String>, created_at_ms: UnixMillis) -> Self {
        Self {
            id: id.into(),
            version: 0,
            status: RunStatus::Pending,
            created_at_ms,
            updated_at_ms: created_at_ms,
            messages: Vec::new(),
            plan: Vec::new(),
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Created, not yet started.
    Pending,
    /// At work.
    Running,
    /// Waits for something outside: an approval, a user, a child run.
    Waiting,
    /// Ended with an answer.
    Completed,
    /// Ended without one.
    Failed,
    /// Ended on request.
    Canceled,
}

impl RunStatus {
    /// Whether the run has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

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
    /// Identifies the call in its session.
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

/// One item of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanItem {
    /// What is to be done.
    pub text: String,
    /// How far it is.
    pub status: PlanStatus,
}

/// How far an item of the plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// Not begun.
    Open,
    /// Begun.
    InProgress,
    /// Finished.
    Done,
    /// Given up.
    Skipped,
}

impl PlanStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Skipped => "skipped",
        }
    }
}

/// A JSON value that is kept as its text: valid, on one line, without space between its parts.
///
/// Nothing in a session looks into arguments and payloads, so they are never made into trees.
/// Equal means the same text: `{"a":1,"b":2}` and `{"b":2,"a":1}` differ.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Checks a text, and takes out the space between its parts.
    pub fn parse(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self::compact)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    fn compact(raw: Box<RawValue>) -> Self {
        match without_outer_space(raw.get()).map(RawValue::from_string) {
            Some(Ok(compacted)) => Self(compacted),
            // Taking space out of a valid text cannot make it invalid.
            Some(Err(_)) | None => Self(raw),
        }
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer)
            .map(Self::compact)
            .map_err(D::Error::custom)
    }
}

/// A valid JSON text without the space between its parts; `None` if there is none.
fn without_outer_space(json: &str) -> Option<String> {
    let mut rest = json;
    let mut kept = String::new();
    while let Some(space) = outer_space(rest) {
        kept.push_str(&rest[..space]);
        rest = rest[space..].trim_start_matches(is_space);
    }
    let has_space = rest.len() < json.len();
    has_space.then(|| kept + rest)
}

/// Where the first space outside a string is.
fn outer_space(json: &str) -> Option<usize> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if is_space(char::from(byte)) {
            return Some(at);
        }
        at += 1;
        if byte == b'"' {
            at += string_length(&bytes[at..]);
        }
    }
    None
}

/// Bytes of a string after its opening quote, with the closing one.
fn string_length(bytes: &[u8]) -> usize {
    let mut at = plain_run(bytes);
    while bytes.get(at) == Some(&b'\\') {
        at += 2;
        at += bytes.get(at..).map_or(0, plain_run);
    }
    at + 1
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\n' | '\r' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_compacted(text: &str, expected: &str) {
        let json = Json::parse(text.to_owned()).expect("valid");
        assert_eq!(json.as_str(), expected);
        let read: Json = serde_json::from_str(text).expect("valid");
        assert_eq!(read, json);
    }

    #[test]
    fn json_is_kept_without_outer_space() {
        check_compacted(r#"{"a":[1,2]}"#, r#"{"a":[1,2]}"#);
        check_compacted("{ \"a\" :\n [1,\t2 ] }", r#"{"a":[1,2]}"#);
        check_compacted(
            r#"{ "a b" : "c \" d \\" , "é" : " " }"#,
            r#"{"a b":"c \" d \\","é":" "}"#,
        );
        check_compacted(" 17 ", "17");
    }

    #[test]
    fn text_that_is_no_json_is_refused() {
        assert!(Json::parse("{\"a\":}".to_owned()).is_err());
        assert!(Json::parse(String::new()).is_err());
    }

    #[test]
    fn words_are_the_same_in_code_and_on_the_wire() {
        let status = [RunStatus::Pending, RunStatus::Running, RunStatus::Waiting];
        let ended = [RunStatus::Completed, RunStatus::Failed, RunStatus::Canceled];
        for status in status.into_iter().chain(ended) {
            let wire = serde_json::to_value(status).expect("a word");
            assert_eq!(wire, status.as_str());
            assert_eq!(status.is_terminal(), ended.contains(&status));
        }
        for role in [Role::System, Role::User, Role::Assistant, Role::Tool] {
            assert_eq!(serde_json::to_value(role).expect("a word"), role.as_str());
        }
        for status in [
            PlanStatus::Open,
            PlanStatus::InProgress,
            PlanStatus::Done,
            PlanStatus::Skipped,
        ] {
            assert_eq!(
                serde_json::to_value(status).expect("a word"),
                status.as_str()
            );
        }
    }
}
