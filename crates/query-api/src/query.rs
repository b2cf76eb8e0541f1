//! The Query: one question, the targets that answer it, and what became of it.
//!
//! One type reads both dialects: fields that only one of them has are empty in the other.

mod phase;
mod status;
mod target;

use crate::go_duration::{GoDuration, GoDurationError, parse_nanos};
use crate::text_enum::text_enum;
use crate::value_source::{HeaderOverride, ObjectRef, Parameter};
use crate::wire::{Unknown, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::CustomResource;
use serde_json::Value;
use std::borrow::Cow;

pub use phase::Phase;
pub use status::{A2aIds, Evaluation, QueryStatus, Response, TokenUsage};
pub use target::{Target, TargetKind};

/// The finalizer that a controller puts on a Query before it touches it.
pub const QUERY_FINALIZER: &str = "ark.mckinsey.com/finalizer";

/// What a Query asks, of whom, and within which bounds.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Query",
    plural = "queries",
    namespaced,
    status = "QueryStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A question put to agents, teams, models or tools, and their answers."
)]
pub struct QuerySpec {
    /// How `input` is to be read; unset means as user text. Only in dialect `Target`.
    pub r#type: Option<InputType>,
    /// The question: a string, or in dialect `Target` also a list of messages.
    pub input: Value,
    /// Values for the template in `input`; empty means that the input is literal text.
    pub parameters: Vec<Parameter>,
    /// Everyone who is to answer. Only in dialect `Targets`; see [`QuerySpec::all_targets`].
    pub targets: Vec<Target>,
    /// The one who is to answer. Only in dialect `Target`; see [`QuerySpec::all_targets`].
    pub target: Option<Target>,
    /// Further targets by label (dialect `Targets`), or the target by label (dialect `Target`).
    pub selector: Option<LabelSelector>,
    /// Where the conversation is kept; unset means the Memory `default` if there is one.
    pub memory: Option<ObjectRef>,
    /// Who judges the answers. Only in dialect `Targets`.
    pub evaluators: Vec<ObjectRef>,
    /// Who judges the answers, by label; not together with `evaluators`. Only in dialect `Targets`.
    pub evaluator_selector: Option<LabelSelector>,
    /// The account under which objects are read; unset means `default`.
    pub service_account: Option<String>,
    /// The session that the Query belongs to; unset means one of its own, named by its UID.
    pub session_id: Option<String>,
    /// The conversation to go on with; unset begins one. Only in dialect `Target`.
    pub conversation_id: Option<String>,
    /// Headers for the calls of models and MCP servers. Only in dialect `Target`.
    pub overrides: Vec<HeaderOverride>,
    /// How long the finished Query is kept; the schema's default is 720 hours.
    pub ttl: Option<GoDuration>,
    /// How long each target may take; the schema's default is 5 minutes.
    pub timeout: Option<GoDuration>,
    /// Whether the Query is to be given up.
    pub cancel: bool,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    QuerySpec in spec {
        "type" => r#type,
        "input" => input,
        "parameters" => parameters,
        "targets" => targets,
        "target" => target,
        "selector" => selector,
        "memory" => memory,
        "evaluators" => evaluators,
        "evaluatorSelector" => evaluator_selector,
        "serviceAccount" => service_account,
        "sessionId" => session_id,
        "conversationId" => conversation_id,
        "overrides" => overrides,
        "ttl" => ttl,
        "timeout" => timeout,
        "cancel" => cancel,
    }
}

/// A field of a spec whose text the server let through although it means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`spec.{field}`: {source}")]
pub struct MalformedField {
    /// The field's name on the wire.
    pub field: &'static str,
    /// What is wrong with it.
    #[source]
    pub source: GoDurationError,
}

text_enum! {
    /// How a Query's input is to be read.
    InputType {
        /// Text of a user.
        User = "user",
        /// A list of chat messages.
        Messages = "messages",
    }
}

impl QuerySpec {
    /// All named targets in the order of the spec, whichever dialect's field holds them.
    ///
    /// Targets found through `selector` are not among them.
    pub fn all_targets(&self) -> impl Iterator<Item = &Target> + Clone {
        self.targets.iter().chain(&self.target)
    }

    /// Whether every duration is one.
    ///
    /// A text that is no duration does not make the object unreadable: its field is unset and the text is kept in `unknown`.
    /// Whoever acts on a Query asks here first, or takes the default where the author meant something else.
    ///
    /// # Errors
    ///
    /// The first malformed field.
    pub fn check(&self) -> Result<(), MalformedField> {
        for field in ["ttl", "timeout"] {
            if let Some(Value::String(text)) = self.unknown.get(field) {
                parse_nanos(text).map_err(|source| MalformedField { field, source })?;
            }
        }
        Ok(())
    }

    /// The input as text: a string as it is, empty if absent, anything else as JSON.
    #[must_use]
    pub fn input_text(&self) -> Cow<'_, str> {
        match &self.input {
            Value::String(text) => Cow::Borrowed(text),
            Value::Null => Cow::Borrowed(""),
            other => Cow::Owned(other.to_string()),
        }
    }
}

impl Query {
    /// The phase; pending if there is no status yet, because the server strips it on create.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.status
            .as_ref()
            .map_or(Phase::Pending, |status| status.phase)
    }
}
