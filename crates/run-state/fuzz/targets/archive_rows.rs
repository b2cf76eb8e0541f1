//! Bytes for the decoder `archive_rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    run_state::decoders::check("archive_rows", bytes);
});
