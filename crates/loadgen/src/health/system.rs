//! What the kernel counts of us: CPU time, waiting for a processor, throttling, steal.

use std::fs;
use std::time::Duration;

/// The names of the generator's threads begin so.
pub(crate) const THREADS: &str = "load-";

/// Counters that only grow; the difference of two readings is what happened between them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// CPU time of the generator's threads.
    pub(super) cpu: Duration,
    /// How long they were ready and had no processor.
    pub(super) waiting: Duration,
    /// How long the cgroup was throttled.
    pub(super) throttled: Duration,
    /// Ticks of the machine that the hypervisor gave to others.
    pub(super) stolen_ticks: u64,
    /// All ticks of the machine.
    pub(super) ticks: u64,
}

impl Counters {
    /// Reads them all; what the kernel does not show stays zero.
    pub(crate) fn read() -> Self {
        let (cpu, waiting) = threads();
        let (stolen_ticks, ticks) = ticks();
        Self {
            cpu,
            waiting,
            throttled: throttled(),
            stolen_ticks,
            ticks,
        }
    }
}

/// How many processors we may use.
pub(super) fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}

/// CPU time of the generator's threads, and how long they waited for a processor.
fn threads() -> (Duration, Duration) {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let mut sums = (0, 0);
    for task in tasks {
        let path = task.path();
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if !name.starts_with(THREADS) {
            continue;
        }
        let schedstat = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        let mut numbers = schedstat
            .split_whitespace()
            .map(|number| number.parse().unwrap_or(0));
        sums.0 += numbers.next().unwrap_or(0);
        sums.1 += numbers.next().unwrap_or(0);
    }
    (Duration::from_nanos(sums.0), Duration::from_nanos(sums.1))
}

/// The stolen ticks and all ticks of the machine.
fn ticks() -> (u64, u64) {
    const STEAL: usize = 7;
    /// Later fields are part of earlier ones.
    const FIELDS: usize = 8;
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let numbers = first.split_whitespace().skip(1).take(FIELDS);
    let numbers: Vec<u64> = numbers.map(|number| number.parse().unwrap_or(0)).collect();
    (
        numbers.get(STEAL).copied().unwrap_or(0),
        numbers.iter().sum(),
    )
}

/// How long our cgroup, or that of our container, was throttled.
fn throttled() -> Duration {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = own.lines().find_map(|line| line.strip_prefix("0::"));
    let path = path.unwrap_or("/").trim_start_matches('/');
    let stat = fs::read_to_string(format!("/sys/fs/cgroup/{path}/cpu.stat")).unwrap_or_default();
    let line = stat
        .lines()
        .find_map(|line| line.strip_prefix("throttled_usec "));
    Duration::from_micros(line.and_then(|number| number.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_a_thread_with_our_name_grow_with_its_work() {
        let name = format!("{THREADS}test");
        let (done_tx, done_rx) = std::sync::mpsc::sync_channel::<()>(0);
        let (ready_tx, ready_rx) = std::sync::mpsc::sync_channel::<()>(0);
        let work = move || {
            let sum: u64 = (0..20_000_000_u64).map(std::hint::black_box).sum();
            std::hint::black_box(sum);
            ready_tx.send(()).expect("the test waits");
            done_rx.recv().ok();
        };
        let before = Counters::read();
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(work)
            .expect("a thread");
        ready_rx.recv().expect("the thread works");
        let after = Counters::read();
        drop(done_tx);
        thread.join().expect("the thread ends");
        assert!(after.cpu > before.cpu);
        assert!(after.ticks >= before.ticks);
    }

    #[test]
    fn we_have_processors() {
        assert!(processors() >= 1.0);
    }
}
