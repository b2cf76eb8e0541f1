//! A log as lines: one encoded event each, read one by one, good ones beside bad ones.

use super::decode;
use crate::error::CodecError;
use crate::event::Event;

/// The events of a log, line by line.
///
/// A bad line is an error of its own; the lines after it are still read.
/// A last line without its end was not written completely, and is an error too, even if it
/// could be read: its writer never learned that it was kept.
#[derive(Debug)]
pub struct EventLines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> EventLines<'a> {
    /// Reads a log from its start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for EventLines<'_> {
    type Item = Result<Event, CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            self.at = self.bytes.len();
            return Some(Err(CodecError::Truncated {
                object: "event",
                offset: self.bytes.len(),
            }));
        };
        self.at = start + length + 1;
        Some(decode(&rest[..length]).map_err(|error| error.moved_by(start)))
    }
}

impl CodecError {
    /// The same fault, in a text that starts earlier.
    fn moved_by(mut self, n_bytes: usize) -> Self {
        match &mut self {
            Self::Truncated { offset, .. } | Self::Corrupt { offset, .. } => *offset += n_bytes,
            Self::WrongObject { .. } | Self::TooNew { .. } => {}
        }
        self
    }
}
