//! The codec against `serde_json` on arbitrary objects, and every way of being unreadable.

use proptest::prelude::*;
use serde::Serialize;

use super::*;
use crate::event::Change;
use crate::population::{self, Size};
use crate::run::UnixMillis;

mod objects;

use objects::{any_event, any_state, any_text};

#[derive(Serialize)]
struct PlainEnvelope<'a, T> {
    object: &'static str,
    version: u32,
    body: &'a T,
}

fn by_serde_json<T: Object + Serialize>(body: &T) -> String {
    let envelope = PlainEnvelope {
        object: T::NAME,
        version: VERSION,
        body,
    };
    serde_json::to_string(&envelope).expect("plain values")
}

/// What holds for every object: our text is `serde_json`'s, and is read without its help;
/// the same content in another layout is read as well.
fn check<T: Object + Serialize + PartialEq + std::fmt::Debug>(object: &T) {
    let bytes = encode(object);
    let text = String::from_utf8(bytes.clone()).expect("text");
    assert_eq!(text, by_serde_json(object));
    assert!(!text.contains('\n'), "on one line");
    assert_eq!(read_own_layout::<T>(&bytes).as_ref(), Some(object));
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(object));
    assert_eq!(decode_any_layout::<T>(&text).as_ref(), Ok(object));
    let value: serde_json::Value = serde_json::from_str(&text).expect("valid");
    let pretty = serde_json::to_string_pretty(&value).expect("plain values");
    let sorted = decode::<T>(pretty.as_bytes());
    assert!(sorted.is_ok(), "{sorted:?}");
}

const FORMATS: [Format; 3] = [
    Format {
        encoding: Encoding::Binary,
        compress_above: None,
    },
    Format {
        encoding: Encoding::Binary,
        compress_above: Some(200),
    },
    Format {
        encoding: Encoding::Json,
        compress_above: Some(200),
    },
];

/// Every format gives back what went in, and no byte of a frame changes unnoticed.
fn check_formats<T: Object + PartialEq + std::fmt::Debug>(object: &T, at: prop::sample::Index) {
    for format in FORMATS {
        let mut bytes = encode_as(object, format);
        assert_eq!(decode::<T>(&bytes).as_ref(), Ok(object), "{format:?}");
        if !frame::is_frame(&bytes) {
            continue;
        }
        let at = at.index(bytes.len());
        let cut = decode::<T>(&bytes[..at]).expect_err("cut");
        assert!(matches!(cut, CodecError::Truncated { .. }), "{cut} at {at}");
        bytes[at] ^= 1 << (at % 8);
        assert!(decode::<T>(&bytes).is_err(), "byte {at} of {format:?}");
    }
}

proptest! {
    #[test]
    fn any_state_is_written_as_serde_json_does_and_read_back(state in any_state()) {
        check(&state);
    }

    #[test]
    fn any_event_is_written_as_serde_json_does_and_read_back(event in any_event()) {
        check(&event);
    }

    #[test]
    fn any_delta_is_written_as_serde_json_does_and_read_back(
        run in any_text(),
        seqs: (u64, u64),
        events in prop::collection::vec(any_event(), 0..4),
    ) {
        check(&Delta { run, since_seq: seqs.0, newest_seq: seqs.1, events });
    }

    #[test]
    fn any_object_comes_back_from_every_format(
        state in any_state(),
        event in any_event(),
        at: prop::sample::Index,
    ) {
        check_formats(&state, at);
        let delta = Delta { run: state.id, since_seq: 0, newest_seq: 1, events: vec![event.clone()] };
        check_formats(&event, at);
        check_formats(&delta, at);
    }

    /// A checksum is no protection from whoever can compute one: such bytes must be refused or read.
    #[test]
    fn whatever_a_well_made_frame_holds_decoding_ends(
        payload: Vec<u8>,
        flags in 0..4_u8,
    ) {
        let header = frame::Header { version: VERSION as u8, object: 1, is_json: false };
        let mut bytes = header.frame(&payload, None);
        bytes[5] = flags;
        frame::seal(&mut bytes);
        prop_assert!(decode::<RunState>(&bytes).is_err());
    }

    /// The fast reader must never accept what the general one refuses, or read it otherwise.
    #[test]
    fn a_changed_byte_is_read_by_both_readers_alike(
        event in any_event(),
        position: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = encode(&event);
        let position = position.index(bytes.len());
        bytes[position] = byte;
        if let Some(read) = read_own_layout::<Event>(&bytes) {
            let text = std::str::from_utf8(&bytes);
            let text = text.expect("what is read is text");
            prop_assert_eq!(decode_any_layout::<Event>(text), Ok(read));
        }
    }

    #[test]
    fn whatever_the_bytes_decoding_ends_in_an_object_or_a_place(bytes: Vec<u8>) {
        match decode::<RunState>(&bytes) {
            Ok(_) => {}
            Err(CodecError::Truncated { offset, .. } | CodecError::Corrupt { offset, .. }) => {
                prop_assert!(offset <= bytes.len());
            }
            Err(_) => {}
        }
    }
}

