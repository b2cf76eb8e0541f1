//! Bytes for the decoder `taskforce`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("taskforce", bytes);
});
