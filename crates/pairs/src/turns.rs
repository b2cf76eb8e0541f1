//! The bench side: a Criterion measurement that takes turns with another process, if a referee asks for it.
//!
//! Two lines make the suites of any project ready:
//!
//! ```ignore
//! use pairs::turns::Criterion;                       // in place of criterion::Criterion
//! criterion_group! { name = all; config = pairs::turns::criterion(); targets = sorting, parsing }
//! ```
//!
//! The same goes for `Bencher` and `BenchmarkGroup` where a suite names them. Run by anything but the driver of pair mode, it is plain wall time.
//!
//! A turn is everything between two samples, not the timed part alone. Criterion asks a measurement for `zero` before
//! a case warms up and for `to_f64` after each sample, whichever way the routine iterates, in batches, async, or
//! timing itself. So the turn is waited for in the first `zero`, and passed on and waited for again in each `to_f64`:
//! set-up, warm-up and sample run undisturbed, and no waiting is ever inside a sample.

use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

#[cfg(target_os = "linux")]
mod line;

/// Criterion with [`Turns`], for the signatures of suites.
pub type Criterion<M = Turns> = criterion::Criterion<M>;

/// Criterion's group with [`Turns`].
pub type BenchmarkGroup<'a, M = Turns> = criterion::BenchmarkGroup<'a, M>;

/// Criterion's bencher with [`Turns`].
pub type Bencher<'a, M = Turns> = criterion::Bencher<'a, M>;

/// Criterion's default configuration with [`Turns`] in place of wall time.
pub fn criterion() -> Criterion {
    criterion::Criterion::default().with_measurement(Turns::of_this_process())
}

/// Wall time, taken in turns if this process has a referee.
#[derive(Debug, Clone, Copy)]
pub struct Turns {
    #[cfg(target_os = "linux")]
    line: Option<&'static line::Line>,
}

/// The clocks at the beginning of a timed part.
#[derive(Debug, Clone, Copy)]
pub struct Began {
    /// Thread CPU time; unset without a referee, who alone wants it.
    cpu: Option<Duration>,
    wall: Instant,
}

impl Turns {
    /// Looks for a referee, and says hello to it.
    pub fn of_this_process() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            line: line::Line::of_this_process(),
        }
    }

    /// Whether a referee gives the turns, so that results and tables are its business.
    pub fn have_referee(&self) -> bool {
        #[cfg(target_os = "linux")]
        return self.line.is_some();
        #[cfg(not(target_os = "linux"))]
        false
    }
}

impl Measurement for Turns {
    type Intermediate = Began;
    type Value = Duration;

    fn start(&self) -> Began {
        #[cfg(target_os = "linux")]
        let cpu = self.line.map(|_| crate::usage::thread_cpu());
        #[cfg(not(target_os = "linux"))]
        let cpu = None;
        // Last, so that the reading before it is not in the sample.
        let wall = Instant::now();
        Began { cpu, wall }
    }

    fn end(&self, began: Began) -> Duration {
        let wall = began.wall.elapsed();
        #[cfg(target_os = "linux")]
        if let (Some(line), Some(cpu)) = (self.line, began.cpu) {
            line.timed(crate::usage::thread_cpu().saturating_sub(cpu));
        }
        wall
    }

    fn add(&self, left: &Duration, right: &Duration) -> Duration {
        *left + *right
    }

    fn zero(&self) -> Duration {
        #[cfg(target_os = "linux")]
        if let Some(line) = self.line {
            line.wait_for_first_turn();
        }
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        let value_ns = value.as_nanos() as f64;
        #[cfg(target_os = "linux")]
        if let Some(line) = self.line {
            line.pass_turn(value_ns);
        }
        value_ns
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use criterion::measurement::Measurement as _;

    #[test]
    fn without_a_referee_it_is_wall_time() {
        let turns = Turns::of_this_process();
        assert!(!turns.have_referee());
        let began = turns.start();
        assert_eq!(began.cpu, None);
        let took = turns.end(began);
        let twice = turns.add(&took, &took);
        assert_eq!(turns.to_f64(&twice), 2.0 * turns.to_f64(&took));
        assert_eq!(turns.to_f64(&turns.zero()), 0.0);
    }
}
