//! Runs, deltas and events as JSON, each in an envelope that says what it is and which version.
//!
//! ```json
//! {"object":"run","version":2,"body":{"id":"r-1","version":42, …}}
//! ```
//!
//! What is written is byte for byte what `serde_json` would write for the same types; it is
//! written and read faster, because both sides know the shape (`write`, `read`). Text that is valid
//! but laid out otherwise (by hand, by another program) is read by `serde_json`, which also
//! explains what is wrong with text that is not.
//!
//! [`encode_as`] writes the same objects in the other formats: binary, and either of the two compressed
//! above a length. [`decode`] reads all of them.
//!
//! Every change of a type in [`crate::run`] or [`crate::event`], and of what they hold, that shows in the JSON needs a
//! new [`VERSION`] and a golden file. A reader takes all versions up to its own, and refuses later
//! ones: it could not keep their fields when it writes the object again.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::delta::Delta;
use crate::error::CodecError;
use crate::event::Event;
use crate::run::RunState;

pub(crate) mod binary;
mod frame;
mod lines;
mod read;
mod reader;
pub(crate) mod scan;
mod write;

pub use lines::EventLines;
use reader::Reader;

/// The version that is written, and the newest that can be read.
pub const VERSION: u32 = 2;

/// Something that is kept as JSON in an envelope.
///
/// Implemented for the objects of this crate; there is no use in implementing it elsewhere.
pub trait Object: DeserializeOwned + sealed::Layout + binary::Wire {
    /// What the envelope calls it.
    const NAME: &'static str;

    /// What stands for it in a frame.
    const NUMBER: u8;

    /// What the envelope called it in version 1.
    const NAME_IN_VERSION_1: &'static str = Self::NAME;
}

impl Object for RunState {
    const NAME: &'static str = "run";
    const NUMBER: u8 = 1;
    const NAME_IN_VERSION_1: &'static str = "session";
}

impl Object for Delta {
    const NAME: &'static str = "delta";
    const NUMBER: u8 = 2;
}

impl Object for Event {
    const NAME: &'static str = "event";
    const NUMBER: u8 = 3;
}

pub(crate) mod sealed {
    //! How an object is laid out: known to this crate alone.

    use super::reader::Reader;

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

/// How an object is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// In which encoding.
    pub encoding: Encoding,
    /// Bytes above which it is compressed; `None` for never.
    pub compress_above: Option<usize>,
}

/// An encoding of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// For people and other programs.
    #[default]
    Json,
    /// Fast and compact, with a checksum.
    Binary,
}

/// Encodes an object in a format.
pub fn encode_as<T: Object>(object: &T, format: Format) -> Vec<u8> {
    match format.encoding {
        Encoding::Binary => binary::encode(object, format.compress_above),
        Encoding::Json => {
            let text = encode(object);
            if format
                .compress_above
                .is_none_or(|above| text.len() <= above)
            {
                return text;
            }
            let header = frame::Header {
                version: VERSION as u8,
                object: T::NUMBER,
                is_json: true,
            };
            header.frame(&text, format.compress_above)
        }
    }
}

/// About how many bytes an object has as JSON, and takes in memory; at most a few percent too many.
pub(crate) fn size_of<T: Object>(object: &T) -> usize {
    object.size_hint()
}

/// Encodes an object as JSON, on one line.
pub fn encode<T: Object>(object: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(object.size_hint() + 64);
    encode_into(object, &mut out);
    out
}

/// Appends an object as JSON, on one line, to a buffer that may be used again.
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

/// Decodes an object from any format.
pub fn decode<T: Object>(bytes: &[u8]) -> Result<T, CodecError> {
    if frame::is_frame(bytes) {
        return decode_frame(bytes);
    }
    if let Some(object) = read_own_layout(bytes) {
        return Ok(object);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_text::<T>(&error, bytes.len()))?;
    decode_any_layout(text)
}

/// The same frame with the length and the checksum of its payload; nothing of bytes that are no frame.
#[cfg(any(test, feature = "decoders"))]
pub(crate) fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    if !frame::is_frame(bytes) || bytes.len() < frame::HEADER {
        return None;
    }
    let mut sealed = bytes.to_vec();
    frame::seal(&mut sealed);
    Some(sealed)
}

fn decode_frame<T: Object>(bytes: &[u8]) -> Result<T, CodecError> {
    let (header, payload) = frame::open(T::NAME, bytes)?;
    if u32::from(header.version) > VERSION {
        return Err(CodecError::TooNew {
            object: T::NAME,
            found: u32::from(header.version),
            newest: VERSION,
        });
    }
    if header.object != T::NUMBER {
        let names = [RunState::NAME, Delta::NAME, Event::NAME];
        let found = names.get(usize::from(header.object).wrapping_sub(1));
        return Err(CodecError::WrongObject {
            object: T::NAME,
            found: found.map_or_else(|| header.object.to_string(), |name| (*name).to_owned()),
        });
    }
    if header.is_json {
        return decode(payload.as_bytes());
    }
    binary::decode(payload.as_bytes())
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
    let name = if envelope.version == 1 {
        T::NAME_IN_VERSION_1
    } else {
        T::NAME
    };
    if envelope.object != name {
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
