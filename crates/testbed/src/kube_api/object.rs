//! One stored version of an object: its bytes, and the few facts about it that requests ask for.
//!
//! The bytes are laid out as the watch event that announced them, so one buffer serves the store,
//! every reader and every watcher:
//!
//! ```text
//! {"type":"ADDED","object":{"apiVersion":…,"kind":…,"metadata":{…,"resourceVersion":"7"},"spec":…,"status":…}}\n
//!                          ^body                   ^metadata   ^version                 ^rest      ^status  ^end
//! ```
//!
//! A write that leaves a part alone copies its bytes instead of parsing and writing them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::json::{Json, Members};

/// What a watch event says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Modified,
    Deleted,
}

impl Change {
    pub(super) fn prefix(self) -> &'static [u8] {
        match self {
            Self::Added => br#"{"type":"ADDED","object":"#,
            Self::Modified => br#"{"type":"MODIFIED","object":"#,
            Self::Deleted => br#"{"type":"DELETED","object":"#,
        }
    }
}

/// One version of one object; never changed once made.
#[derive(Debug)]
pub(super) struct Object {
    frame: Bytes,
    spans: Spans,
    /// What the frame's bytes announce.
    pub(super) change: Change,
    pub(super) version: u64,
    pub(super) meta: Arc<Meta>,
    /// Values of the resource's selectable fields, in their order there; empty without such fields.
    pub(super) fields: Fields,
}

/// Values of selectable fields; a missing field is the empty string, as for the API server.
pub(super) type Fields = Arc<[Box<str>]>;

/// Where the parts of an object begin in its frame.
#[derive(Clone, Copy, Debug)]
struct Spans {
    body: u32,
    metadata: u32,
    version: u32,
    rest: u32,
    status: u32,
    end: u32,
}

/// What is known of an object without parsing it; shared by versions that do not change it.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    /// `namespace/name`, or the name alone in cluster scope; listing order is this key's order.
    pub(super) key: Arc<str>,
    /// Where the name begins in the key.
    name_at: usize,
    pub(super) uid: Box<str>,
    pub(super) labels: Box<[(Box<str>, Box<str>)]>,
    /// Zero for kinds that do not count generations.
    pub(super) generation: i64,
    pub(super) deleting: bool,
    pub(super) n_finalizers: usize,
    /// Whether `managedFields` is there, so that writes must keep the owners true.
    pub(super) managed: bool,
}

impl Meta {
    /// Reads the facts from complete metadata.
    pub(super) fn read(key: Arc<str>, metadata: &Members<'_>) -> Self {
        let labels = metadata
            .get("labels")
            .and_then(Json::as_object)
            .map(|labels| {
                labels
                    .0
                    .iter()
                    .map(|(k, v)| (k.as_ref().into(), v.as_str().unwrap_or_default().into()))
                    .collect()
            });
        let generation = match metadata.get("generation") {
            Some(Json::Number(super::json::Number::Integer(value))) => *value,
            _ => 0,
        };
        let array_len = |key| {
            metadata
                .get(key)
                .and_then(Json::as_array)
                .map_or(0, <[_]>::len)
        };
        Self {
            name_at: key.find('/').map_or(0, |slash| slash + 1),
            uid: metadata.str("uid").unwrap_or_default().into(),
            labels: labels.unwrap_or_default(),
            generation,
            deleting: metadata.get("deletionTimestamp").is_some(),
            n_finalizers: array_len("finalizers"),
            managed: array_len("managedFields") > 0,
            key,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.key[self.name_at..]
    }

    /// Empty in cluster scope.
    pub(super) fn namespace(&self) -> &str {
        &self.key[..self.name_at.saturating_sub(1)]
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(k, _)| &**k == key)
            .map(|(_, v)| &**v)
    }
}

/// The next version of an object, complete but for the resourceVersion that the store gives it.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    /// The metadata object up to, not including, its resourceVersion and closing brace.
    pub(super) metadata: Cow<'a, [u8]>,
    /// Members beside metadata and status, each led by a comma.
    pub(super) rest: Cow<'a, [u8]>,
    /// The status member led by a comma, or nothing.
    pub(super) status: Cow<'a, [u8]>,
    pub(super) meta: Arc<Meta>,
    pub(super) fields: Fields,
}

