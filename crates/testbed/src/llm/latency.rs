//! How long a stub takes to answer.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal};

/// The 99 % quantile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874;

/// A distribution of answering times.
///
/// A draw depends on the key of the request alone, so that a run is the same whatever the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Latency {
    /// At once.
    #[default]
    Zero,
    /// Always the same.
    Fixed(Duration),
    /// Any time between two, all equally likely.
    Uniform {
        /// No answer comes sooner.
        shortest: Duration,
        /// No answer takes longer; not below `shortest`.
        longest: Duration,
    },
    /// A heavy tail: half of the answers take longer than `median`, one in a hundred longer than `p99`.
    LogNormal {
        /// Half of the answers take longer.
        median: Duration,
        /// One in a hundred takes longer; not below `median`.
        p99: Duration,
        /// No answer takes longer than this.
        max: Duration,
    },
}

impl Latency {
    /// The time for the request with this key.
    pub fn draw(&self, key: u64) -> Duration {
        match *self {
            Self::Zero => Duration::ZERO,
            Self::Fixed(latency) => latency,
            Self::Uniform { shortest, longest } => {
                let share = f64::from(StdRng::seed_from_u64(key).next_u32()) / f64::from(u32::MAX);
                shortest + longest.saturating_sub(shortest).mul_f64(share)
            }
            Self::LogNormal { median, p99, max } => {
                let mu = median.as_secs_f64().max(f64::MIN_POSITIVE).ln();
                let sigma = (p99.as_secs_f64().max(f64::MIN_POSITIVE).ln() - mu).max(0.0) / Z_99;
                let seconds = LogNormal::new(mu, sigma)
                    .map(|normal| normal.sample(&mut StdRng::seed_from_u64(key)))
                    .unwrap_or(0.0);
                Duration::try_from_secs_f64(seconds).unwrap_or(max).min(max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_normal_has_the_quantiles_it_was_asked_for() {
        let latency = Latency::LogNormal {
            median: Duration::from_millis(100),
            p99: Duration::from_secs(1),
            max: Duration::from_secs(3600),
        };
        let mut draws: Vec<Duration> = (0..20_000).map(|key| latency.draw(key)).collect();
        draws.sort();
        let median = draws[10_000].as_secs_f64();
        let p99 = draws[19_800].as_secs_f64();
        assert!((0.095..0.105).contains(&median), "median {median}");
        assert!((0.9..1.1).contains(&p99), "p99 {p99}");
    }

    #[test]
    fn uniform_stays_between_its_ends_and_reaches_both() {
        let (shortest, longest) = (Duration::from_secs(5), Duration::from_secs(30));
        let latency = Latency::Uniform { shortest, longest };
        let draws: Vec<Duration> = (0..2_000).map(|key| latency.draw(key)).collect();
        assert!(draws.iter().all(|draw| (shortest..=longest).contains(draw)));
        let mean = draws.iter().sum::<Duration>().as_secs_f64() / 2_000.0;
        assert!((17.0..18.0).contains(&mean), "mean {mean}");
    }

    #[test]
    fn a_draw_depends_on_the_key_alone() {
        let latency = Latency::LogNormal {
            median: Duration::from_millis(10),
            p99: Duration::from_millis(50),
            max: Duration::from_millis(60),
        };
        assert_eq!(latency.draw(7), latency.draw(7));
        assert_ne!(latency.draw(7), latency.draw(8));
        assert!((0..1000).all(|key| latency.draw(key) <= Duration::from_millis(60)));
    }
}
