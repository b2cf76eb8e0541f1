//! Bytes that change or go missing on a disk: told and named, and never read as something else.

use std::fs;
use std::path::Path;

use futures::executor::block_on;
use run_state::StoreError;
use run_state::event::Change;
use run_state::json::Json;
use run_state::run::{Origin, RunState, UnixMillis};
use run_state::store::Store;

use crate::places::{Places, open_files};

const N_EVENTS: u64 = 40;

fn note(position: u64) -> Vec<Change> {
    let payload = format!("\"{position}: {}\"", "lorem ipsum ".repeat(100));
    vec![Change::Noted {
        kind: "note".to_owned(),
        payload: Json::parse(payload).expect("valid"),
    }]
}

/// A run of one event per write.
fn fill(store: &dyn Store) -> RunState {
    let origin = Origin {
        session: Some("s".to_owned()),
        ..Origin::default()
    };
    block_on(store.create("r", &origin, UnixMillis(1))).expect("it is new");
    for seq in 0..N_EVENTS {
        block_on(store.append("r", seq, UnixMillis(2), note(seq))).expect("it fits");
    }
    block_on(store.load("r")).expect("it is whole")
}

/// The reading of every event alone: how many can be read, and the errors of the others.
fn readable(store: &dyn Store) -> (usize, Vec<StoreError>) {
    let mut n_readable = 0;
    let mut errors = Vec::new();
    for seq in 0..N_EVENTS {
        match block_on(store.since("r", seq, 1)) {
            Ok(delta) => n_readable += delta.events.len(),
            Err(error) => errors.push(error),
        }
    }
    (n_readable, errors)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("it is there");
    bytes[at] ^= 1 << (at % 8);
    fs::write(path, bytes).expect("it can be written");
}

/// Where a text lies in a file.
fn find(path: &Path, text: &str) -> usize {
    let bytes = fs::read(path).expect("it is there");
    let mut windows = bytes.windows(text.len());
    windows
        .position(|window| window == text.as_bytes())
        .expect("it is in the file")
}

