//! What this process uses while a run goes on. In process that is the system under test with all around it.

use std::time::Duration;

use crate::health::system;

/// One look at this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// From the begin of the run.
    pub at: Duration,
    /// Resident memory.
    pub resident_bytes: u64,
    /// CPU time since the process began.
    pub cpu: Duration,
    /// Open file descriptors.
    pub n_files: u64,
    /// Threads.
    pub n_threads: u64,
    /// Operations that were open.
    pub in_flight: u64,
}

impl Usage {
    /// Looks.
    pub(crate) fn now(at: Duration, in_flight: u64) -> Self {
        let (n_files, n_threads) = system::handles();
        Self {
            at,
            resident_bytes: system::resident_bytes(),
            cpu: system::process_cpu(),
            n_files,
            n_threads,
            in_flight,
        }
    }
}
