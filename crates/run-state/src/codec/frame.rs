//! The frame around everything that is not plain JSON: what it is, and a checksum of all of it.
//!
//! ```text
//! byte 0      3         4        5       6         10         14
//!      f1 P S  version   object   flags   length    crc32      payload …
//! ```
//!
//! Numbers are little-endian. The length is that of the payload, and the checksum is over everything
//! but itself, so that a cut and a changed byte are told apart. The first byte never begins a JSON text.

use crate::error::CodecError;

const MAGIC: [u8; 3] = [0xf1, b'P', b'S'];

/// Bytes before the payload.
pub(super) const HEADER: usize = 14;

const COMPRESSED: u8 = 1;
const JSON: u8 = 2;

/// LZ4 makes nothing smaller than by this factor, so a length that says otherwise is a lie.
const MOST_EXPANSION: usize = 255;

/// Whether bytes begin like a frame.
pub(super) fn is_frame(bytes: &[u8]) -> bool {
    bytes.first() == Some(&MAGIC[0])
}

/// What a header says of its payload.
pub(super) struct Header {
    /// The version of the object.
    pub(super) version: u8,
    /// Which object: a number that stands for its name.
    pub(super) object: u8,
    /// Whether the payload is JSON rather than binary.
    pub(super) is_json: bool,
}

impl Header {
    /// Frames a payload, compressed if it is longer than the given bytes and becomes shorter by it.
    pub(super) fn frame(&self, payload: &[u8], compress_above: Option<usize>) -> Vec<u8> {
        let is_long = compress_above.is_some_and(|above| payload.len() > above);
        let compressed = is_long.then(|| lz4_flex::block::compress_prepend_size(payload));
        let compressed = compressed.filter(|compressed| compressed.len() < payload.len());
        let json = if self.is_json { JSON } else { 0 };
        match compressed {
            Some(compressed) => self.put_together(&compressed, json | COMPRESSED),
            None => self.put_together(payload, json),
        }
    }

    fn put_together(&self, payload: &[u8], flags: u8) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + payload.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend([self.version, self.object, flags]);
        let length = u32::try_from(payload.len()).expect("no state comes near 4 GiB");
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend_from_slice(payload);
        seal(&mut bytes);
        bytes
    }

    /// Begins a frame whose payload is written after it and is not compressed; [`seal`] ends it.
    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        let json = if self.is_json { JSON } else { 0 };
        out.extend([self.version, self.object, json]);
        out.extend([0; 8]);
    }
}

/// Writes length and checksum into a frame whose payload is complete.
pub(super) fn seal(frame: &mut [u8]) {
    let length = u32::try_from(frame.len() - HEADER).expect("no state comes near 4 GiB");
    frame[6..10].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(frame);
    frame[10..14].copy_from_slice(&checksum.to_le_bytes());
}

/// The payload of a frame that was compressed or not.
pub(super) enum Payload<'a> {
    /// As it lies in the frame.
    Plain(&'a [u8]),
    /// Decompressed.
    Expanded(Vec<u8>),
}

impl Payload<'_> {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Expanded(bytes) => bytes,
        }
    }
}

/// Opens a frame: whole, unchanged, decompressed.
pub(super) fn open<'a>(
    object: &'static str,
    bytes: &'a [u8],
) -> Result<(Header, Payload<'a>), CodecError> {
    let corrupt = |offset: usize, reason: &str| CodecError::Corrupt {
        object,
        offset,
        reason: reason.to_owned(),
    };
    let truncated = CodecError::Truncated {
        object,
        offset: bytes.len(),
    };
    let n_magic = bytes.len().min(MAGIC.len());
    if bytes[..n_magic] != MAGIC[..n_magic] {
        return Err(corrupt(0, "no frame begins so"));
    }
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return Err(truncated);
    };
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u32::from_le_bytes(bytes)
    };
    let length = number(6) as usize;
    if payload.len() < length {
        return Err(truncated);
    }
    if payload.len() > length {
        return Err(corrupt(HEADER + length, "bytes after the end"));
    }
    if checksum(bytes) != number(10) {
        return Err(corrupt(10, "the checksum does not fit, a byte has changed"));
    }
    let flags = header[5];
    let payload = if flags & COMPRESSED == 0 {
        Payload::Plain(payload)
    } else {
        let expanded = expand(payload);
        Payload::Expanded(expanded.map_err(|reason| corrupt(HEADER, &reason))?)
    };
    let header = Header {
        version: header[3],
        object: header[4],
        is_json: flags & JSON != 0,
    };
    Ok((header, payload))
}

fn expand(payload: &[u8]) -> Result<Vec<u8>, String> {
    let (length, compressed) =
        lz4_flex::block::uncompressed_size(payload).map_err(|error| error.to_string())?;
    if length > compressed.len().saturating_mul(MOST_EXPANSION) {
        return Err("it says that it is longer than it can be".to_owned());
    }
    lz4_flex::block::decompress(compressed, length).map_err(|error| error.to_string())
}

fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..10]);
    hasher.update(&frame[HEADER..]);
    hasher.finalize()
}
