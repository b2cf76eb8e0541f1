//! What an endpoint's reply says: a whole completion, or events one after the other.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Deserialize;

/// A reply, whole or an event of it, read just far enough.
#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    /// Of an event it is the delta.
    #[serde(borrow, alias = "delta")]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
}

impl Reply<'_> {
    fn read(json: &[u8]) -> Result<Reply<'_>, String> {
        let not = |error: &dyn Display| format!("the reply is no completion: {error}");
        // Checked as a whole, and not string by string.
        let json = str::from_utf8(json).map_err(|error| not(&error))?;
        let reply: Reply<'_> = serde_json::from_str(json).map_err(|error| not(&error))?;
        match reply.error {
            Some(error) => Err(format!("the endpoint says {error}")),
            None => Ok(reply),
        }
    }

    fn text(&self) -> Option<&str> {
        let message = self.choices.first()?.message.as_ref()?;
        message.content.as_deref()
    }
}

/// The text of a whole completion.
pub(super) fn answer(body: &[u8]) -> Result<String, String> {
    let reply = Reply::read(body)?;
    let text = reply.text();
    text.map(str::to_owned)
        .ok_or_else(|| "the completion has no text".to_owned())
}

/// Events of a stream as they come in, in pieces of any size.
pub(super) struct Events {
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    answer: String,
    is_done: bool,
    most_bytes: usize,
}

impl Events {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            rest: Vec::new(),
            answer: String::new(),
            is_done: false,
            most_bytes,
        }
    }

    pub(super) fn has_text(&self) -> bool {
        !self.answer.is_empty()
    }

    /// Reads all lines that are whole by now.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<(), String> {
        self.rest.extend_from_slice(data);
        if self.rest.len() + self.answer.len() > self.most_bytes {
            return Err(format!(
                "the answer is longer than {} bytes",
                self.most_bytes
            ));
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let tail = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, tail);
        lines
            .split(|byte| *byte == b'\n')
            .try_for_each(|line| self.line(line.trim_ascii()))
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        // Comments and other fields say nothing of the answer.
        let Some(data) = line.strip_prefix(b"data:") else {
            return Ok(());
        };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        let reply = Reply::read(data)?;
        self.answer.push_str(reply.text().unwrap_or_default());
        Ok(())
    }

    /// The whole answer, if it came to its end.
    pub(super) fn into_answer(self) -> Result<String, String> {
        match self.is_done {
            true => Ok(self.answer),
            false => Err("the stream ended before [DONE]".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"Aho\"}}]}\r\n\r\n: a comment\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"y \u{2693}\"}}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\ndata: [DONE]\n\n";

    #[test]
    fn a_stream_is_read_wherever_it_is_cut() {
        for size in 1..STREAM.len() {
            let mut events = Events::new(1_000);
            for piece in STREAM.as_bytes().chunks(size) {
                events.take(piece).expect("events");
            }
            assert_eq!(events.into_answer().as_deref(), Ok("Ahoy \u{2693}"));
        }
    }

    #[test]
    fn a_stream_that_breaks_off_or_goes_on_for_ever_is_no_answer() {
        let mut events = Events::new(1_000);
        events.take(&STREAM.as_bytes()[..90]).expect("events");
        assert!(events.into_answer().is_err());
        let mut events = Events::new(100);
        assert!(events.take(&[b'x'; 101]).is_err());
    }

    #[test]
    fn an_error_in_place_of_an_answer_is_said() {
        let error = br#"{"error":{"message":"no"}}"#;
        assert!(answer(error).expect_err("an error").contains("no"));
        assert!(answer(b"{}").is_err());
        assert!(answer(b"<html>").is_err());
        let whole = br#"{"choices":[{"message":{"content":"ahoy"}}]}"#;
        assert_eq!(answer(whole).as_deref(), Ok("ahoy"));
    }
}
