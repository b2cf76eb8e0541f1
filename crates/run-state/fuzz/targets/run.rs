//! Bytes for the decoder `run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("run", bytes);
});
