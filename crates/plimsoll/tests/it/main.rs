//! The binary itself, on folders of results: what it says, what it leaves alone, and with which code it ends.
#![expect(
    clippy::print_stdout,
    reason = "a test that is skipped says so, with what it lacks"
)]

mod ab;
mod compare;
mod counts;
mod explain;
mod flame;
mod project;
mod record;
mod report;
mod sandbox;
mod selfcheck;
mod usage;
