//! Exponential back-off per key.

use std::time::Duration;

/// How long a key waits after its n-th failure in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure; doubled with each further one.
    pub base: Duration,
    /// Never longer than this.
    pub max: Duration,
}

impl Default for Backoff {
    /// 100 ms to 30 s, the figures of the capacity document.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(100),
            max: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The delay after `n_failures` in a row; none after none.
    pub fn delay(&self, n_failures: u32) -> Duration {
        let Some(n_doublings) = n_failures.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 1u32.checked_shl(n_doublings).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_from_the_base_to_the_bound_and_stays_there() {
        let backoff = Backoff::default();
        let seconds = |n_failures| backoff.delay(n_failures).as_secs_f64();
        assert_eq!(seconds(0), 0.0);
        assert_eq!(seconds(1), 0.1);
        assert_eq!(seconds(2), 0.2);
        assert_eq!(seconds(9), 25.6);
        assert_eq!(seconds(10), 30.0);
        assert_eq!(seconds(u32::MAX), 30.0);
    }
}
