//! Ctrl-C as a flag, so that children and worktrees are cleared away before we go.

use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT and SIGTERM only raise the flag of [`stopped`]; a second one ends the process at once.
pub fn listen() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let handler = raise as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: the handler does nothing but an atomic store and a call of `signal`, both async-signal-safe.
        unsafe { libc::signal(signal, handler) };
    }
}

/// Whether the user wants us to end.
pub fn stopped() -> bool {
    STOPPED.load(Ordering::Relaxed)
}

extern "C" fn raise(signal: libc::c_int) {
    STOPPED.store(true, Ordering::Relaxed);
    // SAFETY: restoring the default action is async-signal-safe.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
