//! The threads that a generator runs on, whose name its health knows them by.

use std::io;
use std::num::NonZero;

use tokio::runtime::{Builder, Runtime};

use crate::health::system::THREADS;

/// A runtime for the generator alone, on half of the processors.
///
/// The other half is for whatever answers; a worker more would only wait for a processor itself.
///
/// # Errors
/// If the system has no threads to give.
pub fn of_generator() -> io::Result<Runtime> {
    let n_processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(n_processors.div_ceil(2))
        .thread_name(format!("{THREADS}worker"))
        .enable_all()
        .build()
}
