//! Bytes for the decoder `delta`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("delta", bytes);
});
