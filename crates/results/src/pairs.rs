//! Pair mode: base and candidate measured side by side, in turns, and judged without a baseline.
//!
//! [`sample`] is what the measuring side leaves behind.

pub mod sample;