impl Draft<'_> {
    /// Builds the version; `head` is the resource's `{"apiVersion":…,"kind":…,"metadata":`.
    ///
    /// Version 0 stands for an object that is not stored (a dry run of a creation): it carries none.
    pub(super) fn build(&self, head: &[u8], change: Change, version: u64) -> Object {
        const VERSION_KEY: &[u8] = br#","resourceVersion":""#;
        const LONGEST_VERSION: usize = 20;
        let prefix = change.prefix();
        let length = prefix.len()
            + head.len()
            + self.metadata.len()
            + VERSION_KEY.len()
            + LONGEST_VERSION
            + self.rest.len()
            + self.status.len()
            + 5;
        let mut frame = Vec::with_capacity(length);
        frame.extend_from_slice(prefix);
        let body = frame.len();
        frame.extend_from_slice(head);
        let metadata = frame.len();
        frame.extend_from_slice(&self.metadata);
        let version_at = frame.len();
        if version > 0 {
            frame.extend_from_slice(VERSION_KEY);
            write_decimal(&mut frame, version);
            frame.push(b'"');
        }
        frame.push(b'}');
        let rest = frame.len();
        frame.extend_from_slice(&self.rest);
        let status = frame.len();
        frame.extend_from_slice(&self.status);
        frame.push(b'}');
        let end = frame.len();
        frame.extend_from_slice(b"}\n");
        Object {
            spans: Spans {
                body: span(body),
                metadata: span(metadata),
                version: span(version_at),
                rest: span(rest),
                status: span(status),
                end: span(end),
            },
            frame: Bytes::from(frame),
            change,
            version,
            meta: Arc::clone(&self.meta),
            fields: Arc::clone(&self.fields),
        }
    }
}

impl Object {
    fn range(from: u32, to: u32) -> Range<usize> {
        from as usize..to as usize
    }

    /// The object as it is sent for a read or a write.
    pub(super) fn body(&self) -> Bytes {
        self.frame
            .slice(Self::range(self.spans.body, self.spans.end))
    }

    /// The same bytes, borrowed.
    pub(super) fn body_bytes(&self) -> &[u8] {
        &self.frame[Self::range(self.spans.body, self.spans.end)]
    }

    /// The watch event for `change`; free when it is the change that made this version.
    pub(super) fn frame_for(&self, change: Change) -> Bytes {
        if change == self.change {
            return self.frame.clone();
        }
        let mut frame = Vec::with_capacity(self.frame.len() + 8);
        frame.extend_from_slice(change.prefix());
        frame.extend_from_slice(&self.frame[self.spans.body as usize..]);
        Bytes::from(frame)
    }

    /// The metadata object, resourceVersion included.
    pub(super) fn metadata_bytes(&self) -> &[u8] {
        &self.frame[Self::range(self.spans.metadata, self.spans.rest)]
    }

    /// The value of status, if there is one.
    pub(super) fn status_bytes(&self) -> Option<&[u8]> {
        const KEY: usize = br#","status":"#.len();
        let status = &self.frame[Self::range(self.spans.status, self.spans.end - 1)];
        (!status.is_empty()).then(|| &status[KEY..])
    }

    /// This version with nothing changed, to be changed in parts.
    pub(super) fn draft(&self) -> Draft<'_> {
        let part = |from, to| Cow::Borrowed(&self.frame[Self::range(from, to)]);
        Draft {
            metadata: part(self.spans.metadata, self.spans.version),
            rest: part(self.spans.rest, self.spans.status),
            status: part(self.spans.status, self.spans.end - 1),
            meta: Arc::clone(&self.meta),
            fields: Arc::clone(&self.fields),
        }
    }
}

fn span(offset: usize) -> u32 {
    u32::try_from(offset).expect("requests over 3 MiB are refused before they get here")
}

/// Appends `value` in decimal digits.
pub(super) fn write_decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
