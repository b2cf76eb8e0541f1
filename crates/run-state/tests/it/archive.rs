//! Runs into archives and back, exactly; and archives that are not what they were.

use std::fs;

use run_state::StoreError;
use run_state::archive::{self, ArchiveRow, NOISY_KINDS, Policy};
use run_state::event::Change;
use run_state::json::Json;
use run_state::population::{self, Size};
use run_state::run::{Origin, RunStatus, UnixMillis};
use run_state::store::memory::Memory;
use run_state::store::{self, Store};

use crate::places::{Places, block_on};

const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

fn noise() -> Change {
    Change::Noted {
        kind: "token_stream".to_owned(),
        payload: Json::parse("\"lorem\"".to_owned()).expect("valid"),
    }
}

/// Runs that ended at 10, 20 and 30, and one that has not.
fn filled() -> Memory {
    let store = Memory::new();
    for (position, run) in ["a/1", "b", "c"].into_iter().enumerate() {
        let at = UnixMillis(10 * (position as u64 + 1));
        let mut changes = vec![noise()];
        let events = population::events(position as u64, Size::Small);
        changes.extend(events.into_iter().map(|event| event.change));
        block_on(store.create(run, &Origin::default(), UnixMillis(1))).expect("it is new");
        block_on(store.append(run, 0, at, changes)).expect("it fits");
    }
    block_on(store.create("d", &Origin::default(), UnixMillis(1))).expect("it is new");
    store
}

fn policy() -> Policy {
    Policy {
        ended_before: UnixMillis(30),
        compact: Vec::new(),
        purge: false,
        at_most: None,
    }
}

fn selected(store: &dyn Store, policy: &Policy) -> Vec<String> {
    let runs = block_on(archive::select(store, policy)).expect("a list");
    runs.into_iter().map(|summary| summary.run).collect()
}

#[test]
fn runs_that_ended_before_a_time_are_selected() {
    let store = filled();
    assert_eq!(selected(&store, &policy()), ["a/1", "b"]);
    let one = Policy {
        at_most: Some(1),
        ..policy()
    };
    assert_eq!(selected(&store, &one), ["a/1"]);
    let all = Policy {
        ended_before: NOW,
        ..policy()
    };
    assert_eq!(
        selected(&store, &all),
        ["a/1", "b", "c"],
        "never one that goes on"
    );
}

#[test]
fn a_purged_run_is_restored_exactly() {
    let (store, places) = (filled(), Places::new());
    let folder = places.next();
    let before = block_on(store::log(&store, "a/1")).expect("it is there");
    let purging = Policy {
        purge: true,
        ..policy()
    };
    let row = block_on(archive::archive(&store, "a/1", &purging, &folder, NOW)).expect("space");
    let path = "a%2f1/run_snapshot_20260101000000.json.zip";
    assert_eq!(row.path.to_str(), Some(path));
    assert_eq!(row.n_events, before.events.len());
    assert_eq!(row.status, RunStatus::Completed);
    let gone = block_on(store.load("a/1"));
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    let rows = archive::rows(&folder).expect("a list");
    assert_eq!(rows, std::slice::from_ref(&row));
    block_on(archive::restore(&store, &folder, &row)).expect("it is gone");
    assert_eq!(block_on(store::log(&store, "a/1")), Ok(before));
}

#[test]
fn noise_is_taken_out_before_and_numbers_stay() {
    let (store, places) = (filled(), Places::new());
    let folder = places.next();
    let compacting = Policy {
        compact: NOISY_KINDS.map(str::to_owned).to_vec(),
        ..policy()
    };
    let state = block_on(store.load("b")).expect("it is there");
    let row = block_on(archive::archive(&store, "b", &compacting, &folder, NOW)).expect("space");
    let log = archive::read(&folder, &row).expect("it is whole");
    assert_eq!(log.state(), Ok(state));
    let expected = Change::Noted {
        kind: "token_stream".to_owned(),
        payload: Json::null(),
    };
    assert_eq!(log.events[0].change, expected);
}

#[test]
fn a_run_that_has_not_changed_since_is_known_and_one_that_has_is_not() {
    let (store, places) = (filled(), Places::new());
    let folder = places.next();
    let known = |expected: [bool; 2]| {
        let shelf = archive::Shelf::read(&folder).expect("a list");
        let runs = block_on(archive::batch(&store, &policy(), None, 9)).expect("a list");
        let unchanged = runs.iter().map(|run| shelf.unchanged(run).is_some());
        assert_eq!(unchanged.collect::<Vec<_>>(), expected);
    };
    known([false, false]);
    let row = block_on(archive::checkpoint(&store, "b", &folder, NOW)).expect("space");
    known([false, true]);
    block_on(store.append("b", row.n_events as u64, NOW, vec![noise()])).expect("it fits");
    known([false, false]);
}

#[test]
fn a_run_whose_archive_is_damaged_is_not_purged() {
    let (store, places) = (filled(), Places::new());
    let folder = places.next();
    let row = block_on(archive::checkpoint(&store, "b", &folder, NOW)).expect("space");
    let place = folder.join(&row.path);
    let whole = fs::read(&place).expect("it is there");
    fs::write(&place, &whole[1..]).expect("it can be written");
    let refused = block_on(archive::purge(&store, &folder, &row));
    assert!(matches!(refused, Err(StoreError::Damaged { .. })));
    assert!(block_on(store.load("b")).is_ok(), "it is still there");
    fs::write(&place, &whole).expect("it can be written");
    assert_eq!(block_on(archive::purge(&store, &folder, &row)), Ok(()));
    assert!(block_on(store.load("b")).is_err());
}

#[test]
fn an_archive_that_has_changed_is_named() {
    let (store, places) = (filled(), Places::new());
    let folder = places.next();
    let row = block_on(archive::checkpoint(&store, "b", &folder, NOW)).expect("space");
    let place = folder.join(&row.path);
    let whole = fs::read(&place).expect("it is there");
    let check = |bytes: Option<&[u8]>, row: &ArchiveRow, expected: &str| {
        match bytes {
            Some(bytes) => fs::write(&place, bytes).expect("it can be written"),
            None => fs::remove_file(&place).expect("it is there"),
        }
        let error = archive::read(&folder, row).expect_err(expected).to_string();
        assert!(
            error.contains(expected) && error.contains("b/run_snapshot_"),
            "{error}"
        );
    };
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    check(Some(&flipped), &row, "it has changed");
    check(Some(&whole[..whole.len() - 1]), &row, "it has changed");
    check(None, &row, "it is missing");
    // Whoever changes the row as well finds the checksum of the zip.
    let mut forged = row;
    forged.sha256 = "0".repeat(64);
    check(Some(&whole), &forged, "it has changed");
}
