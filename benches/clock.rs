//! The CPU clock of the calling thread.
//!
//! On a current-thread runtime it counts our own work alone: the stubs have threads of their own,
//! and time that other processes took from us is not in it.

use std::time::Duration;

/// CPU time that the calling thread has used since it started.
pub fn cpu_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live, writable `timespec`, and the call keeps no reference to it.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "every kernel we run on has a thread CPU clock");
    let seconds = u64::try_from(time.tv_sec).expect("CPU time is never negative");
    let nanos = u32::try_from(time.tv_nsec).expect("the kernel keeps nanoseconds below one second");
    Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::cpu_time;

    #[test]
    fn work_moves_the_clock_forward() {
        let before = cpu_time();
        let mut sum = 0_u64;
        while cpu_time() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(cpu_time() > before);
    }
}
