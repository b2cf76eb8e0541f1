//! What the tool's own verdicts are worth: repetitions with a known truth, tallied.
//!
//! [`slowdowns`] says which cases a path that was made slower goes through, [`repetition`] keeps what one run said of
//! them, [`rule`] says what Criterion would have said of the same samples, and [`tally`] counts both, with exact
//! intervals, against what is promised; [`check`] is that with the machine and the settings. All but the reading is pure; who measures is `pairs::selfcheck`.

pub mod check;
pub mod promise;
pub mod repetition;
pub mod rule;
pub mod slowdowns;
pub mod tally;

#[cfg(test)]
mod tests;
