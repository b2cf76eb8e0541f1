//! The harness of the bench suites: Criterion configured once, helpers that several suites need.
//!
//! One file beside this one is one suite, one `[[bench]]` entry, one Criterion group and one baseline file.
//! A suite is a file comment with its question, its cases, and [`suite_main!`]:
//!
//! ```ignore
//! //! How much does one hop cost?  In the timed part: …  Not in it: …  Do not conclude: …
//!
//! use benches::{Suite, suite_main};
//!
//! fn one_hop(suite: &mut Suite<'_>) {
//!     let input = prepare();
//!     assert_eq!(hop(&input), 1, "the answer is right before it is timed");
//!     suite.case("one_hop", "usual", |b| b.iter(|| hop(black_box(&input))));
//! }
//!
//! suite_main!(one_hop);
//! ```
//!
//! The ids of that file, `hops.rs`, begin with `hops/`: the group is the name of the target.
//! Left to others: judging (`results`), what is measured (the crates under `crates/`).

pub mod clock;
pub mod closing;
pub mod counting;
pub mod counts;
pub mod invocation;
pub mod ledger;
pub mod mode;
pub mod places;
pub mod profiler;
pub mod runtime;
pub mod site;
pub mod suite;
pub mod twins;

pub use suite::Suite;

/// The `main` of a suite: runs the given functions, each `fn(&mut Suite<'_>)`, in order.
///
/// The group's name is the target's name, so a file and its ids cannot drift apart.
#[macro_export]
macro_rules! suite_main {
    ($($cases:path),+ $(,)?) => {
        fn main() -> std::process::ExitCode {
            $crate::suite::run(
                env!("CARGO_CRATE_NAME"),
                std::path::Path::new(env!("CARGO_TARGET_TMPDIR")),
                &[$($cases),+],
            )
        }
    };
}
