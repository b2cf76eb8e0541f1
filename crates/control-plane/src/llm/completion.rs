//! What a model says: the part of a chat completion that we read.

use query_api::query::TokenUsage;
use serde::Deserialize;

/// One answer of a model: text, calls of tools, or both.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The text; empty if the model only calls tools.
    pub content: String,
    /// The tools that it wants called, in its order.
    pub tool_calls: Vec<ToolCall>,
    /// Tokens of this call; zero if the provider does not say.
    pub usage: TokenUsage,
}

/// A tool that the model wants called.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolCall {
    /// The id under which its output is to be handed back.
    pub id: String,
    /// The tool.
    pub name: String,
    /// JSON text as the model wrote it, and no promise that it is JSON.
    pub arguments: String,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<WireToolCall>>,
}

#[derive(Deserialize)]
struct WireToolCall {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    prompt_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PromptTokens {
    cached_tokens: i64,
}

/// Reads the body of a reply; `Ok(None)` if it has no choices.
pub(crate) fn read(body: &[u8]) -> Result<Option<Completion>, serde_json::Error> {
    let wire: Wire = serde_json::from_slice(body)?;
    let Some(choice) = wire.choices.into_iter().next() else {
        return Ok(None);
    };
    let message = choice.message;
    let tool_calls = message.tool_calls.unwrap_or_default();
    Ok(Some(Completion {
        content: message.content.or(message.refusal).unwrap_or_default(),
        tool_calls: tool_calls.into_iter().map(ToolCall::from).collect(),
        usage: wire.usage.map(TokenUsage::from).unwrap_or_default(),
    }))
}

/// `error.code`, or else `error.type`, of the body of a refusal.
pub(crate) fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        #[serde(default)]
        code: Option<serde_json::Value>,
        #[serde(default)]
        r#type: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    match refusal.error.code {
        Some(serde_json::Value::String(code)) => Some(code),
        _ => refusal.error.r#type,
    }
}

impl From<WireToolCall> for ToolCall {
    fn from(call: WireToolCall) -> Self {
        Self {
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        }
    }
}

impl From<Usage> for TokenUsage {
    /// Figures without a total are not counted, as upstream does.
    fn from(usage: Usage) -> Self {
        if usage.total_tokens == 0 {
            return Self::default();
        }
        let details = usage.prompt_tokens_details.unwrap_or_default();
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            cached_tokens: details.cached_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_tool_calls_and_usage_are_read() {
        let body = br#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":null,
            "tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]}}],
            "usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}}}"#;
        let completion = read(body).unwrap().unwrap();
        let call = ToolCall {
            id: "c".into(),
            name: "f".into(),
            arguments: "{}".into(),
        };
        assert_eq!(completion.content, "");
        assert_eq!(completion.tool_calls, [call]);
        assert_eq!(completion.usage.total_tokens, 3);
        assert_eq!(completion.usage.cached_tokens, 1);
    }

    #[test]
    fn bodies_without_choices_are_told_from_bodies_that_make_no_sense() {
        assert_eq!(read(b"{}").unwrap(), None);
        assert_eq!(read(br#"{"choices":[]}"#).unwrap(), None);
        assert!(read(b"<html>").is_err());
        assert!(read(br#"{"choices":[{}]}"#).is_err());
        assert!(read(br#"{"choices":[{"message":{"content":1}}]}"#).is_err());
    }

    #[test]
    fn the_code_of_a_refusal_falls_back_to_its_type() {
        let code = |body: &str| error_code(body.as_bytes());
        assert_eq!(
            code(r#"{"error":{"code":"a","type":"b"}}"#).as_deref(),
            Some("a")
        );
        assert_eq!(
            code(r#"{"error":{"code":null,"type":"b"}}"#).as_deref(),
            Some("b")
        );
        assert_eq!(code("<html>"), None);
    }
}
