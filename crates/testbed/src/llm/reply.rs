//! Bodies of a stub's answers, in the shape of OpenAI's chat completions.

use std::borrow::Cow;

use serde::Serialize;

use crate::llm::{
    call::Call,
    script::{Reply, Usage},
};

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
struct Choice<'a> {
    index: usize,
    message: Message<'a>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: String,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: i64,
    completion_tokens: i64,
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

/// The body of an answer. `key` makes its ids unique and the same in every run.
pub(crate) fn completion(call: &Call<'_>, reply: &Reply, usage: Usage, key: u64) -> Vec<u8> {
    let choice = choice(call, reply, key);
    to_json(&Completion {
        id: format!("chatcmpl-{key:016x}"),
        object: "chat.completion",
        created: 0,
        model: &call.model,
        usage: tokens(usage, call, &choice.message),
        choices: vec![choice],
    })
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

fn to_json<T: Serialize>(body: &T) -> Vec<u8> {
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
            (quarter(call.n_bytes), quarter(content + arguments))
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
