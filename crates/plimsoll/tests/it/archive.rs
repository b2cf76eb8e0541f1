//! `plimsoll archive` on stores on the disk: what it selects, does, undoes, and says.

use std::fs;

use run_state::population::{self, Size};
use run_state::run::{Origin, UnixMillis};
use run_state::store::sqlite::{Durability, Sqlite};
use run_state::store::{self, RunLog, Store};

use crate::sandbox::{Outcome, Sandbox, contents};

const STORE: &str = "runs.sqlite";

/// Long ago, so that every run is older than any age that is asked for.
const LONG_AGO: UnixMillis = UnixMillis(1_600_000_000_000);

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(work)
}

fn opened(sandbox: &Sandbox) -> Sqlite {
    Sqlite::open(&sandbox.path(STORE), Durability::NotDurable).expect("a file")
}

/// A store with runs that ended long ago, and one that goes on.
fn filled(n_runs: u64) -> Sandbox {
    let sandbox = Sandbox::new();
    let store = opened(&sandbox);
    for seed in 0..n_runs {
        let events = population::events(seed, Size::Small);
        let changes = events.into_iter().map(|event| event.change).collect();
        let run = format!("run-{seed:02}");
        block_on(store.create(&run, &Origin::default(), LONG_AGO)).expect("it is new");
        block_on(store.append(&run, 0, LONG_AGO, changes)).expect("it fits");
    }
    block_on(store.create("waits", &Origin::default(), LONG_AGO)).expect("it is new");
    sandbox
}

fn log(sandbox: &Sandbox, run: &str) -> Option<RunLog> {
    block_on(store::log(&opened(sandbox), run)).ok()
}

fn archive(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    sandbox.run(&[&["archive"], arguments].concat(), &[])
}

#[test]
fn old_runs_are_archived_in_batches_purged_and_restored_exactly() {
    let sandbox = filled(7);
    let before = log(&sandbox, "run-03").expect("it is there");
    let outcome = archive(
        &sandbox,
        &["--older-than", "30d", "--purge", "--batch", "3"],
    );
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stdout.lines().count(), 8, "{}", outcome.stdout);
    for told in ["3 of 7", "7 of 7", "7 archived, 7 removed from the store"] {
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    }
    assert!(log(&sandbox, "run-03").is_none() && log(&sandbox, "waits").is_some());
    let listed = archive(&sandbox, &["list", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(7));
    let outcome = archive(&sandbox, &["restore", "run-03"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(log(&sandbox, "run-03"), Some(before));
    let again = archive(&sandbox, &["restore", "run-03"]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("`run-03`: it exists"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_dry_run_names_the_runs_and_changes_nothing() {
    let sandbox = filled(2);
    let before = contents(&sandbox.path(""));
    let outcome = archive(&sandbox, &["--older-than", "30d", "--compact", "--dry-run"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("run-00") && outcome.stdout.contains("run-01"));
    assert!(!outcome.stdout.contains("waits"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("nothing was changed"));
    assert!(!sandbox.path("archives").exists());
    let after = contents(&sandbox.path(""));
    assert_eq!(after.len(), before.len(), "no file more");
}

#[test]
fn a_run_that_was_archived_and_has_not_changed_is_not_archived_again() {
    let sandbox = filled(2);
    archive(&sandbox, &["--compact"]);
    let again = archive(&sandbox, &["--compact"]);
    assert!(again.stderr.contains("0 archived"), "{}", again.stderr);
    let purged = archive(&sandbox, &["--purge"]);
    assert!(
        purged.stderr.contains("0 archived, 2 removed"),
        "{}",
        purged.stderr
    );
    assert!(log(&sandbox, "run-00").is_none());
}

#[test]
fn a_young_run_is_left_alone_and_an_old_one_only_up_to_the_bound() {
    let sandbox = filled(3);
    let outcome = archive(&sandbox, &["--older-than", "36500d"]);
    assert!(outcome.stderr.contains("0 archived"), "{}", outcome.stderr);
    let outcome = archive(&sandbox, &["--older-than", "0s", "--at-most", "2"]);
    assert!(outcome.stderr.contains("2 archived"), "{}", outcome.stderr);
}

#[test]
fn bad_input_is_named_with_its_mend_and_stops_no_other_run() {
    let sandbox = filled(2);
    let outcome = archive(&sandbox, &["--store", "nowhere.sqlite"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("no store at nowhere.sqlite"));
    assert!(!sandbox.path("nowhere.sqlite").exists(), "none is made");
    fs::write(
        sandbox.path("text"),
        "no database, but long enough to be taken for one".repeat(9),
    )
    .expect("written");
    let outcome = archive(&sandbox, &["--store", "text"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("text: file is not a database"),
        "{}",
        outcome.stderr
    );
    let outcome = archive(&sandbox, &["restore", "run-00"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("no archive of run `run-00`"),
        "{}",
        outcome.stderr
    );
    // A folder where the archive of one run ought to lie.
    fs::create_dir(sandbox.path("archives")).expect("made");
    fs::write(sandbox.path("archives/run-00"), "").expect("written");
    let outcome = archive(&sandbox, &["--purge"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("archives/run-00"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("1 archived, 1 removed from the store, 1 failed"),
        "{}",
        outcome.stderr
    );
    assert!(log(&sandbox, "run-00").is_some(), "what failed stays");
    fs::write(sandbox.path("archives/archives.jsonl"), "{}\n").expect("written");
    let outcome = archive(&sandbox, &["list"]);
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("line 1 of archives/archives.jsonl")
            && outcome.stderr.contains("remove the line"),
        "{}",
        outcome.stderr
    );
}
