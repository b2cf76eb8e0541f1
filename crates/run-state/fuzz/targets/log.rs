//! Bytes for the decoder `log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("log", bytes);
});
