//! A busy neighbour: a thread that keeps another core, and the cache that cores share, from being idle.

use std::hint::black_box;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::cores::Cores;
use crate::error::Error;

/// Beyond the second cache of any core, so that the shared one is used.
const N_WORDS: usize = (8 << 20) / size_of::<u64>();

/// Words that are worked on before the neighbour looks up: less than a millisecond.
const N_AT_ONCE: usize = N_WORDS / 16;

/// No run takes longer; a neighbour that is forgotten ends.
const BOUND: Duration = Duration::from_secs(3_600);

/// The neighbour, until it is dropped.
pub(super) struct Busy {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Busy {
    /// Keeps busy whichever core the calling thread is not confined to.
    ///
    /// Rounds alternate between cores, and whoever measures them is confined to the core of the round. So the neighbour
    /// looks where that thread may run, and goes elsewhere.
    pub(super) fn beside_this_thread() -> Result<Self, Error> {
        let cores = Cores::allowed()?.numbers();
        if cores.len() < 2 {
            return Err(Error::Core(io::Error::other(
                "a busy neighbour needs a second core",
            )));
        }
        // SAFETY: a plain system call without arguments.
        let beside = unsafe { libc::gettid() };
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = thread::spawn(move || work(beside, &cores, &ends));
        Ok(Self {
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It cannot panic; if it did, it is over all the same.
            let _ = thread.join();
        }
    }
}

fn work(beside: libc::pid_t, cores: &[u32], is_over: &AtomicBool) {
    let began = Instant::now();
    let mut words = vec![1_u64; N_WORDS];
    let mut at = 0;
    while !is_over.load(Ordering::Relaxed) && began.elapsed() < BOUND {
        stay_away(beside, cores);
        for word in &mut words[at..at + N_AT_ONCE] {
            *word = black_box(word.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at as u64);
        }
        at = (at + N_AT_ONCE) % N_WORDS;
    }
}

fn stay_away(beside: libc::pid_t, cores: &[u32]) {
    let theirs = Cores::of_thread(beside).map(|cores| cores.numbers());
    let other = theirs.ok().and_then(|theirs| elsewhere(&theirs, cores));
    if let Some(other) = other {
        // Where it is refused, the neighbour stays where it is: busy all the same.
        let _ = Cores::only(other).confine();
    }
}

/// A core that they cannot be on; `None` between rounds, when they may be anywhere, and so may we.
fn elsewhere(theirs: &[u32], cores: &[u32]) -> Option<u32> {
    let [core] = theirs else { return None };
    cores.iter().copied().find(|other| other != core)
}

#[cfg(test)]
mod tests {
    use super::{Busy, elsewhere};
    use crate::cores::Cores;

    #[test]
    fn the_neighbour_keeps_to_the_core_that_is_not_measured_on() {
        assert_eq!(elsewhere(&[0], &[0, 1]), Some(1));
        assert_eq!(elsewhere(&[1], &[0, 1]), Some(0));
        assert_eq!(elsewhere(&[0, 1], &[0, 1]), None);
        assert_eq!(elsewhere(&[0], &[0]), None);
    }

    #[test]
    fn the_neighbour_needs_a_second_core_and_ends_when_it_is_dropped() {
        let n_cores = Cores::allowed().expect("asked").numbers().len();
        let busy = Busy::beside_this_thread();
        assert_eq!(busy.is_ok(), n_cores > 1);
        // Waits for the thread: a neighbour that does not end would hang here.
        drop(busy);
    }
}
