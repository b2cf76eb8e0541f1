//! Every decoder of this crate in one list, for those who throw bytes at them: feature `decoders`.
//!
//! A decoder may refuse any bytes. It must not panic or ask for memory out of proportion to them, an error must
//! name a place that the bytes have, and what it accepts must be written and read back as the same.
//! Where bytes carry a checksum each input is tried twice: as it is, and with the checksum that it ought to have, for
//! otherwise hardly any changed input would come further than that.

use std::fs::File;
use std::path::Path;

use crate::archive;
use crate::codec::binary::{decode_head, encode_head};
use crate::codec::{self, Encoding, EventLines, Format, Object};
use crate::delta::Delta;
use crate::error::{CodecError, StoreError};
use crate::event::{Change, Event};
use crate::foreign::{maestro, taskforce};
use crate::head::Head;
use crate::json::Json;
use crate::run::{RunState, UnixMillis};
use crate::step::StepKind;
use crate::store::files::{line, log::Log, snapshot};

/// A decoder under a name, which is also that of its fuzz target and of the folder of its seeds.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// `[a-z_]+`.
    pub name: &'static str,
    /// Decodes bytes, holds the result to the promises above, and says whether anything was accepted.
    ///
    /// # Panics
    ///
    /// If one of them is broken.
    pub check: fn(&[u8]) -> bool,
}

/// All of them.
pub const ALL: [Decoder; 11] = [
    Decoder {
        name: "run",
        check: check_object::<RunState>,
    },
    Decoder {
        name: "delta",
        check: check_object::<Delta>,
    },
    Decoder {
        name: "event",
        check: check_object::<Event>,
    },
    Decoder {
        name: "event_lines",
        check: check_event_lines,
    },
    Decoder {
        name: "head",
        check: check_head,
    },
    Decoder {
        name: "log",
        check: check_log,
    },
    Decoder {
        name: "snapshot",
        check: check_snapshot,
    },
    Decoder {
        name: "archive",
        check: check_archive,
    },
    Decoder {
        name: "archive_rows",
        check: check_archive_rows,
    },
    Decoder {
        name: "maestro",
        check: check_maestro,
    },
    Decoder {
        name: "taskforce",
        check: check_taskforce,
    },
];

/// The run whose files [`ALL`] takes the bytes for: the seeds are of it.
pub const RUN: &str = "run-0000000000000001";

/// Tries bytes as one decoder's input; whether it accepts any of them.
///
/// # Panics
///
/// If there is no decoder of this name, or it breaks a promise.
pub fn check(name: &str, bytes: &[u8]) -> bool {
    let found = ALL.iter().find(|decoder| decoder.name == name);
    let decoder = found.unwrap_or_else(|| panic!("no decoder is called `{name}`"));
    (decoder.check)(bytes)
}

/// Goes on with an object as its reader would, which must not panic either.
trait Use {
    fn used(&self);
}

impl Use for RunState {
    fn used(&self) {
        let mut state = self.clone();
        let next = Event {
            seq: self.version.saturating_add(1),
            at_ms: UnixMillis(0),
            change: Change::Noted {
                kind: String::new(),
                payload: Json::null(),
            },
        };
        // Refused by a run that has no next number, and by no other.
        let applied = state.apply(&next);
        assert_eq!(applied.is_ok(), self.version < u64::MAX);
        assert!(self.steps_since(self.version).len() <= self.steps.len());
        taskforce::write(self);
    }
}

impl Use for Delta {
    fn used(&self) {
        let mut state = RunState::new(&*self.run, UnixMillis(0));
        state.version = self.since_seq;
        let _ = self.apply_to(&mut state);
        maestro::write(&state, self);
        self.has_more();
    }
}

impl Use for Event {
    fn used(&self) {
        let mut state = RunState::new("", UnixMillis(0));
        state.version = self.seq.saturating_sub(1);
        let mut head = Head::of(&state);
        let of_head = head.admit(self);
        assert_eq!(state.apply(self), of_head);
    }
}

const FORMATS: [Format; 4] = [
    Format {
        encoding: Encoding::Json,
        compress_above: None,
    },
    Format {
        encoding: Encoding::Json,
        compress_above: Some(64),
    },
    Format {
        encoding: Encoding::Binary,
        compress_above: None,
    },
    Format {
        encoding: Encoding::Binary,
        compress_above: Some(64),
    },
];

fn check_object<T: Object + Use + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> bool {
    try_each(bytes, codec::sealed(bytes), |bytes| {
        match codec::decode::<T>(bytes) {
            Ok(object) => check_written(&object),
            Err(error) => check_place(&error, bytes.len()),
        }
    })
}

/// Tries bytes as they are, and with their checksum, if they have one.
fn try_each(bytes: &[u8], sealed: Option<Vec<u8>>, check: impl Fn(&[u8]) -> bool) -> bool {
    let of_sealed = sealed.is_some_and(|sealed| check(&sealed));
    check(bytes) || of_sealed
}

