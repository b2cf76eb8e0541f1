//! Twins of the suite `codec`: one state each, and giving memory back is not counted.

use std::hint::black_box;

use iai_callgrind::{library_benchmark, library_benchmark_group};
use run_state::error::CodecError;
use run_state::population::{self, Size};
use run_state::run::RunState;

const SEED: u64 = 1;

fn state(size: Size) -> RunState {
    population::state(SEED, size)
}

fn bytes(size: Size) -> Vec<u8> {
    run_state::codec::encode(&state(size))
}

// What goes in comes out again, so that dropping it is not counted.

#[library_benchmark(setup = state)]
#[bench::_10kb(Size::Small)]
#[bench::_100kb(Size::Usual)]
#[bench::_1mb(Size::Large)]
fn encode(state: RunState) -> (RunState, Vec<u8>) {
    let bytes = run_state::codec::encode(black_box(&state));
    (state, bytes)
}

#[library_benchmark(setup = bytes)]
#[bench::_10kb(Size::Small)]
#[bench::_100kb(Size::Usual)]
#[bench::_1mb(Size::Large)]
fn decode(bytes: Vec<u8>) -> (Vec<u8>, Result<RunState, CodecError>) {
    let state = run_state::codec::decode(black_box(&bytes));
    (bytes, state)
}

library_benchmark_group!(name = codec; benchmarks = encode, decode);
