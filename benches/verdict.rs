//! Did the last change make a case slower?  The closing table of `cargo bench`.
//!
//! No suite: Cargo runs bench targets in the order of their names, and this one comes last. It shows the rows of
//! the suites that ran in the same invocation. Alone (`cargo bench --bench verdict`) it shows whatever is stored.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    benches::closing::run(Path::new(env!("CARGO_TARGET_TMPDIR")))
}
