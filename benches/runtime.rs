//! The runtimes that suites run on.
//!
//! One runtime per group of cases, and one client per runtime: a pooled connection is driven by the runtime
//! that opened it, so a client that crosses to another runtime hangs for ever.

use tokio::runtime::{Builder, Runtime};

/// The canonical flavour: one thread, so that [`crate::clock::cpu_time`] sees all of our work.
pub fn current_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a current-thread runtime needs no resources beyond an epoll descriptor")
}
