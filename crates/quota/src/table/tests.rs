//! Growth over many keys, and handles on keys that move.

use super::*;
use crate::rate::{Burst, Rate};

const SECOND: Nanos = 1_000_000_000;

fn gcra() -> Gcra {
    Gcra::new(Rate::per_second(1.0).expect("in range"), Burst::ONE)
}

fn keys(n_keys: usize) -> Vec<String> {
    (0..n_keys).map(|i| format!("workspace-{i}")).collect()
}

#[test]
fn a_table_grows_to_many_keys_and_finds_each_again() {
    let table = Table::new();
    let keys = keys(50_000);
    for key in &keys {
        assert!(table.decide(key, &gcra(), SECOND).is_allowed(), "{key}");
    }
    assert_eq!(table.n_keys(), keys.len());
    for key in &keys {
        assert!(
            !table.decide(key, &gcra(), SECOND + 1).is_allowed(),
            "{key}"
        );
    }
    assert_eq!(table.evict_idle(5 * SECOND), keys.len());
    assert_eq!(table.n_keys(), 0);
    for key in &keys {
        assert!(
            table.decide(key, &gcra(), 5 * SECOND + 1).is_allowed(),
            "{key}"
        );
    }
}

#[test]
fn a_handle_finds_its_key_again_when_the_table_has_grown() {
    let table = Table::new();
    let pinned: Vec<_> = (0..50)
        .map(|i| table.pin(&format!("pinned-{i}"), SECOND))
        .collect();
    for pinned in &pinned {
        assert!(table.decide_pinned(pinned, &gcra(), SECOND).is_allowed());
    }
    let places: Vec<_> = pinned
        .iter()
        .map(|pinned| pinned.place.load(Ordering::Relaxed))
        .collect();
    for key in keys(5_000) {
        assert!(table.decide(&key, &gcra(), SECOND).is_allowed(), "{key}");
    }
    for (number, pinned) in pinned.iter().enumerate() {
        let denied = table.decide_pinned(pinned, &gcra(), SECOND + 1);
        assert!(!denied.is_allowed(), "the state moved along");
        let place = pinned.place.load(Ordering::Relaxed);
        assert_ne!(place, places[number], "it moved");
    }
    table.evict_idle(60 * SECOND);
    assert_eq!(table.n_keys(), 50, "only the pinned keys are kept");
    for (number, pinned) in pinned.iter().enumerate() {
        let key = format!("pinned-{number}");
        assert!(
            table
                .decide_pinned(pinned, &gcra(), 70 * SECOND)
                .is_allowed()
        );
        assert!(!table.decide(&key, &gcra(), 70 * SECOND).is_allowed());
        table.unpin(pinned);
    }
    assert_eq!(table.evict_idle(80 * SECOND), 50);
}
