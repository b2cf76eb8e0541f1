//! One line of a log: one write, on one line of JSON with its checksum.
//!
//! ```json
//! {"crc32":"1c291ca3","write":{"object":"delta","version":2,"body":{ … }}}
//! ```

use crate::codec::{self, Object};

const BEFORE_CHECKSUM: &[u8] = b"{\"crc32\":\"";
const BEFORE_WRITE: &[u8] = b"\",\"write\":";
const START: usize = BEFORE_CHECKSUM.len() + 8 + BEFORE_WRITE.len();

/// Appends a line.
pub(crate) fn push<T: Object>(object: &T, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(BEFORE_CHECKSUM);
    out.extend_from_slice(b"????????");
    out.extend_from_slice(BEFORE_WRITE);
    codec::encode_into(object, out);
    let checksum = format!("{:08x}", crc32fast::hash(&out[start + START..]));
    let at = start + BEFORE_CHECKSUM.len();
    out[at..at + 8].copy_from_slice(checksum.as_bytes());
    out.extend_from_slice(b"}\n");
}

/// The same line with the checksum of what it says; nothing of bytes that are too short to have one.
#[cfg(any(test, feature = "decoders"))]
pub(crate) fn seal(line: &[u8]) -> Option<Vec<u8>> {
    let write = line.get(START..)?.strip_suffix(b"}")?;
    let mut sealed = line.to_vec();
    let checksum = format!("{:08x}", crc32fast::hash(write));
    sealed[BEFORE_CHECKSUM.len()..BEFORE_CHECKSUM.len() + 8].copy_from_slice(checksum.as_bytes());
    Some(sealed)
}

/// Reads a line without its end; says what is wrong with it otherwise.
pub(crate) fn read<T: Object>(line: &[u8]) -> Result<T, String> {
    let not_ours = || "it is no line of a log".to_owned();
    let rest = line.strip_prefix(BEFORE_CHECKSUM).ok_or_else(not_ours)?;
    let (checksum, rest) = rest.split_at_checked(8).ok_or_else(not_ours)?;
    let rest = rest.strip_prefix(BEFORE_WRITE).ok_or_else(not_ours)?;
    let write = rest.strip_suffix(b"}").ok_or_else(not_ours)?;
    if checksum != format!("{:08x}", crc32fast::hash(write)).as_bytes() {
        return Err("the checksum does not fit, a byte has changed".to_owned());
    }
    codec::decode(write).map_err(|error| error.to_string())
}
