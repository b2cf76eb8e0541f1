//! The SQLite store keeps the contract, durable and not, and serves several processes.

use futures::executor::block_on;
use run_state::run::{Origin, UnixMillis};
use run_state::store::Store;
use run_state::store::sqlite::{Durability, Sqlite};

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
