//! Seeds that are changed at random, a bounded number of times, on any toolchain.
//!
//! `RUN_STATE_FUZZ=100000 cargo test -p run-state --lib decoders` tries so many per decoder; `scripts/fuzz` goes on from the same
//! seeds for as long as it is told, led by the branches that an input takes.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use super::ALL;

/// Executions per decoder where nothing else is asked for: a few seconds together.
const N_EXECUTIONS: usize = 500;

/// Bytes that an input may grow to.
const LONGEST: usize = 64 * 1024;

/// What numbers, texts and lengths go wrong by.
const TOKENS: [&[u8]; 12] = [
    b"18446744073709551615",
    b"-1",
    b"1e999",
    b"\\ud800",
    b"null",
    b"\"",
    b"{",
    b"[[[[[[[[",
    b"\n",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x00",
    b"\xf1PS",
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }
}

/// Of `fixtures/decoders`, or of the golden files of the object.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let folders = [
        fixtures.join("decoders").join(name),
        fixtures.join("golden").join(name),
    ];
    let is_seed = |path: &PathBuf| {
        let name = path.to_string_lossy();
        !name.ends_with(".txt") && !name.contains("later-version")
    };
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .map(|entry| entry.expect("it is there").path())
        .filter(is_seed)
        .collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).expect("it is there");
    let seeds: Vec<Vec<u8>> = paths.iter().map(read).collect();
    assert!(!seeds.is_empty(), "no seed for {name}");
    seeds
}

fn changed(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let n_left = input.len() - at;
    match random.below(8) {
        0 if n_left > 0 => input[at] ^= 1 << random.below(8),
        1 if n_left > 0 => input[at] = random.below(256) as u8,
        2 => input.truncate(at),
        3 => {
            let n_removed = random.below(n_left.min(64) + 1);
            input.drain(at..at + n_removed);
        }
        4 => {
            let n_doubled = random.below(n_left.min(256) + 1);
            let doubled = input[at..at + n_doubled].to_vec();
            input.splice(at..at, doubled);
        }
        5 => {
            let token = TOKENS[random.below(TOKENS.len())];
            let n_replaced = random.below(n_left.min(token.len()) + 1);
            input.splice(at..at + n_replaced, token.iter().copied());
        }
        6 => {
            let other = &others[random.below(others.len())];
            let from = random.below(other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        // A digit for a digit, so that texts stay texts.
        _ => {
            let digit = input[at..].iter().position(u8::is_ascii_digit);
            if let Some(digit) = digit {
                input[at + digit] = b'0' + random.below(10) as u8;
            }
        }
    }
    input.truncate(LONGEST);
}

#[test]
fn every_seed_is_accepted() {
    for decoder in ALL {
        for (position, seed) in seeds(decoder.name).iter().enumerate() {
            assert!((decoder.check)(seed), "{} seed {position}", decoder.name);
        }
    }
}

#[test]
fn no_changed_seed_breaks_a_promise() {
    let asked = std::env::var("RUN_STATE_FUZZ").ok();
    let n_executions = asked.map_or(N_EXECUTIONS, |asked| asked.parse().expect("a number"));
    for decoder in ALL {
        let seeds = seeds(decoder.name);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut n_accepted = 0;
        for execution in 0..n_executions {
            let mut input = seeds[random.below(seeds.len())].clone();
            for _ in 0..=random.below(4) {
                changed(&mut input, &seeds, &mut random);
            }
            let tried = panic::catch_unwind(AssertUnwindSafe(|| (decoder.check)(&input)));
            let accepted = tried.unwrap_or_else(|_| {
                let shown = String::from_utf8_lossy(&input);
                panic!(
                    "{}, execution {execution}: {shown:?}\n{input:?}",
                    decoder.name
                )
            });
            n_accepted += usize::from(accepted);
        }
        // With nothing accepted, all that was tried is the first comparison of each decoder.
        assert!(
            n_accepted > n_executions / 100,
            "{}: {n_accepted} of {n_executions} were accepted",
            decoder.name
        );
    }
}

#[test]
fn every_decoder_has_a_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("it is there");
    for decoder in ALL {
        let name = decoder.name;
        let target = fs::read_to_string(folder.join(format!("targets/{name}.rs")));
        assert!(
            target.is_ok_and(|text| text.contains(&format!("check(\"{name}\", bytes)"))),
            "write fuzz/targets/{name}.rs"
        );
        assert!(
            manifest.contains(&format!(
                "name = \"{name}\"\npath = \"targets/{name}.rs\"\n"
            )),
            "name it in fuzz/Cargo.toml"
        );
    }
}
