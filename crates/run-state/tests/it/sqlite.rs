//! The SQLite store keeps the contract, durable and not, and serves several processes.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use run_state::population::{self, Size};
use run_state::run::{Origin, UnixMillis};
use run_state::store::sqlite::{Durability, Sqlite};
use run_state::store::{RunLog, Store};

use crate::contract;
use crate::places::Places;

#[test]
fn the_sqlite_store_keeps_the_contract() {
    for durability in [Durability::Durable, Durability::NotDurable] {
        let places = Places::new();
        contract::check(|| Sqlite::open(&places.next(), durability).expect("a new file"));
    }
}

#[test]
fn a_file_outlives_the_process_that_wrote_it() {
    let places = Places::new();
    let place = places.next();
    contract::check_lasting(|| Sqlite::open(&place, Durability::Durable).expect("a file"));
}

#[test]
fn two_processes_may_have_one_file_open() {
    let places = Places::new();
    let place = places.next();
    let open = || Sqlite::open(&place, Durability::Durable).expect("a file");
    let (left, right) = (open(), open());
    block_on(left.create("r", &Origin::default(), UnixMillis(1))).expect("it is new");
    assert_eq!(block_on(right.load("r")).expect("it is there").version, 0);
}

#[test]
fn the_log_is_moved_into_the_file_while_writers_go_on() {
    let places = Places::new();
    let place = places.next();
    let store = Sqlite::open(&place, Durability::NotDurable).expect("a new file");
    let n_bytes = || std::fs::metadata(&place).expect("it is there").len();
    let events = population::events(1, Size::Usual);
    let until = Instant::now() + Duration::from_secs(60);
    let mut n_runs = 0;
    // The tables alone are some pages; what is more can only have come out of the log.
    while n_bytes() < 1_000_000 {
        assert!(
            Instant::now() < until,
            "after {n_runs} runs it is all in the log"
        );
        let log = RunLog {
            run: format!("run-{n_runs}"),
            origin: Origin::default(),
            created_at_ms: UnixMillis(1),
            events: events.clone(),
        };
        block_on(store.restore(&log)).expect("it is new");
        n_runs += 1;
    }
    for run in 0..n_runs {
        let found = block_on(store.check(&format!("run-{run}")));
        assert_eq!(found, Ok(Vec::new()));
    }
}
