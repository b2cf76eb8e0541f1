//! Bytes for the decoder `head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("head", bytes);
});
