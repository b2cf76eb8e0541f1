//! Places for stores on disk, each new, all gone with the value; and a runtime for those that need one.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use run_state::StoreError;
use run_state::store::files::Files;

pub(crate) struct Places {
    folder: tempfile::TempDir,
    n_given: Cell<usize>,
}

impl Places {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for temporary files"),
            n_given: Cell::new(0),
        }
    }

    /// A path at which there is nothing yet.
    pub(crate) fn next(&self) -> PathBuf {
        self.n_given.set(self.n_given.get() + 1);
        self.folder.path().join(format!("{}", self.n_given.get()))
    }
}

/// Another test that starts a process just now may have our lock in its hands for a moment.
pub(crate) fn open_files(place: &Path) -> Files {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match Files::open(place) {
            Err(StoreError::InUse { .. }) if Instant::now() < until => std::thread::yield_now(),
            opened => return opened.expect("a folder"),
        }
    }
}

/// Waits for a store's answer, from any thread.
pub(crate) fn block_on<F: Future>(answer: F) -> F::Output {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Runtime::new().expect("threads can be started"));
    RUNTIME.block_on(answer)
}

#[cfg(any(feature = "postgres", feature = "redis"))]
/// The URL of a service in a variable, or a word about why the test does nothing.
pub(crate) fn url(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        skipped(variable);
    }
    url
}

#[cfg(any(feature = "postgres", feature = "redis"))]
#[expect(clippy::print_stderr, reason = "a test that does nothing must say so")]
fn skipped(variable: &str) {
    let mend = "run it by scripts/services";
    assert!(
        std::env::var_os("CI").is_none(),
        "{variable} is not set: {mend}"
    );
    eprintln!("skipped: {variable} is not set, {mend}");
}
