//! The paths of the suite `codec`: one state each, and giving memory back is not counted.

use std::hint::black_box;

use run_state::error::CodecError;
use run_state::population::{self, Size};
use run_state::run::RunState;

const SEED: u64 = 1;

/// A state of the given size.
pub fn state(size: Size) -> RunState {
    population::state(SEED, size)
}

/// The same, encoded.
pub fn bytes(size: Size) -> Vec<u8> {
    run_state::codec::encode(&state(size))
}

/// Encodes it.
pub fn encode(state: RunState) -> (RunState, Vec<u8>) {
    let bytes = run_state::codec::encode(black_box(&state));
    (state, bytes)
}

/// Decodes it.
pub fn decode(bytes: Vec<u8>) -> (Vec<u8>, Result<RunState, CodecError>) {
    let state = run_state::codec::decode(black_box(&bytes));
    (bytes, state)
}
