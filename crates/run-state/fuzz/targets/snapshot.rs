//! Bytes for the decoder `snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("snapshot", bytes);
});
