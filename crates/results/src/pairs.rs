//! Pair mode: base and candidate measured side by side, in turns, and judged without a baseline.
//!
//! [`sample`] is what the measuring side leaves behind; [`test`] holds one case's rounds against each other; [`level`]
//! shares one false-alarm budget among all cases.

pub mod level;
pub mod sample;
pub mod test;