#[test]
fn a_changed_byte_in_a_log_is_named_and_the_rest_is_read() {
    let places = Places::new();
    let place = places.next();
    drop(fill(&open_files(&place)));
    fs::remove_file(place.join("r.json")).expect("there is a snapshot");
    let log = place.join("r.jsonl");
    let at = find(&log, "17: lorem");
    flip(&log, at + 30);
    let store = open_files(&place);
    let (n_readable, errors) = readable(&store);
    assert_eq!((n_readable, errors.len()), (N_EVENTS as usize - 1, 1));
    let damage = block_on(store.check("r")).expect("it is there");
    assert!(
        damage[0].to_string().contains("line 19 of the log")
            && damage[0].to_string().contains("a byte has changed"),
        "{damage:?}"
    );
    let refused = block_on(store.append("r", N_EVENTS, UnixMillis(3), note(0)));
    assert!(
        matches!(refused, Err(StoreError::Damaged { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_damaged_snapshot_is_named_and_made_anew() {
    let places = Places::new();
    let place = places.next();
    let before = fill(&open_files(&place));
    let snapshot = place.join("r.json");
    let at = find(&snapshot, "\"session\":\"s\"");
    flip(&snapshot, at + 11);
    let store = open_files(&place);
    let damage = block_on(store.check("r")).expect("it is there");
    assert!(
        damage[0].to_string().contains("read snapshot of run `r`"),
        "{damage:?}"
    );
    assert_eq!(block_on(store.load("r")), Ok(before));
    assert_eq!(block_on(store.check("r")), Ok(Vec::new()));
}

#[test]
fn a_log_without_its_end_says_what_was_dropped() {
    let places = Places::new();
    let place = places.next();
    drop(fill(&open_files(&place)));
    fs::remove_file(place.join("r.json")).expect("there is a snapshot");
    let log = place.join("r.jsonl");
    let bytes = fs::read(&log).expect("it is there");
    fs::write(&log, &bytes[..bytes.len() - 5]).expect("it can be written");
    let store = open_files(&place);
    assert_eq!(
        block_on(store.load("r")).expect("the rest").version,
        N_EVENTS - 1
    );
    let damage = block_on(store.check("r")).expect("it is there");
    assert!(damage[0].to_string().contains("half a write"), "{damage:?}");
    let version = block_on(store.append("r", N_EVENTS - 1, UnixMillis(3), note(0)));
    assert_eq!(version, Ok(N_EVENTS), "and it goes on");
}

/// No changed byte anywhere in a file may show as other content.
fn check_never_wrong(paths: &[&str], open: impl Fn(&Path) -> Result<Box<dyn Store>, StoreError>) {
    const N_FLIPS: usize = 150;
    let places = Places::new();
    let place = places.next();
    fs::create_dir(&place).expect("a new folder");
    let store = open(&place).expect("an empty folder");
    let before = fill(&*store);
    drop(store);
    for path in paths {
        let path = place.join(path);
        let whole = fs::read(&path).expect("it is there");
        for flipped in 0..N_FLIPS {
            flip(&path, flipped * (whole.len() / N_FLIPS));
            let read = open(&place).and_then(|store| block_on(store.load("r")));
            if let Ok(state) = read {
                assert_eq!(state, before, "flip {flipped} in {}", path.display());
            }
            fs::write(&path, &whole).expect("it can be written");
        }
    }
}

#[test]
fn no_changed_byte_in_files_is_read_as_other_content() {
    check_never_wrong(&["r.jsonl", "r.json"], |place| {
        Ok(Box::new(open_files(place)))
    });
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use run_state::store::sqlite::{Durability, Sqlite};
    use rusqlite::Connection;

    use super::*;

    const FILE: &str = "runs.sqlite";

    fn open(place: &Path) -> Result<Sqlite, StoreError> {
        Sqlite::open(&place.join(FILE), Durability::Durable)
    }

    #[test]
    fn no_changed_byte_in_sqlite_is_read_as_other_content() {
        check_never_wrong(&[FILE], |place| Ok(Box::new(open(place)?)));
    }

    #[test]
    fn a_changed_byte_in_an_event_is_named_and_the_rest_is_read() {
        let places = Places::new();
        let place = places.next();
        fs::create_dir(&place).expect("a new folder");
        let before = fill(&open(&place).expect("a new file"));
        let raw = Connection::open(place.join(FILE)).expect("a file");
        let body: Vec<u8> = raw
            .query_row("select body from events where seq = 17", [], |row| {
                row.get(0)
            })
            .expect("it is there");
        let mut changed = body;
        changed[30] ^= 4;
        raw.execute("update events set body = ?1 where seq = 17", [&changed])
            .expect("it can be changed");
        let store = open(&place).expect("it opens");
        let (n_readable, errors) = readable(&store);
        assert_eq!((n_readable, errors.len()), (N_EVENTS as usize - 1, 1));
        assert!(
            errors[0].to_string().contains("read event 17 of run `r`"),
            "{errors:?}"
        );
        assert_eq!(block_on(store.check("r")), Ok(errors));
        // Whoever has the snapshot needs the event no more; without it, nothing can be said.
        let loaded = block_on(store.load("r"));
        assert!(loaded == Ok(before) || matches!(loaded, Err(StoreError::Damaged { .. })));
        raw.execute("delete from snapshots", [])
            .expect("it can be changed");
        let loaded = block_on(store.load("r"));
        assert!(
            matches!(loaded, Err(StoreError::Damaged { .. })),
            "{loaded:?}"
        );
    }

    #[test]
    fn a_full_disk_refuses_the_write_and_keeps_what_is_there() {
        let places = Places::new();
        let place = places.next();
        fs::create_dir(&place).expect("a new folder");
        let store = open(&place).expect("a new file");
        store.grow_to_at_most(200_000).expect("the file is smaller");
        block_on(store.create("r", &Origin::default(), UnixMillis(1))).expect("it is new");
        let mut version = 0;
        let full = loop {
            match block_on(store.append("r", version, UnixMillis(2), incompressible(version))) {
                Ok(newest) => version = newest,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, StoreError::Full { .. }), "{full}");
        assert!(version > 5, "{version} writes fit");
        assert_eq!(
            block_on(store.load("r")).expect("it is whole").version,
            version
        );
        assert_eq!(block_on(store.check("r")), Ok(Vec::new()));
        store
            .grow_to_at_most(10_000_000)
            .expect("the file is smaller");
        let appended = block_on(store.append("r", version, UnixMillis(2), note(0)));
        assert_eq!(appended, Ok(version + 1), "with space again");
    }

    fn incompressible(seed: u64) -> Vec<Change> {
        let mut state = seed + 1;
        let digits = (0..500).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            format!("{:016x}", state.rotate_left(29))
        });
        let payload = format!("\"{}\"", digits.collect::<String>());
        vec![Change::Noted {
            kind: "note".to_owned(),
            payload: Json::parse(payload).expect("valid"),
        }]
    }
}
