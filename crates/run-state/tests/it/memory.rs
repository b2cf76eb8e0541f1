//! The memory store keeps the contract.

use run_state::store::memory::Memory;

use crate::contract;

#[test]
fn the_memory_store_keeps_the_contract() {
    contract::check(Memory::new);
}
