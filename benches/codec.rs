//! What does it cost to write and to read the state of a run, and to send what changed in it?
//!
//! Timed: `encode` to fresh bytes, `decode` to a fresh state, both in a row as `round_trip`, and `delta`: the last
//! event, from the memory store to bytes. Giving memory back is in it. The cases called `serde_json` do the same to
//! the same types with that crate alone, and without our envelope. Those called `binary` do it in the binary format, with
//! its checksum; `binary_lz4` and `json_lz4` compress as well.
//! Not timed: making the runs. The sizes fit the first cache, the second, and neither.
//! Do not conclude anything about other content: the cost follows the number of strings and of escapes, and this is
//! prose, code and tool output with an escape every 40 bytes.

use benches::{Suite, suite_main};
use criterion::Throughput;
use futures::executor::block_on;
use results::figures::{Bound, Figure};
use run_state::CodecError;
use run_state::codec::{self, Encoding, Format};
use run_state::delta::Delta;
use run_state::population::{self, Size};
use run_state::run::{Origin, RunState, UnixMillis};
use run_state::store::Store;
use run_state::store::memory::Memory;
use std::hint::black_box;

/// The seed of all runs.
const SEED: u64 = 1;

const SIZES: [(&str, Size); 3] = [
    ("10kb", Size::Small),
    ("100kb", Size::Usual),
    ("1mb", Size::Large),
];

fn encode(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let state = || population::state(SEED, size);
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.prepared("encode", parameter, state, |bencher, state| {
            bencher.iter(|| codec::encode(black_box(&*state)));
        });
        suite.prepared("serde_json_encode", parameter, state, |bencher, state| {
            bencher.iter(|| by_serde_json(black_box(state)));
        });
    }
}

fn decode(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let ours = || {
            let state = population::state(SEED, size);
            let ours = codec::encode(&state);
            assert_eq!(codec::decode(&ours).as_ref(), Ok(&state));
            ours
        };
        let plain = || {
            let state = population::state(SEED, size);
            let plain = by_serde_json(&state);
            assert_eq!(from_serde_json(&plain), state);
            plain
        };
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.prepared("decode", parameter, ours, |bencher, ours| {
            bencher.iter(|| codec::decode::<RunState>(black_box(ours)));
        });
        suite.prepared("serde_json_decode", parameter, plain, |bencher, plain| {
            bencher.iter(|| from_serde_json(black_box(plain)));
        });
    }
}

/// The state whose round trips are timed.
fn usual() -> RunState {
    population::state(SEED, Size::Usual)
}

fn round_trip(suite: &mut Suite<'_>) {
    suite.throughput(Throughput::Bytes(2 * Size::Usual.bytes() as u64));
    suite.prepared("round_trip", "100kb", usual, |bencher, state| {
        bencher.iter(|| {
            let bytes = codec::encode(black_box(&*state));
            codec::decode::<RunState>(black_box(&bytes))
        });
    });
    suite.prepared("serde_json_round_trip", "100kb", usual, |bencher, state| {
        bencher.iter(|| {
            let bytes = by_serde_json(black_box(state));
            from_serde_json(black_box(&bytes))
        });
    });
}

const BINARY: Format = Format {
    encoding: Encoding::Binary,
    compress_above: None,
};

const COMPRESSED: [(&str, Encoding); 2] = [
    ("binary_lz4_round_trip", Encoding::Binary),
    ("json_lz4_round_trip", Encoding::Json),
];

/// The binary format, which stores use.
fn binary(suite: &mut Suite<'_>) {
    for (parameter, size) in SIZES {
        let state = || population::state(SEED, size);
        let bytes = || {
            let state = state();
            let bytes = codec::encode_as(&state, BINARY);
            assert_eq!(codec::decode(&bytes).as_ref(), Ok(&state));
            bytes
        };
        suite.throughput(Throughput::Bytes(size.bytes() as u64));
        suite.prepared("binary_encode", parameter, state, |bencher, state| {
            bencher.iter(|| codec::encode_as(black_box(&*state), BINARY));
        });
        suite.prepared("binary_decode", parameter, bytes, |bencher, bytes| {
            bencher.iter(|| codec::decode::<RunState>(black_box(bytes)));
        });
    }
    suite.throughput(Throughput::Bytes(2 * Size::Usual.bytes() as u64));
    suite.prepared("binary_round_trip", "100kb", usual, |bencher, state| {
        bencher.iter(|| round_trip_as(state, BINARY));
    });
    for (case, encoding) in COMPRESSED {
        let format = Format {
            encoding,
            compress_above: Some(1_024),
        };
        let mut share = None;
        let set_up = || {
            let state = usual();
            let n_bytes = codec::encode_as(&state, format).len();
            share = Some(n_bytes as f64 / codec::encode(&state).len() as f64);
            state
        };
        suite.prepared(case, "100kb", set_up, |bencher, state| {
            bencher.iter(|| round_trip_as(state, format));
        });
        if let Some(share) = share {
            let name = format!("compressed_share/{}", case.trim_end_matches("_round_trip"));
            let text = "bytes of a state of 100 KB in this format against plain JSON";
            suite.figure(Figure::exact(&name, share, "ratio", text));
        }
    }
}

fn round_trip_as(state: &RunState, format: Format) -> Result<RunState, CodecError> {
    let bytes = codec::encode_as(black_box(state), format);
    codec::decode(black_box(&bytes))
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

/// A promise of bytes that follow the change: one event is at most 1 KB, however long the run.
fn delta_bytes(parameter: &str, delta: &Delta) -> Figure {
    assert_eq!(delta.events.len(), 1);
    let n_bytes = codec::encode(delta).len() as f64;
    let name = format!("delta_bytes/{parameter}");
    let text = "what a reader is sent who lacks one event of a run of this size";
    Figure::exact(&name, n_bytes, "bytes", text).bound(Bound::AtMost(1_024.0))
}

const RUN: &str = "run";

/// A store with one run, and the run's newest version.
fn stored(size: Size) -> (Memory, u64) {
    let store = Memory::new();
    let events = population::events(SEED, size);
    let changes = events.into_iter().map(|event| event.change).collect();
    let newest = block_on(async {
        store.create(RUN, &Origin::default(), UnixMillis(0)).await?;
        store.append(RUN, 0, UnixMillis(1), changes).await
    });
    (store, newest.expect("the events of a population fit"))
}

fn last_event(store: &Memory, newest: u64) -> Delta {
    block_on(store.since(RUN, newest - 1, usize::MAX)).expect("the run is there")
}

fn by_serde_json(state: &RunState) -> Vec<u8> {
    serde_json::to_vec(state).expect("a state is plain values")
}

fn from_serde_json(bytes: &[u8]) -> RunState {
    serde_json::from_slice(bytes).expect("it was written by serde_json")
}

suite_main!(encode, decode, round_trip, binary, delta);
