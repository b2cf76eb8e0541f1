//! Sessions, deltas and events as JSON, each in an envelope that says what it is and which version.
//!
//! ```json
//! {"object":"session","version":1,"body":{"id":"s-1","version":42, …}}
//! ```
//!
//! What is written is byte for byte what `serde_json` would write for the same types; it is
//! written and read faster, because both sides know the shape (`write`, `read`). Text that is valid
//! but laid out otherwise (by hand, by another program) is read by `serde_json`, which also
//! explains what is wrong with text that is not.
//!
//! Every change of a type in [`crate::session`] or [`crate::event`] that shows in the JSON needs a
//! new [`VERSION`] and a golden file. A reader takes all versions up to its own, and refuses later
//! ones: it could not keep their fields when it writes the object again.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::delta::Delta;
use crate::error::CodecError;
use crate::event::Event;
use crate::session::SessionState;

mod lines;
mod read;
pub(crate) mod scan;
mod write;

pub use lines::EventLines;
use read::Reader;

/// The version that is written, and the newest that can be read.
pub const VERSION: u32 = 1;

/// Something that is kept as JSON in an envelope.
///
/// Implemented for the objects of this crate; there is no use in implementing it elsewhere.
pub trait Object: DeserializeOwned + sealed::Layout {
    /// What the envelope calls it.
    const NAME: &'static str;
}

impl Object for SessionState {
    const NAME: &'static str = "session";
}

impl Object for Delta {
    const NAME: &'static str = "delta";
}

impl Object for Event {
    const NAME: &'static str = "event";
}

pub(crate) mod sealed {
    //! How an object is laid out: known to this crate alone.

    use super::read::Reader;

    /// Written and read field by field, in the order of the type.
    pub trait Layout: Sized {
        /// Appends the body.
        fn write(&self, out: &mut Vec<u8>);

        /// Reads a body that was written by [`write`](Self::write); `None` if it was not.
        fn read(reader: &mut Reader<'_>) -> Option<Self>;

        /// About how many bytes [`write`](Self::write) appends.
        fn size_hint(&self) -> usize;
    }
}

/// Encodes an object, on one line.
pub fn encode<T: Object>(object: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(object.size_hint() + 64);
    encode_into(object, &mut out);
    out
}

/// Appends an encoded object, on one line, to a buffer that may be used again.
pub fn encode_into<T: Object>(object: &T, out: &mut Vec<u8>) {
    out.reserve(object.size_hint() + 64);
    out.extend_from_slice(b"{\"object\":\"");
    out.extend_from_slice(T::NAME.as_bytes());
    out.extend_from_slice(b"\",\"version\":");
    write::number(out, u64::from(VERSION));
    out.extend_from_slice(b",\"body\":");
    object.write(out);
    out.push(b'}');
}

/// Decodes an object.
pub fn decode<T: Object>(bytes: &[u8]) -> Result<T, CodecError> {
    if let Some(object) = read_own_layout(bytes) {
        return Ok(object);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_text::<T>(&error, bytes.len()))?;
    decode_any_layout(text)
}

/// Reads bytes exactly as [`encode`] lays them out; `None` for any other, good or bad.
fn read_own_layout<T: Object>(bytes: &[u8]) -> Option<T> {
    let mut reader = Reader::new(bytes);
    reader.literal("{\"object\":\"")?;
    reader.literal(T::NAME)?;
    reader.literal("\",\"version\":")?;
    if reader.number()? != u64::from(VERSION) {
        return None;
    }
    reader.literal(",\"body\":")?;
    let object = T::read(&mut reader)?;
    reader.literal("}")?;
    reader.is_at_end().then_some(object)
}

/// The envelope, with the body still in text.
#[derive(Deserialize)]
struct Envelope<'a> {
    object: String,
    version: u32,
    #[serde(borrow)]
    body: &'a RawValue,
}

fn decode_any_layout<T: Object>(text: &str) -> Result<T, CodecError> {
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| unreadable::<T>(&error, text, 0))?;
    if envelope.object != T::NAME {
        return Err(CodecError::WrongObject {
            object: T::NAME,
            found: envelope.object,
        });
    }
    if envelope.version > VERSION {
        return Err(CodecError::TooNew {
            object: T::NAME,
            found: envelope.version,
            newest: VERSION,
        });
    }
    let body = envelope.body.get();
    let body_offset = body.as_ptr() as usize - text.as_ptr() as usize;
    serde_json::from_str(body).map_err(|error| unreadable::<T>(&error, body, body_offset))
}

fn not_text<T: Object>(error: &std::str::Utf8Error, n_bytes: usize) -> CodecError {
    let offset = error.valid_up_to();
    match error.error_len() {
        None => CodecError::Truncated {
            object: T::NAME,
            offset: n_bytes,
        },
        Some(_) => CodecError::Corrupt {
            object: T::NAME,
            offset,
            reason: "not UTF-8".to_owned(),
        },
    }
}

fn unreadable<T: Object>(error: &serde_json::Error, text: &str, text_offset: usize) -> CodecError {
    let object = T::NAME;
    if error.is_eof() {
        return CodecError::Truncated {
            object,
            offset: text_offset + text.len(),
        };
    }
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let in_text = (line_start + error.column().saturating_sub(1)).min(text.len());
    let reason = without_place(&error.to_string());
    // The parser calls a number that stops after its sign, point, or exponent invalid.
    if reason == "invalid number" && in_text + 1 >= text.len() {
        return CodecError::Truncated {
            object,
            offset: text_offset + text.len(),
        };
    }
    CodecError::Corrupt {
        object,
        offset: text_offset + in_text,
        reason,
    }
}

/// The parser's message without its line and column, which are those of a part of the text.
fn without_place(message: &str) -> String {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

#[cfg(test)]
mod tests;
