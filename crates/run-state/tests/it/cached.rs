//! The cache keeps the contract of what it wraps, counts, and holds no more than it may.

use run_state::event::Change;
use run_state::json::Json;
use run_state::message::{Message, Role};
use run_state::run::{Origin, UnixMillis};
use run_state::store::Store;
use run_state::store::cached::Cached;
use run_state::store::memory::Memory;

use crate::contract;
use crate::places::block_on;

fn said(n_bytes: usize) -> Vec<Change> {
    vec![Change::MessageAdded {
        message: Message {
            role: Role::User,
            content: "x".repeat(n_bytes),
            tool_calls: Vec::new(),
        },
    }]
}

fn fill(store: &impl Store, run: &str, n_bytes: usize) {
    block_on(store.create(run, &Origin::default(), UnixMillis(1))).expect("it is new");
    block_on(store.append(run, 0, UnixMillis(2), said(n_bytes))).expect("it fits");
}

#[test]
fn a_cached_store_keeps_the_contract() {
    contract::check(|| Cached::new(Memory::new(), 1_000_000));
    contract::check(|| Cached::new(Memory::new(), 2_000));
    contract::check(|| Cached::new(Memory::new(), 1_000_000).compressing_above(8));
}

#[test]
fn what_another_process_has_written_is_seen() {
    let memory = Memory::new();
    let cached = Cached::new(memory.clone(), 1_000_000);
    fill(&cached, "r", 10);
    block_on(cached.load("r")).expect("it is there");
    let note = Change::Noted {
        kind: "note".to_owned(),
        payload: Json::null(),
    };
    block_on(memory.append("r", 1, UnixMillis(3), vec![note])).expect("it fits");
    assert_eq!(block_on(cached.load("r")), block_on(memory.load("r")));
    block_on(memory.remove("r")).expect("it is there");
    block_on(memory.create("r", &Origin::default(), UnixMillis(9))).expect("it is gone");
    assert_eq!(block_on(cached.load("r")), block_on(memory.load("r")));
}

#[test]
fn the_state_that_was_used_longest_ago_goes_first() {
    let cached = Cached::new(Memory::new(), 25_000);
    for run in ["a", "b", "c"] {
        fill(&cached, run, 8_000);
    }
    let load = |run: &str| {
        let before = cached.counts().hits();
        block_on(cached.load(run)).expect("it is there");
        cached.counts().hits() > before
    };
    assert_eq!(["a", "b"].map(load), [false, false], "never seen before");
    assert!(load("a"));
    assert!(!load("c"));
    assert_eq!(cached.counts().evictions(), 1);
    assert_eq!(["a", "b"].map(load), [true, false], "`b` had to go for `c`");
    assert_eq!(cached.counts().misses(), 4);
}

#[test]
fn a_load_after_an_append_is_a_hit() {
    let cached = Cached::new(Memory::new(), 1_000_000);
    fill(&cached, "r", 10);
    block_on(cached.load("r")).expect("it is there");
    for version in 1..20 {
        let appended = block_on(cached.append("r", version, UnixMillis(2), said(10)));
        assert_eq!(appended, Ok(version + 1));
        assert_eq!(
            block_on(cached.load("r")).expect("it is there").version,
            version + 1
        );
    }
    assert_eq!((cached.counts().misses(), cached.counts().hits()), (1, 19));
}

#[test]
fn more_states_fit_where_long_fields_are_compressed() {
    let n_held = |cached: Cached<Memory>| {
        for run in ["a", "b", "c", "d", "e"] {
            fill(&cached, run, 8_000);
            let expected = block_on(cached.load(run)).expect("it is there");
            assert_eq!(block_on(cached.load(run)), Ok(expected), "from memory");
        }
        let (n_states, n_bytes) = cached.held();
        assert!(n_bytes <= 25_000);
        n_states
    };
    assert_eq!(n_held(Cached::new(Memory::new(), 25_000)), 2);
    let compressing = Cached::new(Memory::new(), 25_000).compressing_above(1_024);
    assert_eq!(n_held(compressing), 5);
}
