//! How long a stub takes to answer.

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal};

use crate::hash::{mix, unit};

/// The 99 % quantile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874;

/// A distribution of answering times.
///
/// A draw depends on the key of the request alone, so that a run is the same whatever the order of arrival.
#[derive(Debug, Clone, PartialEq, Default)]
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
    /// As measured somewhere: any time between the least and the greatest of these, as likely as among them.
    Empirical(Quantiles),
}

/// Times in ascending order, at least one; draws fall between neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantiles(Arc<[Duration]>);

impl Quantiles {
    /// The quantiles of these times, in any order; `None` if there are none.
    pub fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        (!times.is_empty()).then(|| Self(times.into()))
    }

    /// The time below which this share (0 to 1) of the others lies, straight between neighbours.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into times that fit into memory"
    )]
    pub fn at(&self, share: f64) -> Duration {
        let place = share.clamp(0.0, 1.0) * (self.0.len() - 1) as f64;
        let below = self.0[place as usize];
        let above = self.0.get(place as usize + 1).copied().unwrap_or(below);
        below + (above - below).mul_f64(place.fract())
    }
}

impl Latency {
    /// Whether it is none, whatever the key.
    pub(crate) fn is_zero(&self) -> bool {
        *self == Self::Zero
    }

    /// The time for the request with this key.
    pub fn draw(&self, key: u64) -> Duration {
        match self {
            Self::Zero => Duration::ZERO,
            Self::Fixed(latency) => *latency,
            Self::Uniform { shortest, longest } => {
                let spread = longest.saturating_sub(*shortest);
                *shortest + spread.mul_f64(unit(mix(key)))
            }
            Self::Empirical(quantiles) => quantiles.at(unit(mix(key))),
            Self::LogNormal { median, p99, max } => {
                let mu = median.as_secs_f64().max(f64::MIN_POSITIVE).ln();
                let sigma = (p99.as_secs_f64().max(f64::MIN_POSITIVE).ln() - mu).max(0.0) / Z_99;
                let seconds = LogNormal::new(mu, sigma)
                    .map(|normal| normal.sample(&mut StdRng::seed_from_u64(key)))
                    .unwrap_or(0.0);
                Duration::try_from_secs_f64(seconds)
                    .unwrap_or(*max)
                    .min(*max)
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

    #[test]
    fn empirical_times_have_the_quantiles_that_were_measured() {
        let millis = |n| Duration::from_millis(n);
        let quantiles = Quantiles::of(vec![millis(30), millis(10), millis(20)]).unwrap();
        for (share, expected) in [(0.0, 10), (0.25, 15), (0.5, 20), (1.0, 30)] {
            assert_eq!(quantiles.at(share), millis(expected), "{share}");
        }
        assert_eq!(Quantiles::of(Vec::new()), None);
        let latency = Latency::Empirical(quantiles);
        let mut draws: Vec<Duration> = (0..2_000).map(|key| latency.draw(key)).collect();
        draws.sort_unstable();
        let median = draws[1_000];
        assert!((millis(19)..millis(21)).contains(&median), "{median:?}");
    }
}
