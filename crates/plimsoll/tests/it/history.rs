//! `plimsoll history` on runs that are made up: recording, findings, plots, exit codes and what is refused.

use std::fs;
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use results::case_id::CaseId;
use results::machine::Machine;
use results::pairs::sample::{self, Engine, Pair, PairCase, PairRun, Round, SCHEMA, Sample, Side};

use crate::sandbox::{Outcome, Sandbox, contents};

const CASE: &str = "codec/encode/10_kb";

/// A sandbox that is a workspace, so that nothing else needs to be named.
fn workspace() -> Sandbox {
    let sandbox = Sandbox::new();
    let manifest = "[package]\nname = 'toy'\nversion = '0.0.0'\n\n[workspace]\n";
    fs::create_dir(sandbox.path("src")).expect("a folder");
    fs::write(sandbox.path("src/lib.rs"), "").expect("a file");
    fs::write(sandbox.path("Cargo.toml"), manifest).expect("a file");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let target = sandbox.path("target").display().to_string();
    let variables = [("CARGO_TARGET_DIR", &*target)];
    sandbox.run(&[&["history"], arguments].concat(), &variables)
}

/// Stores what pair mode would have measured: a case that takes `percent` more than the reference, give or take.
fn measured(sandbox: &Sandbox, seed: u64, percent: f64) -> PathBuf {
    let side = |label: &str, commit: String| Side {
        label: label.to_owned(),
        commit: Some(commit),
        is_dirty: false,
    };
    let turn = |ns: f64| Sample {
        n_iterations: 1_000,
        wall_ns: ns,
        cpu_ns: ns,
        n_involuntary_switches: 0,
        n_page_faults: 0,
    };
    let mut random = StdRng::seed_from_u64(7 + 1_009 * seed);
    let mut round = |index: u32| {
        let percent = percent + random.random_range(-0.3..0.3);
        Round {
            core: 0,
            is_base_first: index.is_multiple_of(2),
            pairs: vec![Pair {
                base: turn(2e6),
                candidate: turn(2e6 * (1.0 + percent / 100.0)),
            }],
        }
    };
    let run = PairRun {
        schema: SCHEMA,
        seed,
        base: side("v1", "0123abc".to_owned()),
        candidate: side("main", format!("commit{seed}")),
        machine: Machine::here(),
        cases: vec![PairCase {
            id: CaseId::new(CASE).expect("well formed"),
            engine: Engine::Turns,
            rounds: (0..15).map(&mut round).collect(),
            null_rounds: Vec::new(),
            confirm_rounds: Vec::new(),
            layout_rounds: Vec::new(),
            layout_failure: None,
            same_program: None,
            failure: None,
        }],
        is_complete: true,
    };
    let path = sandbox.path("run.json");
    sample::write(&path, &run).expect("written");
    path
}

fn record(sandbox: &Sandbox, seed: u64, percent: f64, time: &str) -> Outcome {
    let from = measured(sandbox, seed, percent).display().to_string();
    run(
        sandbox,
        &[
            "record", "--from", &from, "--folder", "nights", "--time", time,
        ],
    )
}

