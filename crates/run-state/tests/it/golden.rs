//! Files of every version that was ever written, and what each must be read as.
//!
//! `<object>/v1.json` is as version 1 wrote it, `<object>/v1.expected.txt` what it says, in the
//! words of the current types. Neither is ever changed; a new version adds a pair.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use run_state::CodecError;
use run_state::codec::{self, Object};
use run_state::delta::Delta;
use run_state::event::Event;
use run_state::session::SessionState;

fn path(name: &str) -> PathBuf {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    PathBuf::from(golden).join(name)
}

fn read(name: &str) -> String {
    let path = path(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// New reader, old data: each version is read as what it said.
fn check_read<T: Object + Debug>(name: &str) {
    let text = read(&format!("{name}.json"));
    let object: T = codec::decode(text.trim_end().as_bytes()).expect(name);
    let expected = read(&format!("{name}.expected.txt"));
    assert_eq!(format!("{object:#?}\n"), expected, "{name}");
}

/// What this version writes is what the golden file of this version holds.
fn check_written<T: Object + Debug>(name: &str) {
    let name = format!("{name}/v{}.json", codec::VERSION);
    let text = read(&name);
    let object: T = codec::decode(text.trim_end().as_bytes()).expect(&name);
    let written = String::from_utf8(codec::encode(&object)).expect("text");
    assert_eq!(written, text.trim_end(), "{name}");
}

#[test]
fn old_data_is_read_as_what_it_said() {
    for version in 1..=codec::VERSION {
        check_read::<SessionState>(&format!("session/v{version}"));
        check_read::<Delta>(&format!("delta/v{version}"));
        check_read::<Event>(&format!("event/v{version}"));
    }
}

#[test]
fn this_version_writes_what_its_golden_file_holds() {
    check_written::<SessionState>("session");
    check_written::<Delta>("delta");
    check_written::<Event>("event");
}

#[test]
fn fields_that_are_left_out_are_empty() {
    check_read::<SessionState>("session/v1-smallest");
    check_read::<Delta>("delta/v1-smallest");
}

/// Old reader, new data; and with it the old writer, which cannot write what it could not read.
#[test]
fn data_of_a_later_version_is_refused_and_not_cut_down() {
    let text = read("session/from-a-later-version.json");
    let error = codec::decode::<SessionState>(text.as_bytes()).expect_err("too new");
    assert!(
        matches!(error, CodecError::TooNew { found: 1000, newest, .. } if newest == codec::VERSION),
        "{error}"
    );
}

#[test]
fn every_golden_file_cut_anywhere_is_told_as_cut() {
    for object in ["session", "delta", "event"] {
        let text = read(&format!("{object}/v1.json"));
        let bytes = text.trim_end().as_bytes();
        for length in 0..bytes.len() {
            let error = match object {
                "session" => codec::decode::<SessionState>(&bytes[..length]).map(drop),
                "delta" => codec::decode::<Delta>(&bytes[..length]).map(drop),
                _ => codec::decode::<Event>(&bytes[..length]).map(drop),
            };
            let expected = CodecError::Truncated {
                object,
                offset: length,
            };
            assert_eq!(error, Err(expected));
        }
    }
}
