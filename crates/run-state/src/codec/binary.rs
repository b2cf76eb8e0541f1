//! The same objects in `postcard`: an eighth of the time of JSON, and a few bytes less.
//!
//! What lies on a disk are the types of `wire`, field after field without names, in a frame with a
//! checksum. Numbers of variants are those of the enums' order of declaration, so a variant may be
//! added at the end only, and everything else needs a new [`VERSION`](super::VERSION) and a golden file.

use super::frame::{self, HEADER, Header};
use super::{Object, VERSION};
use crate::error::CodecError;
use crate::head::Head;
use crate::run::Origin;

mod wire;

pub(super) use wire::Wire;
use wire::WireOrigin;

/// Appends an object's payload to a frame.
fn write<T: Object>(object: &T, out: Vec<u8>) -> Vec<u8> {
    let written = object.to_wire(out);
    written.expect("plain values into memory")
}

/// Encodes an object, compressed if its payload is longer than the given bytes.
pub(super) fn encode<T: Object>(object: &T, compress_above: Option<usize>) -> Vec<u8> {
    let header = Header {
        version: VERSION as u8,
        object: T::NUMBER,
        is_json: false,
    };
    let mut frame = Vec::with_capacity(HEADER + object.size_hint());
    header.begin(&mut frame);
    let mut frame = write(object, frame);
    let is_long = compress_above.is_some_and(|above| frame.len() - HEADER > above);
    if is_long {
        return header.frame(&frame[HEADER..], compress_above);
    }
    frame::seal(&mut frame);
    frame
}

/// Decodes the payload of a frame.
pub(super) fn decode<T: Object>(payload: &[u8]) -> Result<T, CodecError> {
    T::from_wire(payload).map_err(|reason| CodecError::Corrupt {
        object: T::NAME,
        offset: HEADER,
        reason,
    })
}

/// What stands for a head in a frame; no object is called so.
const HEAD: u8 = 200;

/// Encodes the head of a run and what the run belongs to; for stores, which alone keep them.
pub(crate) fn encode_head(origin: &Origin, head: &Head) -> Vec<u8> {
    let header = Header {
        version: VERSION as u8,
        object: HEAD,
        is_json: false,
    };
    let payload = postcard::to_allocvec(&(WireOrigin::of(origin), head));
    header.frame(&payload.expect("plain values into memory"), None)
}

/// Decodes what [`encode_head`] wrote.
pub(crate) fn decode_head(bytes: &[u8]) -> Result<(Origin, Head), CodecError> {
    let (header, payload) = frame::open("head", bytes)?;
    let corrupt = |reason: String| CodecError::Corrupt {
        object: "head",
        offset: HEADER,
        reason,
    };
    if u32::from(header.version) > VERSION || header.object != HEAD {
        return Err(corrupt("it is none of this version".to_owned()));
    }
    let read: Result<(WireOrigin<'_>, Head), _> = postcard::from_bytes(payload.as_bytes());
    let (origin, head) = read.map_err(|error| corrupt(error.to_string()))?;
    Ok((origin.read(), head))
}
