//! Bodies of a stub's answers, in the shape of OpenAI's chat completions.

use std::borrow::Cow;

use serde::Serialize;

use crate::llm::{
    call::Call,
    script::{Reply, Usage},
};

/// What [`Reply::Tokens`] says once for every token: four bytes, which are one by estimate.
const TOKEN: &str = "oar ";

/// What a proxy says where a model should have answered.
pub(crate) const PAGE: &str = "<html><body>Bad gateway</body></html>";

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Tokens>,
}

#[derive(Serialize)]
pub(super) struct Choice<'a> {
    index: usize,
    pub(super) message: Message<'a>,
    pub(super) finish_reason: &'static str,
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    pub(super) content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
pub(super) struct ToolCall<'a> {
    pub(super) id: String,
    r#type: &'static str,
    pub(super) function: Function<'a>,
}

#[derive(Serialize)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: &'a str,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Tokens {
    pub(super) prompt_tokens: i64,
    pub(super) completion_tokens: i64,
    total_tokens: i64,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorObject<'a>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: &'a str,
}

/// An answer, ready to be written as a whole or in events.
pub(super) struct Answer<'a> {
    pub(super) id: String,
    pub(super) model: &'a str,
    pub(super) choice: Choice<'a>,
    pub(super) usage: Option<Tokens>,
}

impl<'a> Answer<'a> {
    /// The answer to a call. `key` makes its ids unique and the same in every run.
    pub(super) fn to(call: &'a Call<'_>, reply: &'a Reply, usage: Usage, key: u64) -> Self {
        let choice = choice(call, reply, key);
        Self {
            id: format!("chatcmpl-{key:016x}"),
            model: &call.model,
            usage: tokens(usage, call, &choice.message),
            choice,
        }
    }

    /// As one body.
    pub(super) fn whole(self) -> Vec<u8> {
        to_json(&Completion {
            id: self.id,
            object: "chat.completion",
            created: 0,
            model: self.model,
            usage: self.usage,
            choices: vec![self.choice],
        })
    }
}

/// A well-formed body without any choice.
pub(crate) fn empty(call: &Call<'_>, key: u64) -> Vec<u8> {
    to_json(&Completion {
        id: format!("chatcmpl-{key:016x}"),
        object: "chat.completion",
        created: 0,
        model: &call.model,
        choices: Vec::new(),
        usage: None,
    })
}

/// The body of a refusal.
pub(crate) fn error(message: &str, kind: &str, code: &str) -> Vec<u8> {
    to_json(&ErrorBody {
        error: ErrorObject {
            message,
            r#type: kind,
            param: None,
            code,
        },
    })
}

pub(super) fn to_json<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("a tree of strings and numbers is JSON")
}

fn choice<'a>(call: &Call<'_>, reply: &'a Reply, key: u64) -> Choice<'a> {
    let text = |content: Cow<'a, str>| Choice {
        index: 0,
        message: Message {
            role: "assistant",
            content: Some(content),
            tool_calls: Vec::new(),
        },
        finish_reason: "stop",
    };
    match reply {
        Reply::Text(content) => text(Cow::Borrowed(content)),
        Reply::Echo => text(Cow::Owned(call.input())),
        Reply::Trace => text(Cow::Owned(trace(call))),
        Reply::Tokens(n_tokens) => text(Cow::Owned(TOKEN.repeat(*n_tokens))),
        Reply::ToolCalls(tool_calls) => Choice {
            index: 0,
            message: Message {
                role: "assistant",
                content: None,
                tool_calls: tool_calls
                    .iter()
                    .enumerate()
                    .map(|(index, tool_call)| ToolCall {
                        id: format!("call_{key:016x}_{index}"),
                        r#type: "function",
                        function: Function {
                            name: &tool_call.name,
                            arguments: &tool_call.arguments,
                        },
                    })
                    .collect(),
            },
            finish_reason: "tool_calls",
        },
    }
}

fn trace(call: &Call<'_>) -> String {
    let query = call.query.as_deref().unwrap_or("unknown");
    match call.target {
        Some(target) => format!("answer to {query}#{target} turn {}", call.turn),
        None => format!("answer to {query} turn {}", call.turn),
    }
}

fn tokens(usage: Usage, call: &Call<'_>, message: &Message<'_>) -> Option<Tokens> {
    let (prompt, completion) = match usage {
        Usage::Absent => return None,
        Usage::Fixed { prompt, completion } => (prompt, completion),
        Usage::Estimated => {
            let content = message.content.as_deref().map_or(0, str::len);
            let arguments = message.tool_calls.iter();
            let arguments: usize = arguments.map(|call| call.function.arguments.len()).sum();
            (quarter(call.n_bytes()), quarter(content + arguments))
        }
    };
    Some(Tokens {
        prompt_tokens: prompt,
        completion_tokens: completion,
        total_tokens: prompt + completion,
    })
}

fn quarter(n_bytes: usize) -> i64 {
    i64::try_from(n_bytes / 4).unwrap_or(i64::MAX / 4).max(1)
}
