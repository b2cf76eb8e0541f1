//! Bounds on what a long run costs: a window on its history, a length for tool output, a packing for long fields.
//!
//! Pure functions; nothing here keeps or drops state.

use std::borrow::Cow;
use std::ops::Range;

use crate::message::Role;
use crate::run::RunState;

/// Exchanges that a model is shown, by default.
pub const HISTORY_PAIRS: usize = 50;

/// Bytes of a tool's output that are kept, by default: 10 KiB.
pub const TOOL_OUTPUT_BYTES: usize = 10 * 1024;

/// What stands at the end of an output that was cut.
pub const TRUNCATION_MARKER: &str = "\n... (truncated)";

/// Which messages a model is shown: the prompt at the start, and the last exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryWindow {
    /// The system messages at the start.
    pub prompt: Range<usize>,
    /// The messages from the first shown exchange to the end.
    pub recent: Range<usize>,
}

impl HistoryWindow {
    /// The window on a history of these roles that holds the last `n_pairs` exchanges.
    ///
    /// An exchange, or pair, is a message of the assistant with the user's messages right before it and
    /// the tool messages after it: a tool's result is never shown without its call.
    /// User messages that have no answer yet are always shown.
    ///
    /// ```text
    /// system  user assistant tool tool assistant user assistant  user
    /// prompt |------- pair -----------|- pair --|---- pair ----| open
    /// ```
    pub fn of(roles: &[Role], n_pairs: usize) -> Self {
        let is_prompt = |role: &&Role| **role == Role::System;
        let prompt = 0..roles.iter().take_while(is_prompt).count();
        let mut pairs = 0;
        let mut start = roles.len();
        for (position, role) in roles.iter().enumerate().skip(prompt.end).rev() {
            let belongs_to = match role {
                Role::Assistant => {
                    pairs += 1;
                    pairs
                }
                Role::Tool => pairs + 1,
                Role::User | Role::System => pairs,
            };
            if belongs_to > n_pairs {
                break;
            }
            start = position;
        }
        Self {
            prompt,
            recent: start..roles.len(),
        }
    }

    /// The messages in the window, oldest first.
    pub fn messages<'a, M>(&self, messages: &'a [M]) -> impl Iterator<Item = &'a M> {
        let prompt = messages[self.prompt.clone()].iter();
        prompt.chain(&messages[self.recent.clone()])
    }
}

/// An output of at most `at_most` bytes and, if it was cut, the [`TRUNCATION_MARKER`] after it.
///
/// Cuts between characters, so a few bytes fewer may be kept.
pub fn truncate_tool_output(output: &str, at_most: usize) -> Cow<'_, str> {
    if output.len() <= at_most {
        return Cow::Borrowed(output);
    }
    let is_cut = |at: &usize| output.is_char_boundary(*at);
    let cut = (0..=at_most).rev().find(is_cut).unwrap_or(0);
    let kept = &output[..cut];
    Cow::Owned([kept, TRUNCATION_MARKER].concat())
}

/// A long text in less memory, while nobody reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// LZ4, with the length before it.
    compressed: Box<[u8]>,
}

impl Field {
    /// A text that is longer than `above` bytes, compressed; `None` for a shorter one, and for one that becomes no shorter.
    pub fn compressed(text: &str, above: usize) -> Option<Self> {
        if text.len() <= above {
            return None;
        }
        let compressed = lz4_flex::block::compress_prepend_size(text.as_bytes());
        (compressed.len() < text.len()).then(|| Self {
            compressed: compressed.into(),
        })
    }

    /// The text.
    pub fn text(&self) -> String {
        let bytes = lz4_flex::block::decompress_size_prepended(&self.compressed);
        let bytes = bytes.expect("it was compressed in this process");
        String::from_utf8(bytes).expect("it was a text before")
    }

    /// Bytes that it takes.
    pub fn n_bytes(&self) -> usize {
        self.compressed.len()
    }
}

/// Takes the long fields of a state out and compresses them: what was said, and what tools answered.
///
/// [`unpack_fields`] puts them back. The state between the two is one with empty fields.
pub fn pack_fields(state: &mut RunState, above: usize) -> Vec<(usize, Field)> {
    let mut fields = Vec::new();
    for (position, text) in long_fields(state).enumerate() {
        if let Some(field) = Field::compressed(text, above) {
            fields.push((position, field));
            // Not cleared, which would keep its memory.
            *text = String::new();
        }
    }
    fields
}

/// Puts the fields back that [`pack_fields`] took out of this state.
pub fn unpack_fields(state: &mut RunState, fields: &[(usize, Field)]) {
    let mut fields = fields.iter().peekable();
    for (position, text) in long_fields(state).enumerate() {
        if let Some((_, field)) = fields.next_if(|(of, _)| *of == position) {
            *text = field.text();
        }
    }
}

/// The fields that can be long, always in the same order.
fn long_fields(state: &mut RunState) -> impl Iterator<Item = &mut String> {
    state.messages.iter_mut().flat_map(|message| {
        let results = message
            .tool_calls
            .iter_mut()
            .flat_map(|call| &mut call.result);
        std::iter::once(&mut message.content).chain(results.map(|result| &mut result.output))
    })
}

#[cfg(test)]
mod tests;
