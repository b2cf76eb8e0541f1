//! How many instructions does each hot path take? Twins of the micro suites, counted by callgrind.
//!
//! Opt-in, because it needs valgrind and a runner: `scripts/instructions`, which is
//! `cargo bench --features instructions --bench instructions`; `scripts/setup-instructions` installs both.
//! A twin has the id of its case in the suite: group = suite, function = case, id = parameter.
//!
//! Counted: the body of each function. Not counted: what `setup` prepares, and other threads, so everything runs
//! on one thread, with fixed hash seeds. Counts are equal from run to run of one binary; between machines they
//! differ with the processor's features and the C library, and unrelated changes move them by up to half a percent.
//! Do not conclude that fewer instructions are faster: the suites measure that.

use std::path::Path;
use std::process::ExitCode;

use benches::counts::{self, Start};

/// Read by nobody: because it is named here, another value makes this target stale, and it is linked anew. A baseline's
/// band is learned from such links, whose functions stand in another order.
const _LAYOUT: Option<&str> = option_env!("PLIMSOLL_LAYOUT");

mod instructions {
    pub(crate) mod codec;
    pub(crate) mod fan_out;
    pub(crate) mod queue;
    pub(crate) mod quota;
    pub(crate) mod transition;
}

/// The library's own `main`, which runs the counts or one counted function.
mod harness {
    use super::instructions::{
        codec::codec, fan_out::fan_out, queue::queue, quota::quota, transition::transition,
    };

    iai_callgrind::main!(
        library_benchmark_groups = codec,
        fan_out,
        queue,
        quota,
        transition
    );

    pub(super) fn run() {
        main();
    }
}

fn main() -> ExitCode {
    match counts::start(Path::new(env!("CARGO_TARGET_TMPDIR"))) {
        Start::Count => {
            harness::run();
            ExitCode::SUCCESS
        }
        Start::End(code) => code,
    }
}