fn check_written<T: Object + Use + PartialEq + std::fmt::Debug>(object: &T) -> bool {
    for format in FORMATS {
        let written = codec::encode_as(object, format);
        let read = codec::decode::<T>(&written);
        assert_eq!(read.as_ref(), Ok(object), "in {format:?}");
    }
    object.used();
    true
}

fn check_place(error: &CodecError, n_bytes: usize) -> bool {
    if let CodecError::Truncated { offset, .. } | CodecError::Corrupt { offset, .. } = error {
        assert!(*offset <= n_bytes, "{error}, of {n_bytes} bytes");
    }
    false
}

fn check_event_lines(bytes: &[u8]) -> bool {
    let check = |event| match event {
        Ok(event) => check_written(&event),
        Err(error) => check_place(&error, bytes.len()),
    };
    EventLines::new(bytes)
        .map(check)
        .filter(|read| *read)
        .count()
        > 0
}

fn check_head(bytes: &[u8]) -> bool {
    try_each(bytes, codec::sealed(bytes), |bytes| {
        match decode_head(bytes) {
            Ok((origin, mut head)) => {
                let again = decode_head(&encode_head(&origin, &head));
                assert_eq!(again, Ok((origin, head.clone())));
                let index = head.n_steps.saturating_add(1);
                let step = Change::StepAdded {
                    index,
                    kind: StepKind::Final,
                    payload: Json::null(),
                };
                let _ = head.extend(UnixMillis(1), vec![step]);
                true
            }
            Err(error) => check_place(&error, bytes.len()),
        }
    })
}

/// A log of the store of files.
fn check_log(bytes: &[u8]) -> bool {
    let sealed = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .flat_map(|line| {
            let (line, end) = match line.strip_suffix(b"\n") {
                Some(line) => (line, b"\n".as_slice()),
                None => (line, b"".as_slice()),
            };
            let sealed = line::seal(line).unwrap_or_else(|| line.to_vec());
            [&sealed, end].concat()
        });
    try_each(bytes, Some(sealed.collect()), |bytes| {
        check_lines(bytes);
        let snapshot = RunState {
            version: 2,
            ..RunState::new(RUN, UnixMillis(1))
        };
        check_scan(bytes, Some((snapshot, 1)));
        check_scan(bytes, None)
    })
}

/// Opens a log and reads its head.
fn check_scan(bytes: &[u8], snapshot: Option<(RunState, usize)>) -> bool {
    let file = File::open("/dev/null").expect("every system that this runs on has it");
    let log = Log::of(Path::new(""), RUN, file, bytes, Ok(snapshot));
    match log.summary() {
        Ok(summary) => summary.run == RUN,
        Err(error) => {
            assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
            false
        }
    }
}

/// Reads each line of a log by itself.
fn check_lines(bytes: &[u8]) {
    for line in bytes.split(|&byte| byte == b'\n') {
        if let Ok(delta) = line::read::<Delta>(line) {
            check_written(&delta);
            let mut again = Vec::new();
            line::push(&delta, &mut again);
            let again = again.strip_suffix(b"\n").expect("a line has an end");
            assert_eq!(line::read(again), Ok(delta));
        }
    }
}

fn check_snapshot(bytes: &[u8]) -> bool {
    try_each(bytes, snapshot::seal(bytes), |bytes| {
        let Ok(state) = snapshot::parse(bytes, RUN) else {
            return false;
        };
        check_written(&state);
        assert_eq!(snapshot::parse(&snapshot::encode(&state), RUN), Ok(state));
        true
    })
}

/// A zip file, or else what lies in one.
fn check_archive(bytes: &[u8]) -> bool {
    let unzipped = archive::unzip(bytes);
    let json = unzipped.as_deref().unwrap_or(bytes);
    let Ok(log) = archive::read_body(json) else {
        return false;
    };
    let _ = log.state();
    assert_eq!(archive::read_body(&archive::write_body(&log)), Ok(log));
    true
}

fn check_archive_rows(bytes: &[u8]) -> bool {
    let path = Path::new("archives.jsonl");
    let Ok(rows) = archive::read_rows(bytes, path) else {
        return false;
    };
    for row in &rows {
        let line = serde_json::to_vec(row).expect("plain values into memory");
        assert_eq!(
            archive::read_rows(&line, path).as_deref(),
            Ok(std::slice::from_ref(row))
        );
    }
    !rows.is_empty()
}

fn check_maestro(bytes: &[u8]) -> bool {
    match maestro::read(bytes) {
        Ok(state) => check_written(&state),
        Err(error) => check_place(&error, bytes.len()),
    }
}

fn check_taskforce(bytes: &[u8]) -> bool {
    match taskforce::read(bytes) {
        Ok(state) => check_written(&state),
        Err(error) => check_place(&error, bytes.len()),
    }
}

#[cfg(test)]
mod tests;
