//! Paths of the micro suites as plain functions, for those who count instead of measuring time: instructions
//! (`instructions.rs`) and allocations (`allocations.rs`).
//!
//! What goes in comes out again, so that dropping it is not counted; small work is repeated inside; everything runs on
//! the current thread and with fixed hash seeds.

pub mod codec;
pub mod fan_out;
pub mod queue;
pub mod quota;
pub mod transition;
