//! Precise starts: a thread of its own that sleeps to absolute deadlines.
//!
//! A tokio timer has a resolution of a millisecond and waits for its worker; the kernel's sleep of a thread is good to
//! some ten microseconds. Starts that follow each other more closely than [`SHORTEST_REST`] are handed over together.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// The thread's name, as the system shows it; generator threads all begin with this word.
const THREAD: &str = "load-pacer";

/// The longest sleep: how long a stop may take to be noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// The shortest time between two wakings, by which a start may be late.
///
/// Every waking wakes a worker, too, and on a virtual processor both cost more than the start itself: at 10,000 starts
/// per second with a waking each, the generator used up 0.8 processors, three quarters of it in the kernel, and waited
/// for a processor so often that it was late by 3 to 13 ms at the 99th percentile.
const SHORTEST_REST: Duration = Duration::from_micros(500);

/// Calls `launch` with the number of each deadline when it is due, on a thread of its own, until all are or `stop`.
///
/// `launch` is dropped after the last. The thread stays until `stop`: what the kernel counted of it goes when it goes, and
/// the generator's health would lack it.
///
/// Deadlines are counted from `begin` and in order. `launch` must be quick: the next start waits for it.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn follow(
    begin: Instant,
    deadlines: Vec<Duration>,
    stop: CancellationToken,
    mut launch: impl FnMut(usize) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let pace = move || {
        wake_precisely();
        let mut rested = begin;
        for (number, deadline) in deadlines.into_iter().enumerate() {
            let due = begin + deadline;
            while due > Instant::now() && !stop.is_cancelled() {
                let left = due.max(rested).saturating_duration_since(Instant::now());
                sleep(left.min(LONGEST_SLEEP));
                rested = Instant::now() + SHORTEST_REST;
            }
            if stop.is_cancelled() {
                return;
            }
            launch(number);
        }
        drop(launch);
        while !stop.is_cancelled() {
            sleep(LONGEST_SLEEP);
        }
    };
    std::thread::Builder::new()
        .name(THREAD.to_owned())
        .spawn(pace)
}

/// The kernel lets sleeps of ordinary threads run over by 50 µs, to save wakings.
fn wake_precisely() {
    const SLACK_NS: libc::c_ulong = 1;
    // SAFETY: it changes a number of the calling thread and takes no pointer.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, SLACK_NS);
    }
}

/// Sleeps to a deadline of the monotonic clock, so that an interruption does not lengthen it.
fn sleep(length: Duration) {
    let mut until = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both calls get a valid timespec, and write to nothing else.
    unsafe {
        if libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut until) != 0 {
            return;
        }
        let nanos = i64::from(length.subsec_nanos()) + until.tv_nsec;
        until.tv_sec += i64::try_from(length.as_secs()).unwrap_or(0) + nanos / 1_000_000_000;
        until.tv_nsec = nanos % 1_000_000_000;
        let absolute = libc::TIMER_ABSTIME;
        let nowhere = std::ptr::null_mut();
        libc::clock_nanosleep(libc::CLOCK_MONOTONIC, absolute, &raw const until, nowhere);
    }
}
