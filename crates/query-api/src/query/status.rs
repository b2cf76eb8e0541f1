//! What became of a Query.

use super::{Phase, Target};
use crate::go_duration::GoDuration;
use crate::wire::{Unknown, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use std::collections::BTreeMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

/// The state of a Query, written by its controller alone.
///
/// Our extension: a target that failed stands among the `responses` (or as the `response`) in the order of the spec,
/// with phase `error` and the error's text as its content, and a condition `Completed` carries reason and message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryStatus {
    /// Where the Query stands; pending if absent.
    pub phase: Phase,
    /// The answers, in the order of the spec when we wrote them. Only in dialect `Targets`.
    pub responses: Vec<Response>,
    /// The answer. Only in dialect `Target`.
    pub response: Option<Response>,
    /// The judgements of the evaluators. Only in dialect `Targets`.
    pub evaluations: Vec<Evaluation>,
    /// The tokens that all model calls used together; unset while none is known.
    pub token_usage: Option<TokenUsage>,
    /// The conversation in which the answer stands. Only in dialect `Target`.
    pub conversation_id: Option<String>,
    /// How long the execution took; unset until it ends.
    pub duration: Option<GoDuration>,
    /// Standard conditions; `Completed` is the one that every reader may rely on.
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    QueryStatus in status {
        "phase" => phase,
        "responses" => responses,
        "response" => response,
        "evaluations" => evaluations,
        "tokenUsage" => token_usage,
        "conversationId" => conversation_id,
        "duration" => duration,
        "conditions" => conditions,
    }
}

/// The answer of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// Who answered.
    pub target: Option<Target>,
    /// The text of the last message, or of the error.
    pub content: String,
    /// All messages as JSON text. Only in dialect `Target`.
    pub raw: Option<String>,
    /// Whether this target is done or failed; unset means done, as upstream's older dialect has no such field.
    pub phase: Option<Phase>,
    /// The ids under which an A2A executor knows the exchange. Only in dialect `Target`.
    pub a2a: Option<A2aIds>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    Response {
        "target" => target,
        "content" => content always,
        "raw" => raw,
        "phase" => phase,
        "a2a" => a2a,
    }
}

/// The ids under which an A2A executor knows an exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct A2aIds {
    /// The conversation.
    pub context_id: Option<String>,
    /// The task; unset if the executor answered without one.
    pub task_id: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    A2aIds {
        "contextId" => context_id,
        "taskId" => task_id,
    }
}

/// The judgement of one evaluator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Who judged.
    pub evaluator_name: String,
    /// A number as text; its range is the evaluator's.
    pub score: Option<String>,
    /// Whether the answers passed.
    pub passed: Option<bool>,
    /// Whatever else the evaluator said; `error` if it failed.
    pub metadata: BTreeMap<String, String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    Evaluation {
        "evaluatorName" => evaluator_name,
        "score" => score,
        "passed" => passed,
        "metadata" => metadata,
    }
}

/// Tokens used, as the model's provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// Tokens sent.
    pub prompt_tokens: i64,
    /// Tokens received.
    pub completion_tokens: i64,
    /// Both together, as reported rather than summed by us.
    pub total_tokens: i64,
    /// Tokens sent that the provider had cached. Only in dialect `Target`.
    pub cached_tokens: i64,
}

wire_object! {
    TokenUsage closed {
        "promptTokens" => prompt_tokens,
        "completionTokens" => completion_tokens,
        "totalTokens" => total_tokens,
        "cachedTokens" => cached_tokens,
    }
}

/// Saturates: a provider that reports nonsense must not stop a Query.
impl Add for TokenUsage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            prompt_tokens: self.prompt_tokens.saturating_add(other.prompt_tokens),
            completion_tokens: self
                .completion_tokens
                .saturating_add(other.completion_tokens),
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
            cached_tokens: self.cached_tokens.saturating_add(other.cached_tokens),
        }
    }
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for TokenUsage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), Add::add)
    }
}
