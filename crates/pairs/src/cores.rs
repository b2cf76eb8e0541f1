//! Which processor cores there are for us, and staying on one of them.

use std::io;
use std::mem;

use crate::error::Error;

/// A set of cores as the kernel takes it; made before a fork, so that the child need not allocate.
#[derive(Clone, Copy)]
pub(crate) struct Cores(libc::cpu_set_t);

impl Cores {
    /// The cores that the calling thread may run on.
    pub(crate) fn allowed() -> Result<Self, Error> {
        // 0 is the calling thread.
        Self::of_thread(0).map_err(Error::Core)
    }

    /// The cores that a thread of this process may run on.
    pub(crate) fn of_thread(thread: libc::pid_t) -> io::Result<Self> {
        let mut set = empty();
        // SAFETY: the pointer is to a live, writable set of the given size.
        let status = unsafe { libc::sched_getaffinity(thread, mem::size_of_val(&set), &mut set) };
        if status == 0 {
            Ok(Self(set))
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// One core alone.
    pub(crate) fn only(core: u32) -> Self {
        let mut set = empty();
        // SAFETY: `CPU_SET` writes inside the set, and leaves numbers beyond it out.
        unsafe { libc::CPU_SET(core as usize, &mut set) };
        Self(set)
    }

    /// The numbers of the cores, rising.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        let n_possible = u32::try_from(libc::CPU_SETSIZE).unwrap_or_default();
        // SAFETY: `CPU_ISSET` reads inside the set for numbers below its size.
        let is_in = |core: &u32| unsafe { libc::CPU_ISSET(*core as usize, &self.0) };
        (0..n_possible).filter(is_in).collect()
    }

    /// Confines the calling thread to these cores. Async-signal-safe: one system call.
    pub(crate) fn confine(&self) -> io::Result<()> {
        // SAFETY: the pointer is to a live set of the given size; 0 is the calling thread.
        let status = unsafe { libc::sched_setaffinity(0, mem::size_of_val(&self.0), &self.0) };
        if status == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

/// Keeps the calling thread on one core until dropped.
pub(crate) struct Confined {
    before: Cores,
}

impl Confined {
    pub(crate) fn to(core: u32) -> Result<Self, Error> {
        let before = Cores::allowed()?;
        Cores::only(core).confine().map_err(Error::Core)?;
        Ok(Self { before })
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        // It was allowed before, and if it is no longer, one core is still right.
        let _ = self.before.confine();
    }
}

fn empty() -> libc::cpu_set_t {
    // SAFETY: all-zero bytes are a valid set, the empty one.
    unsafe { mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::{Confined, Cores};

    #[test]
    fn a_thread_stays_on_its_core_until_it_is_let_go() {
        let before = Cores::allowed().expect("asked").numbers();
        let core = before[before.len() - 1];
        let confined = Confined::to(core).expect("one of ours");
        assert_eq!(Cores::allowed().expect("asked").numbers(), [core]);
        drop(confined);
        assert_eq!(Cores::allowed().expect("asked").numbers(), before);
    }
}
