//! The store of JSON files keeps the contract.

use run_state::StoreError;
use run_state::store::files::Files;

use crate::contract;
use crate::places::{Places, open_files};

#[test]
fn the_store_of_files_keeps_the_contract() {
    let places = Places::new();
    contract::check(|| open_files(&places.next()));
}

#[test]
fn files_outlive_the_process_that_wrote_them() {
    let places = Places::new();
    let place = places.next();
    contract::check_lasting(|| open_files(&place));
}

#[test]
fn a_folder_serves_one_process_at_a_time() {
    let places = Places::new();
    let place = places.next();
    let first = open_files(&place);
    let second = Files::open(&place).expect_err("the first has it");
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    drop(first);
    drop(open_files(&place));
}
