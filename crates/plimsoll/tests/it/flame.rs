//! Flamegraphs with a Cargo that only pretends: the path, and the nearest names. Differences of two real commits, of
//! suites that only pretend to be sampled.

use std::fs;

use crate::record::FakeCargo;
use crate::sandbox::{Outcome, Sandbox, git};

fn flame(case: &str) -> (Option<i32>, String, String) {
    let cargo = FakeCargo::new();
    let outcome = cargo.run(&["flame", case, "--seconds", "1"]);
    (outcome.code, outcome.stdout, outcome.stderr)
}

#[test]
fn the_path_of_the_new_flamegraph_is_printed_and_nothing_else() {
    let cargo = FakeCargo::new();
    let home = cargo.sandbox.path("target/criterion").display().to_string();
    let outcome = cargo.run_with(
        &["flame", "codec/encode/10_kb", "--seconds", "1"],
        &[("CRITERION_HOME", &home)],
    );
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(
        outcome.stdout,
        format!("{home}/codec/x/profile/flamegraph.svg\n")
    );
}

#[test]
fn an_unknown_case_names_the_nearest() {
    let (code, stdout, stderr) = flame("codec/encod/10_kb");
    assert_eq!((code, &*stdout), (Some(2), ""));
    assert!(stderr.contains("nearest: codec/encode/10_kb"), "{stderr}");
}

#[test]
fn an_unknown_suite_names_the_nearest() {
    for case in ["codecs/encode/10_kb", "codec"] {
        let (code, _, stderr) = flame(case);
        assert_eq!(code, Some(2), "{case}");
        assert!(stderr.contains("nearest: codec"), "{stderr}");
    }
}

/// A suite that has one case and writes folded stacks as if it had been sampled: so many per slice in `escape`.
const SUITE: &str = r#"
use std::{env, fs, path::Path};

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if arguments.iter().any(|argument| argument == "--list") {
        println!("codec/encode/10_kb: benchmark");
        return;
    }
    let home = env::var("CRITERION_HOME").expect("a home");
    let folder = Path::new(&home).join("codec/encode/profile");
    fs::create_dir_all(&folder).expect("made");
    let stacks = "codec;toy[1a2b3c4d5e6f7081]::encode 100\ncodec;toy[1a2b3c4d5e6f7081]::encode;toy::escape::<TYPE> SAMPLES\n";
    fs::write(folder.join("folded.txt"), stacks).expect("written");
}
"#;

/// A repository with such a suite, with a commit `base` and changed files.
fn two_states() -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "[package]\nname = 'toy'\nversion = '0.0.0'\nedition = '2024'\n\n[[bench]]\nname = 'codec'\n\
                    harness = false\n\n[workspace]\n";
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    fs::write(sandbox.path("Cargo.toml"), manifest).expect("a file");
    fs::write(sandbox.path(".gitignore"), "target\n").expect("a file");
    suite(&sandbox, "u8", 100);
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &["commit", "--quiet", "-m", "first"],
        &["tag", "base"],
    ] {
        git(&sandbox, arguments);
    }
    suite(&sandbox, "u16", 300);
    sandbox
}

fn suite(sandbox: &Sandbox, of: &str, n_samples: u32) {
    let text = SUITE
        .replace("TYPE", of)
        .replace("SAMPLES", &n_samples.to_string());
    fs::write(sandbox.path("benches/codec.rs"), text).expect("a file");
}

fn difference(sandbox: &Sandbox, case: &str) -> Outcome {
    let target = sandbox.path("target").display().to_string();
    sandbox.run(
        &["flame", case, "--diff", "base", "--seconds", "3"],
        &[("CARGO_TARGET_DIR", &*target)],
    )
}

#[test]
fn a_difference_names_the_function_that_grew_and_keeps_both_profiles() {
    let sandbox = two_states();
    let outcome = difference(&sandbox, "codec/encode/10_kb");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    // Other hashes and other types are the same function.
    let escape = outcome
        .stdout
        .lines()
        .find(|line| line.ends_with("toy::escape::<_>"))
        .expect("a line");
    for part in ["50.0 %", "75.0 %", "+25.0", "*"] {
        assert!(escape.contains(part), "{escape}");
    }
    let folder = sandbox.path("target/plimsoll/flame/codec_encode_10_kb");
    let printed = outcome.stdout.lines().last().expect("lines");
    assert_eq!(printed, folder.join("difference.svg").display().to_string());
    let folded = |side: &str| fs::read_to_string(folder.join(side).join("folded.txt")).expect(side);
    let stacks = "codec;toy::encode 300\ncodec;toy::encode;toy::escape::<_>";
    assert_eq!(folded("base"), format!("{stacks} 300\n"));
    assert_eq!(folded("candidate"), format!("{stacks} 900\n"));
    for svg in [
        "difference.svg",
        "base/flamegraph.svg",
        "candidate/flamegraph.svg",
    ] {
        let text = fs::read_to_string(folder.join(svg)).expect(svg);
        assert!(text.contains("toy::escape"), "{svg}");
    }
}

#[test]
fn a_case_that_a_side_does_not_have_names_the_side_and_the_nearest() {
    let outcome = difference(&two_states(), "codec/encod/10_kb");
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    for part in ["the base", "nearest: codec/encode/10_kb"] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
}
