//! Twins of the suite `codec`.

use benches::twins::codec::{self as twins, bytes, state};
use iai_callgrind::{library_benchmark, library_benchmark_group};
use run_state::error::CodecError;
use run_state::population::Size;
use run_state::run::RunState;

#[library_benchmark(setup = state)]
#[bench::_10kb(Size::Small)]
#[bench::_100kb(Size::Usual)]
#[bench::_1mb(Size::Large)]
fn encode(state: RunState) -> (RunState, Vec<u8>) {
    twins::encode(state)
}

#[library_benchmark(setup = bytes)]
#[bench::_10kb(Size::Small)]
#[bench::_100kb(Size::Usual)]
#[bench::_1mb(Size::Large)]
fn decode(bytes: Vec<u8>) -> (Vec<u8>, Result<RunState, CodecError>) {
    twins::decode(bytes)
}

library_benchmark_group!(name = codec; benchmarks = encode, decode);
