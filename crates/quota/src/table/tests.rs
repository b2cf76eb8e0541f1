//! The arithmetic of chunks, and growth over many keys.

use super::*;
use crate::rate::{Burst, Rate};

#[test]
fn cells_are_numbered_without_gap_or_overlap() {
    let mut expected = (0, 0);
    for index in 0..100_000 {
        let (chunk, offset) = chunk_and_offset(index);
        if chunk != expected.0 {
            let len = FIRST << usize::saturating_sub(expected.0, 1);
            assert_eq!((chunk, offset), (expected.0 + 1, 0), "after a full chunk");
            assert_eq!(expected.1, len);
        } else {
            assert_eq!((chunk, offset), expected);
        }
        expected = (chunk, offset + 1);
    }
}

#[test]
fn a_table_grows_to_many_keys_and_finds_each_again() {
    let gcra = Gcra::new(Rate::per_second(1.0).expect("in range"), Burst::ONE);
    let table = Table::new();
    let keys: Vec<String> = (0..50_000).map(|i| format!("workspace-{i}")).collect();
    for key in &keys {
        assert!(table.decide(key, &gcra, 1_000).is_allowed(), "{key}");
    }
    assert_eq!(table.n_keys(), keys.len());
    for key in &keys {
        assert!(!table.decide(key, &gcra, 1_001).is_allowed(), "{key}");
    }
    assert_eq!(table.evict_idle(5_000_000_000), keys.len());
    assert_eq!(table.n_keys(), 0);
    for key in &keys {
        assert!(
            table.decide(key, &gcra, 5_000_000_001).is_allowed(),
            "{key}"
        );
    }
    let n_cells: usize = table
        .shards
        .iter()
        .map(|shard| shard.writer.lock().n_cells)
        .sum();
    assert_eq!(n_cells, keys.len(), "cells of evicted keys are used again");
}