/// Nights from the first of January on these levels, in percent.
fn nights(sandbox: &Sandbox, percents: &[f64]) {
    for (night, percent) in (1..).zip(percents) {
        // Thirty days in each month will do.
        let time = format!(
            "2026-{:02}-{:02}T02:00:00Z",
            3 + 2 * (night / 30),
            1 + night % 30
        );
        let outcome = record(sandbox, night, *percent, &time);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
}

#[test]
fn a_step_is_found_named_plotted_and_can_be_accepted() {
    let sandbox = workspace();
    let levels = [vec![0.0; 44], vec![3.0; 14]].concat();
    nights(&sandbox, &levels);

    let all = run(&sandbox, &["--folder", "nights"]);
    assert_eq!(all.code, Some(1), "{}{}", all.stdout, all.stderr);
    assert!(
        all.stdout.contains(&format!("{CASE}  SLOWER by")),
        "{}",
        all.stdout
    );
    let one = run(&sandbox, &[CASE, "--folder", "nights"]);
    assert_eq!(one.code, Some(1), "{}", one.stderr);
    assert!(
        one.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        one.stdout
    );
    assert!(one.stdout.contains("1: step of"), "{}", one.stdout);
    for format in ["json", "markdown"] {
        let said = run(&sandbox, &[CASE, "--folder", "nights", "--format", format]);
        assert_eq!(said.code, Some(1));
        assert!(said.stdout.contains(CASE));
    }

    let accepted = "[[accepted]]\ncase = \"codec/encode/10_kb\"\nmetric = \"time\"\nallow_percent = 4.0\n\
        because = \"worth it\"\non = \"2026-01-01\"\nuntil = \"2999-01-01\"\n";
    fs::write(sandbox.path("baselines/accepted.toml"), accepted).expect("put");
    let all = run(&sandbox, &["--folder", "nights"]);
    assert_eq!(all.code, Some(0), "{}", all.stdout);
    assert!(all.stdout.contains("worth it"), "{}", all.stdout);
}

#[test]
fn few_nights_are_no_pass_and_none_are_an_error() {
    let sandbox = workspace();
    let none = run(&sandbox, &["--folder", "nights"]);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("history record"), "{}", none.stderr);
    nights(&sandbox, &[0.0; 2]);
    for arguments in [vec!["--folder", "nights"], vec![CASE, "--folder", "nights"]] {
        let few = run(&sandbox, &arguments);
        assert_eq!(few.code, Some(3), "{}", few.stderr);
        assert!(few.stdout.contains("too few nights"), "{}", few.stdout);
    }
}

#[test]
fn a_mistyped_case_is_answered_with_the_nearest() {
    let sandbox = workspace();
    nights(&sandbox, &[0.0; 2]);
    let outcome = run(&sandbox, &["codec/encode/10_k", "--folder", "nights"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains(CASE), "{}", outcome.stderr);
}

#[test]
fn the_same_run_is_recorded_once() {
    let sandbox = workspace();
    record(&sandbox, 1, 0.0, "2026-11-21T02:00:00Z");
    let before = contents(&sandbox.path("nights"));
    let again = record(&sandbox, 1, 0.0, "2026-11-22T02:00:00Z");
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.stderr.contains("already"), "{}", again.stderr);
    assert_eq!(contents(&sandbox.path("nights")), before);
}

#[test]
fn what_cannot_be_a_night_is_refused_and_changes_nothing() {
    let sandbox = workspace();
    record(&sandbox, 1, 0.0, "2999-01-01T00:00:00Z");
    let before = contents(&sandbox.path("nights"));
    let from = measured(&sandbox, 2, 0.0).display().to_string();
    // By the clock of the file it comes before a night that a wrong clock dated.
    let stepped = run(&sandbox, &["record", "--from", &from, "--folder", "nights"]);
    assert_eq!(stepped.code, Some(2));
    assert!(stepped.stderr.contains("2999-01-01"), "{}", stepped.stderr);

    let soon = record(&sandbox, 2, 0.0, "soon");
    assert_eq!(soon.code, Some(2));
    assert!(soon.stderr.contains("--time"), "{}", soon.stderr);

    let text = fs::read_to_string(&from).expect("readable");
    let dirty = text.replace("\"is_dirty\":false", "\"is_dirty\":true");
    for (spoiled, told) in [(&*dirty, "no commit"), (&text[..200], "run.json")] {
        fs::write(&from, spoiled).expect("put");
        let refused = run(&sandbox, &["record", "--from", &from, "--folder", "nights"]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains(told), "{}", refused.stderr);
    }
    let absent = run(&sandbox, &["record", "--folder", "nights"]);
    assert_eq!(absent.code, Some(2));
    assert!(absent.stderr.contains("plimsoll ab"), "{}", absent.stderr);
    assert_eq!(contents(&sandbox.path("nights")), before);
}

#[test]
fn a_truncated_night_is_named_and_the_rest_is_judged() {
    let sandbox = workspace();
    nights(&sandbox, &[0.0; 16]);
    let files = contents(&sandbox.path("nights"));
    let (path, bytes) = files.last().expect("nights");
    fs::write(path, &bytes[..bytes.len() / 2]).expect("cut");
    let all = run(&sandbox, &["--folder", "nights"]);
    assert_eq!(all.code, Some(0), "{}{}", all.stdout, all.stderr);
    // Where a line is broken depends on what the machine is called.
    let words: Vec<&str> = all.stdout.split_whitespace().collect();
    let told = words.join(" ");
    assert!(
        told.contains("line 1: the file is cut short here"),
        "{told}"
    );
}
