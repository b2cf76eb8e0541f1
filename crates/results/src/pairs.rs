//! Pair mode: base and candidate measured side by side, in turns, and judged without a baseline.
//!
//! [`sample`] is what the measuring side leaves behind. [`mod@test`] asks whether one case's rounds lean to a side, [`level`]
//! shares one false-alarm budget among all cases, [`control`] asks whether the machine lets the test be believed,
//! [`cross`] holds times
//! against instruction counts, [`judge`] makes verdicts of it all, and [`comparison`] is what reports show. All but the
//! reading is pure.

pub mod comparison;
pub mod control;
pub mod counts;
pub mod cross;
pub mod judge;
pub mod level;
pub mod power;
pub mod sample;
pub mod test;

#[cfg(test)]
pub(crate) mod simulation;
#[cfg(test)]
pub(crate) mod synthetic;
