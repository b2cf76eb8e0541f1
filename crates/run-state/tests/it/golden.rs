//! Files of every version that was ever written, and what each must be read as.
//!
//! `<object>/v1.json` is as version 1 wrote it, and never changed; a new version adds a pair.
//! `<object>/v1.expected.txt` is what it says in the words of the current types, and follows them.

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use run_state::CodecError;
use run_state::codec::{self, Encoding, Format, Object};
use run_state::delta::Delta;
use run_state::event::Event;
use run_state::run::RunState;

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
        check_read::<RunState>(&format!("run/v{version}"));
        check_read::<Delta>(&format!("delta/v{version}"));
        check_read::<Event>(&format!("event/v{version}"));
    }
}

#[test]
fn this_version_writes_what_its_golden_file_holds() {
    check_written::<RunState>("run");
    check_written::<Delta>("delta");
    check_written::<Event>("event");
}

/// The binary twin of a JSON file: written so, and read as the same.
fn check_binary<T: Object + Debug + PartialEq>(object: &str) {
    for version in 2..=codec::VERSION {
        let text = read(&format!("{object}/v{version}.json"));
        let expected: T = codec::decode(text.trim_end().as_bytes()).expect(object);
        for (name, compress_above) in [("bin", None), ("lz4.bin", Some(0))] {
            let format = Format {
                encoding: Encoding::Binary,
                compress_above,
            };
            let path = path(&format!("{object}/v{version}.{name}"));
            let bytes = fs::read(&path).expect("the twin is there");
            assert_eq!(
                codec::decode(&bytes).as_ref(),
                Ok(&expected),
                "{}",
                path.display()
            );
            if version == codec::VERSION {
                assert_eq!(
                    codec::encode_as(&expected, format),
                    bytes,
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn binary_files_hold_the_same_as_their_json_twins() {
    check_binary::<RunState>("run");
    check_binary::<Delta>("delta");
    check_binary::<Event>("event");
}

#[test]
fn fields_that_are_left_out_are_empty() {
    for version in 1..=codec::VERSION {
        check_read::<RunState>(&format!("run/v{version}-smallest"));
        check_read::<Delta>(&format!("delta/v{version}-smallest"));
    }
}

/// Old reader, new data; and with it the old writer, which cannot write what it could not read.
#[test]
fn data_of_a_later_version_is_refused_and_not_cut_down() {
    let text = read("run/from-a-later-version.json");
    let error = codec::decode::<RunState>(text.as_bytes()).expect_err("too new");
    assert!(
        matches!(error, CodecError::TooNew { found: 1000, newest, .. } if newest == codec::VERSION),
        "{error}"
    );
}

#[test]
fn every_golden_file_cut_anywhere_is_told_as_cut() {
    for object in ["run", "delta", "event"] {
        let text = read(&format!("{object}/v{}.json", codec::VERSION));
        let bytes = text.trim_end().as_bytes();
        for length in 0..bytes.len() {
            let error = match object {
                "run" => codec::decode::<RunState>(&bytes[..length]).map(drop),
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