#[test]
fn populations_are_read_back() {
    for size in Size::ALL {
        check(&population::state(7, size));
    }
}

#[test]
fn an_empty_plan_that_replaces_one_is_read_back() {
    let event = Event {
        seq: 1,
        at_ms: UnixMillis(2),
        change: Change::PlanReplaced { items: Vec::new() },
    };
    assert_eq!(decode(&encode(&event)), Ok(event));
}

#[test]
fn every_truncation_is_told_with_its_offset() {
    let bytes = encode(&population::state(1, Size::Small));
    for length in 0..bytes.len() {
        let error = decode::<RunState>(&bytes[..length]).expect_err("incomplete");
        let expected = CodecError::Truncated {
            object: "run",
            offset: length,
        };
        assert_eq!(error, expected);
    }
}

fn check_error(text: &str, expected: &str) {
    let error = decode::<Event>(text.as_bytes()).expect_err(text);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_name_the_object_the_place_and_the_fault() {
    check_error("", "decode event: truncated at byte 0");
    check_error(
        "{\"object\":\"event\",\"version\":2,\"body\":{\"seq\":1,\"at_ms\":x}}",
        "decode event: corrupt at byte 54: expected value",
    );
    check_error(
        "{\"object\":\"event\",\n\"version\":2,\n\"body\":{\"seq\":\n\"1\"}}",
        "decode event: corrupt at byte 49: invalid type: string \"1\", expected u64",
    );
    check_error(
        "{\"object\":\"delta\",\"version\":2,\"body\":{}}",
        "decode event: the bytes hold `delta`",
    );
    check_error(
        "{\"object\":\"event\",\"version\":3,\"body\":{\"new\":\"field\"}}",
        "decode event: version 3 is newer than 2, update this program",
    );
    check_error(
        "{\"object\":\"event\",\"version\":2,\"body\":{\"seq\":1,\"sequence\":2}}",
        "decode event: corrupt at byte 55: unknown field `sequence`, expected one of `seq`, `at_ms`, `change`",
    );
    check_error(
        "[]",
        "decode event: corrupt at byte 1: invalid length 0, expected struct Envelope with 3 elements",
    );
}

#[test]
fn bytes_that_are_no_text_are_told_apart_from_cut_ones() {
    let error = decode::<Event>(b"{\"object\":\"\xff\"}").expect_err("no UTF-8");
    assert_eq!(
        error.to_string(),
        "decode event: corrupt at byte 11: not UTF-8"
    );
    let error = decode::<Event>(b"{\"object\":\"\xc3").expect_err("half a character");
    assert_eq!(error.to_string(), "decode event: truncated at byte 12");
}

#[test]
fn a_bad_line_in_a_log_is_named_and_the_rest_is_read() {
    let events = population::events(3, Size::Small);
    let mut log = Vec::new();
    let mut starts = Vec::new();
    for event in &events {
        starts.push(log.len());
        encode_into(event, &mut log);
        log.push(b'\n');
    }
    log[starts[4]] = b'#';
    log.extend_from_slice(b"{\"object\":\"event\",\"vers");
    let read: Vec<_> = EventLines::new(&log).collect();
    assert_eq!(read.len(), events.len() + 1);
    for (position, (read, event)) in read.iter().zip(&events).enumerate() {
        match (position, read) {
            (4, Err(CodecError::Corrupt { offset, .. })) => assert_eq!(*offset, starts[4]),
            (4, read) => panic!("{read:?}"),
            (_, read) => assert_eq!(read.as_ref(), Ok(event)),
        }
    }
    let truncated = CodecError::Truncated {
        object: "event",
        offset: log.len(),
    };
    assert_eq!(read.last(), Some(&Err(truncated)));
}

#[test]
fn one_more_event_costs_the_same_bytes_in_any_history() {
    for size in Size::ALL {
        let events = population::events(5, size);
        let newest_seq = events.len() as u64;
        let delta = |since: usize| Delta {
            run: "r".to_owned(),
            since_seq: since as u64,
            newest_seq,
            events: events[since..].to_vec(),
        };
        let none = encode(&delta(events.len())).len();
        let one = encode(&delta(events.len() - 1)).len();
        assert!(none < 100 && one < 200, "{none} and {one} bytes");
    }
}
