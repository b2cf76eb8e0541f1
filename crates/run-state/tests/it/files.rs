//! The store of JSON files keeps the contract.

use run_state::StoreError;
use run_state::store::files::Files;

use crate::contract;
use crate::places::Places;

#[test]
fn the_store_of_files_keeps_the_contract() {
    let places = Places::new();
    contract::check(|| Files::open(&places.next()).expect("an empty folder"));
}

#[test]
fn files_outlive_the_process_that_wrote_them() {
    let places = Places::new();
    let place = places.next();
    contract::check_lasting(|| Files::open(&place).expect("a folder"));
}

#[test]
fn a_folder_serves_one_process_at_a_time() {
    let places = Places::new();
    let place = places.next();
    let first = Files::open(&place).expect("an empty folder");
    let second = Files::open(&place).expect_err("the first has it");
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    drop(first);
    Files::open(&place).expect("it is free again");
}
