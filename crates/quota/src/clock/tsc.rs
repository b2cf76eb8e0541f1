//! The default clock: the time stamp counter where it is sound, the standard clock elsewhere.
//!
//! Sound means: the processor says that the counter ticks evenly, and the kernel has chosen it
//! as its own clock source, which it gives up when the counters of two cores disagree.
//! The first tenth of a second of a process runs on the standard clock; by then two readings of
//! both clocks, far enough apart, give the counter's frequency to about a millionth.

use std::sync::OnceLock;
use std::time::Instant;

use super::Clock;
use crate::gcra::Nanos;

/// The process's fast monotonic clock; all copies share one origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastClock;

impl Clock for FastClock {
    #[inline]
    fn now(&self) -> Nanos {
        match SCALE.get() {
            Some(Some(scale)) => scale.nanos(counter()),
            _ => standard_now(),
        }
    }
}

/// How to turn the counter into nanoseconds; `None` once it is known not to be sound.
static SCALE: OnceLock<Option<Scale>> = OnceLock::new();

/// When this process first asked for the time, by both clocks.
static ORIGIN: OnceLock<(Instant, Pair)> = OnceLock::new();

/// Time between the two readings that give the counter's frequency.
const CALIBRATION_NS: u64 = 100_000_000;

/// A pair of readings that took longer than this was interrupted in between, and is not used.
const WIDEST_PAIR_TICKS: u64 = 2_000;

/// One reading of both clocks at (nearly) the same time.
#[derive(Clone, Copy, Debug)]
struct Pair {
    ticks: u64,
    ns: Nanos,
    width_ticks: u64,
}

#[derive(Clone, Copy, Debug)]
struct Scale {
    base: Pair,
    /// Nanoseconds per tick as a fixed-point number with 32 binary places.
    ns_per_tick: u64,
}

impl Scale {
    fn between(first: Pair, second: Pair) -> Option<Self> {
        let ticks = second.ticks.checked_sub(first.ticks)?;
        let ns = second.ns.checked_sub(first.ns)?;
        let ns_per_tick = (u128::from(ns) << 32).checked_div(u128::from(ticks))?;
        Some(Self {
            base: second,
            ns_per_tick: u64::try_from(ns_per_tick).ok()?,
        })
    }

    #[inline]
    fn nanos(&self, ticks: u64) -> Nanos {
        let ticks = ticks.saturating_sub(self.base.ticks);
        let ns = (u128::from(ticks) * u128::from(self.ns_per_tick)) >> 32;
        self.base.ns + ns as u64
    }
}

/// The standard clock's time, and on the way the attempt to do without it next time.
#[cold]
#[inline(never)]
fn standard_now() -> Nanos {
    let (origin, first) = ORIGIN.get_or_init(|| {
        let origin = Instant::now();
        (origin, read_both(origin))
    });
    let now = nanos_since(*origin);
    if SCALE.get().is_some() || now < CALIBRATION_NS {
        return now;
    }
    if !counter_is_sound() || first.width_ticks > WIDEST_PAIR_TICKS {
        // A racing thread comes to the same answer.
        let _ = SCALE.set(None);
        return now;
    }
    let second = read_both(*origin);
    if second.width_ticks <= WIDEST_PAIR_TICKS {
        let _ = SCALE.set(Scale::between(*first, second));
    }
    now
}

/// The narrowest of a few readings of the standard clock between two readings of the counter.
fn read_both(origin: Instant) -> Pair {
    let read = || {
        let before = counter();
        let ns = nanos_since(origin);
        let after = counter();
        let width_ticks = after.saturating_sub(before);
        Pair {
            ticks: before + width_ticks / 2,
            ns,
            width_ticks,
        }
    };
    let mut narrowest = read();
    for _ in 0..15 {
        let pair = read();
        if pair.width_ticks < narrowest.width_ticks {
            narrowest = pair;
        }
    }
    narrowest
}

fn nanos_since(origin: Instant) -> Nanos {
    // 584 years of nanoseconds fit.
    origin.elapsed().as_nanos() as u64
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn counter() -> u64 {
    // SAFETY: reading the counter has no precondition on x86-64 and touches no memory.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(target_arch = "x86_64")]
fn counter_is_sound() -> bool {
    const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let kernel_trusts_it = std::fs::read_to_string(SOURCE).is_ok_and(|name| name.trim() == "tsc");
    kernel_trusts_it && processor_ticks_evenly()
}

/// The "invariant TSC" bit.
#[cfg(target_arch = "x86_64")]
fn processor_ticks_evenly() -> bool {
    const HIGHEST_LEAF: u32 = 0x8000_0000;
    const POWER_LEAF: u32 = 0x8000_0007;
    const INVARIANT_TSC: u32 = 1 << 8;
    core::arch::x86_64::__cpuid(HIGHEST_LEAF).eax >= POWER_LEAF
        && core::arch::x86_64::__cpuid(POWER_LEAF).edx & INVARIANT_TSC != 0
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn counter() -> u64 {
    0
}

#[cfg(not(target_arch = "x86_64"))]
fn counter_is_sound() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(ticks: u64, ns: Nanos) -> Pair {
        Pair {
            ticks,
            ns,
            width_ticks: 50,
        }
    }

    #[test]
    fn ticks_become_nanoseconds_at_the_measured_frequency() {
        // 2.3 GHz over a tenth of a second.
        let scale = Scale::between(pair(1_000, 500), pair(230_001_000, 100_000_500))
            .expect("both clocks moved");
        assert_eq!(scale.nanos(230_001_000), 100_000_500);
        let second = scale.nanos(230_001_000 + 2_300_000_000) - 100_000_500;
        assert!(second.abs_diff(1_000_000_000) < 10, "{second}");
        let year_ticks = 2_300_000_000 * 86_400 * 365;
        let year = scale.nanos(230_001_000 + year_ticks) - 100_000_500;
        let expected = 1_000_000_000 * 86_400 * 365;
        assert!(year.abs_diff(expected) < expected / 100_000_000, "{year}");
    }

    #[test]
    fn a_counter_that_stepped_back_reads_as_the_base() {
        let scale = Scale::between(pair(0, 0), pair(1_000, 1_000)).expect("both clocks moved");
        assert_eq!(scale.nanos(10), 1_000);
    }

    #[test]
    fn a_counter_that_stands_gives_no_scale() {
        assert!(Scale::between(pair(5, 0), pair(5, 100)).is_none());
        assert!(Scale::between(pair(6, 0), pair(5, 100)).is_none());
    }

    #[test]
    fn the_clock_keeps_pace_with_the_standard_one_across_calibration() {
        let clock = FastClock;
        let started = Instant::now();
        let first = clock.now();
        let mut previous = first;
        while started.elapsed().as_nanos() < u128::from(CALIBRATION_NS) * 3 / 2 {
            let now = clock.now();
            // Pairs are read to within a microsecond; a step back of more would be a fault.
            assert!(now + 2_000 > previous, "{previous} then {now}");
            previous = now;
        }
        let by_standard = nanos_since(started);
        let by_ours = clock.now() - first;
        // Loose, for a thread may lose its core between the two readings above.
        assert!(
            by_ours.abs_diff(by_standard) < by_standard / 5,
            "{by_ours} against {by_standard}"
        );
    }
}
