//! Bytes for the decoder `event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("event", bytes);
});
