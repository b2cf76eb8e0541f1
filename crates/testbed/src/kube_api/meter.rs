//! What the stand-in costs and how often it is asked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::request::Verb;

/// CPU time that threads spend inside the stand-in; off until switched on, because reading the clock costs.
#[derive(Debug, Default)]
pub(super) struct Meter {
    on: AtomicBool,
    busy_ns: AtomicU64,
    /// What one reading of the clock costs, measured when the meter is switched on.
    reading_ns: AtomicU64,
}

/// Counts from its making to its dropping, if the meter was on.
#[derive(Debug)]
pub(super) struct Running<'a> {
    meter: &'a Meter,
    since: Duration,
}

impl Meter {
    pub(super) fn switch(&self, on: bool) {
        const READINGS: u32 = 64;
        if on {
            let before = thread_cpu_time();
            for _ in 0..READINGS {
                std::hint::black_box(thread_cpu_time());
            }
            let reading = (thread_cpu_time() - before) / (READINGS + 1);
            self.reading_ns.store(nanos(reading), Ordering::Relaxed);
        }
        self.on.store(on, Ordering::Relaxed);
    }

    pub(super) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed))
    }

    pub(super) fn start(&self) -> Option<Running<'_>> {
        self.on.load(Ordering::Relaxed).then(|| Running {
            meter: self,
            since: thread_cpu_time(),
        })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Of the two readings one in all lies between the two instants; the other is the stand-in's cost too,
        // and would otherwise be taken for that of whoever asked.
        let reading = self.meter.reading_ns.load(Ordering::Relaxed);
        let spent = nanos(thread_cpu_time().saturating_sub(self.since)) + reading;
        self.meter.busy_ns.fetch_add(spent, Ordering::Relaxed);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The CPU clock of the calling thread.
fn thread_cpu_time() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a valid, writable timespec for the duration of the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) } != 0;
    if failed {
        return Duration::ZERO;
    }
    let whole = now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs();
    Duration::from_nanos(whole)
}

/// Requests of one resource, per verb, for the object itself and for its status.
#[derive(Debug, Default)]
pub(super) struct Counters([[AtomicU64; Verb::ALL.len()]; 2]);

impl Counters {
    pub(super) fn add(&self, verb: Verb, is_status: bool) {
        self.0[usize::from(is_status)][verb as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Adds what was counted to `counts`, under the resource's name.
    pub(super) fn collect(&self, resource: &str, counts: &mut Counts) {
        for (is_status, by_verb) in self.0.iter().enumerate() {
            for verb in Verb::ALL {
                let count = by_verb[verb as usize].load(Ordering::Relaxed);
                if count == 0 {
                    continue;
                }
                let name = if is_status == 1 {
                    format!("{resource}/status")
                } else {
                    resource.to_owned()
                };
                *counts.by_request.entry((verb, name)).or_default() += count;
            }
        }
    }
}

/// How many requests came, per verb and resource.
///
/// A resource is named by its plural (`queries`), its status by `queries/status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_request: BTreeMap<(Verb, String), u64>,
}

impl Counts {
    /// The requests of one verb on one resource.
    pub fn get(&self, verb: Verb, resource: &str) -> u64 {
        self.by_request
            .get(&(verb, resource.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.by_request.values().sum()
    }

    /// All requests that could change something.
    pub fn writes(&self) -> u64 {
        self.iter()
            .filter(|(verb, _, _)| verb.is_write())
            .map(|(_, _, count)| count)
            .sum()
    }

    /// Verb, resource and count, in that order.
    pub fn iter(&self) -> impl Iterator<Item = (Verb, &str, u64)> {
        self.by_request
            .iter()
            .map(|((verb, resource), count)| (*verb, resource.as_str(), *count))
    }

    /// What was counted since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let difference = |(key, count): (&(Verb, String), &u64)| {
            let before = earlier.by_request.get(key).copied().unwrap_or(0);
            (*count > before).then(|| (key.clone(), count - before))
        };
        Self {
            by_request: self.by_request.iter().filter_map(difference).collect(),
        }
    }
}
