//! What does it cost to write and to read the state of a session, and to send what changed in it?
//!
//! Timed: `encode` to fresh bytes, `decode` to a fresh state, both in a row as `round_trip`, and `delta`: the last
//! event, from the memory store to bytes. Giving memory back is in it. The cases called `serde_json` do the same to
//! the same types with that crate alone, and without our envelope.
//! Not timed: making the sessions. The sizes fit the first cache, the second, and neither.
//! Do not conclude anything about other content: the cost follows the number of strings and of escapes, and this is
//! prose, code and tool output with an escape every 40 bytes.

use benches::{Suite, suite_main};
use criterion::Throughput;
use futures::executor::block_on;
use results::figures::{Bound, Figure};
use run_state::codec;
use run_state::delta::Delta;
use run_state::population::{self, Size};
use run_state::session::{SessionState, UnixMillis};
use run_state::store::Store;
use run_state::store::memory::Memory;
use std::hint::black_box;

/// The seed of all sessions.
const SEED: u64 = 1;

const SIZES: [(&str, Size); 3] = [
    ("10kb", Size::Small),
    ("100kb", Size::Usual),
    ("1mb", Size::Large),
];

fn encode(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let state = population::state(SEED, size);
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.case("encode", parameter, |bencher| {
            bencher.iter(|| codec::encode(black_box(&state)));
        });
        suite.case("serde_json_encode", parameter, |bencher| {
            bencher.iter(|| by_serde_json(black_box(&state)));
        });
    }
}

fn decode(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let state = population::state(SEED, size);
        let ours = codec::encode(&state);
        let plain = by_serde_json(&state);
        assert_eq!(codec::decode(&ours).as_ref(), Ok(&state));
        assert_eq!(from_serde_json(&plain), state);
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.case("decode", parameter, |bencher| {
            bencher.iter(|| codec::decode::<SessionState>(black_box(&ours)));
        });
        suite.case("serde_json_decode", parameter, |bencher| {
            bencher.iter(|| from_serde_json(black_box(&plain)));
        });
    }
}

fn round_trip(suite: &mut Suite<'_>) {
    let state = population::state(SEED, Size::Usual);
    suite.throughput(Throughput::Bytes(2 * Size::Usual.bytes() as u64));
    suite.case("round_trip", "100kb", |bencher| {
        bencher.iter(|| {
            let bytes = codec::encode(black_box(&state));
            codec::decode::<SessionState>(black_box(&bytes))
        });
    });
    suite.case("serde_json_round_trip", "100kb", |bencher| {
        bencher.iter(|| {
            let bytes = by_serde_json(black_box(&state));
            from_serde_json(black_box(&bytes))
        });
    });
}

fn delta(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let mut found = None;
        let set_up = || {
            let (store, newest) = stored(size);
            found = Some((store.clone(), newest));
            (store, newest)
        };
        suite.prepared("delta", parameter, set_up, |bencher, (store, newest)| {
            bencher.iter(|| codec::encode(&last_event(store, *newest)));
        });
        if let Some((store, newest)) = found {
            suite.figure(delta_bytes(parameter, &last_event(&store, newest)));
        }
    }
}

/// A promise of bytes that follow the change: one event is at most 1 KB, however long the session.
fn delta_bytes(parameter: &str, delta: &Delta) -> Figure {
    assert_eq!(delta.events.len(), 1);
    let n_bytes = codec::encode(delta).len() as f64;
    let name = format!("delta_bytes/{parameter}");
    let text = "what a reader is sent who lacks one event of a session of this size";
    Figure::exact(&name, n_bytes, "bytes", text).bound(Bound::AtMost(1_024.0))
}

const SESSION: &str = "session";

/// A store with one session, and the session's newest version.
fn stored(size: Size) -> (Memory, u64) {
    let store = Memory::new();
    let events = population::events(SEED, size);
    let changes = events.into_iter().map(|event| event.change).collect();
    let newest = block_on(async {
        store.create(SESSION, UnixMillis(0)).await?;
        store.append(SESSION, 0, UnixMillis(1), changes).await
    });
    (store, newest.expect("the events of a population fit"))
}

fn last_event(store: &Memory, newest: u64) -> Delta {
    block_on(store.since(SESSION, newest - 1, usize::MAX)).expect("the session is there")
}

fn by_serde_json(state: &SessionState) -> Vec<u8> {
    serde_json::to_vec(state).expect("a state is plain values")
}

fn from_serde_json(bytes: &[u8]) -> SessionState {
    serde_json::from_slice(bytes).expect("it was written by serde_json")
}

suite_main!(encode, decode, round_trip, delta);
