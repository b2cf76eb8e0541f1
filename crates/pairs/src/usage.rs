//! What the kernel counted for the calling thread so far.

use std::time::Duration;

/// Readings of the kernel's counters; only differences of two mean something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// CPU time of the calling thread.
    pub(crate) thread: Duration,
    /// CPU time of the whole process.
    pub(crate) process: Duration,
    /// How often the kernel took the core away from the calling thread.
    pub(crate) n_involuntary_switches: i64,
    /// Page faults of the calling thread, minor and major.
    pub(crate) n_page_faults: i64,
}

impl Usage {
    /// Reads all counters: three system calls, so not inside a sample.
    pub(crate) fn now() -> Self {
        // SAFETY: all-zero bytes are a valid `rusage`, which is made of integers alone.
        let mut counts: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a live, writable `rusage`, and the call keeps no reference to it.
        // It fails only for an unknown target or a bad pointer; the counts then stay zero.
        unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut counts) };
        Self {
            thread: thread_cpu(),
            process: cpu(libc::CLOCK_PROCESS_CPUTIME_ID),
            n_involuntary_switches: counts.ru_nivcsw,
            n_page_faults: counts.ru_minflt + counts.ru_majflt,
        }
    }
}

/// CPU time of the calling thread.
pub(crate) fn thread_cpu() -> Duration {
    cpu(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn cpu(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live, writable `timespec`, and the call keeps no reference to it.
    // It fails only for a clock that the kernel lacks, and Linux has both; the time then stays zero.
    unsafe { libc::clock_gettime(clock, &mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn work_of_this_thread_counts_for_the_process_too() {
        let before = Usage::now();
        let mut sum = 0_u64;
        let mut now = Usage::now();
        while now.thread == before.thread {
            sum = std::hint::black_box(sum.wrapping_add(1));
            now = Usage::now();
        }
        assert!(now.process > before.process);
    }
}
