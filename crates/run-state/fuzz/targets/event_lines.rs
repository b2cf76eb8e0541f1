//! Bytes for the decoder `event_lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("event_lines", bytes);
});
