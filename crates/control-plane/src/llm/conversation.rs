//! The messages of a chat, kept as the JSON that is sent.
//!
//! A message is serialised once, when it is said. Every further turn copies bytes and walks no tree.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::llm::{
    completion::{Completion, ToolCall},
    endpoint::Endpoint,
};

/// What has been said so far.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// The elements of the `messages` array, with commas and without brackets.
    elements: Vec<u8>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
}

#[derive(Serialize)]
struct Called<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl Conversation {
    /// Nothing said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the model is told before anyone speaks.
    pub fn system(&mut self, text: &str) {
        self.push(&Message::of("system", text));
    }

    /// What the user says.
    pub fn user(&mut self, text: &str) {
        self.push(&Message::of("user", text));
    }

    /// A message as it came, in OpenAI's shape.
    pub fn raw(&mut self, message: &Value) {
        self.push(message);
    }

    /// What the model said; `name` is the agent's.
    pub fn assistant(&mut self, completion: &Completion, name: &str) {
        let has_text = !completion.content.is_empty() || completion.tool_calls.is_empty();
        self.push(&Message {
            role: "assistant",
            content: has_text.then_some(&completion.content),
            name: Some(name),
            tool_call_id: None,
            tool_calls: completion.tool_calls.iter().map(called).collect(),
        });
    }

    /// What a tool answered to one of the model's calls.
    pub fn tool(&mut self, call: &ToolCall, output: &str) {
        self.push(&Message {
            tool_call_id: Some(&call.id),
            ..Message::of("tool", output)
        });
    }

    /// The body of the next request: the endpoint's opening, the messages, and `closing`, which is either empty or
    /// begins with a comma.
    pub fn body(&self, endpoint: &Endpoint, closing: &[u8]) -> Bytes {
        let opening = endpoint.opening();
        let n_bytes = opening.len() + self.elements.len() + closing.len() + 2;
        let mut body = Vec::with_capacity(n_bytes);
        body.extend_from_slice(opening);
        body.extend_from_slice(&self.elements);
        body.push(b']');
        body.extend_from_slice(closing);
        body.push(b'}');
        body.into()
    }

    fn push(&mut self, message: &impl Serialize) {
        if !self.elements.is_empty() {
            self.elements.push(b',');
        }
        serde_json::to_writer(&mut self.elements, message)
            .expect("messages are trees of strings, and a vector takes all bytes");
    }
}

impl<'a> Message<'a> {
    fn of(role: &'a str, text: &'a str) -> Self {
        Self {
            role,
            content: Some(text),
            name: None,
            tool_call_id: None,
            tool_calls: Vec::new(),
        }
    }
}

fn called(call: &ToolCall) -> Called<'_> {
    Called {
        id: &call.id,
        r#type: "function",
        function: Function {
            name: &call.name,
            arguments: &call.arguments,
        },
    }
}
