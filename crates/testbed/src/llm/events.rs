//! An answer as a stream of server-sent events, in the shape of OpenAI's chat completion chunks.

use serde::Serialize;

use crate::llm::reply::{Answer, Function, Tokens, to_json};

/// The bytes of a token by estimate.
const TOKEN_BYTES: usize = 4;

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Left out unless usage was asked for; then `null` in all chunks but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Tokens>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: usize,
    delta: Delta<'a>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[ToolCall<'a>; 1]>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: Piece<'a>,
}

#[derive(Serialize)]
struct Piece<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    arguments: &'a str,
}

impl Answer<'_> {
    /// How many tokens it comes in.
    pub(super) fn n_tokens(&self) -> usize {
        let message = &self.choice.message;
        let content = message
            .content
            .as_deref()
            .map_or(0, |text| pieces(text).count());
        let calls = message.tool_calls.iter();
        let calls: usize = calls
            .map(|call| 1 + pieces(call.function.arguments).count())
            .sum();
        (content + calls).max(1)
    }

    /// The events of each token. The first of them begins with the role; the last one ends with the reason to finish
    /// and, if they are wanted, the token figures.
    pub(super) fn events(&self, wants_usage: bool) -> Vec<Vec<u8>> {
        let writer = Writer {
            answer: self,
            wants_usage,
        };
        let mut events = writer.deltas();
        if events.is_empty() {
            events.push(Vec::new());
        }
        let role = Delta {
            role: Some("assistant"),
            content: Some(""),
            ..Delta::default()
        };
        let mut first = writer.event(role, None);
        first.append(&mut events[0]);
        events[0] = first;
        let last = events.last_mut().expect("there is one at least");
        last.extend(writer.event(Delta::default(), Some(self.choice.finish_reason)));
        if let (true, Some(usage)) = (wants_usage, self.usage) {
            last.extend(writer.chunk(&[], Some(usage)));
        }
        events
    }

    /// The events of an answer without any choice.
    pub(super) fn nothing(&self) -> Vec<u8> {
        let writer = Writer {
            answer: self,
            wants_usage: false,
        };
        writer.chunk(&[], None)
    }
}

struct Writer<'w> {
    answer: &'w Answer<'w>,
    wants_usage: bool,
}

impl Writer<'_> {
    fn deltas(&self) -> Vec<Vec<u8>> {
        let message = &self.answer.choice.message;
        let content = message.content.iter().flat_map(|text| pieces(text));
        let mut events: Vec<Vec<u8>> = content
            .map(|piece| {
                let delta = Delta {
                    content: Some(piece),
                    ..Delta::default()
                };
                self.event(delta, None)
            })
            .collect();
        for (index, call) in message.tool_calls.iter().enumerate() {
            let Function { name, arguments } = call.function;
            let opening = ToolCall {
                index,
                id: Some(&call.id),
                r#type: Some("function"),
                function: Piece {
                    name: Some(name),
                    arguments: "",
                },
            };
            events.push(self.tool_call(opening));
            events.extend(pieces(arguments).map(|arguments| {
                self.tool_call(ToolCall {
                    index,
                    id: None,
                    r#type: None,
                    function: Piece {
                        name: None,
                        arguments,
                    },
                })
            }));
        }
        events
    }

    fn tool_call(&self, call: ToolCall<'_>) -> Vec<u8> {
        let delta = Delta {
            tool_calls: Some([call]),
            ..Delta::default()
        };
        self.event(delta, None)
    }

    fn event(&self, delta: Delta<'_>, finish_reason: Option<&'static str>) -> Vec<u8> {
        let choice = Choice {
            index: 0,
            delta,
            finish_reason,
        };
        self.chunk(&[choice], None)
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Tokens>) -> Vec<u8> {
        let chunk = to_json(&Chunk {
            id: &self.answer.id,
            object: "chat.completion.chunk",
            created: 0,
            model: self.answer.model,
            choices,
            usage: self.wants_usage.then_some(usage),
        });
        [b"data: ", &*chunk, b"\n\n"].concat()
    }
}

/// A text in pieces of a token each, cut between characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = TOKEN_BYTES.min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_make_the_text_again(text in ".{0,40}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), &*text);
            prop_assert!(pieces(&text).all(|piece| (1..8).contains(&piece.len())));
        }
    }
}
