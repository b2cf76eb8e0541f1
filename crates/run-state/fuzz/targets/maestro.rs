//! Bytes for the decoder `maestro`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("maestro", bytes);
});
