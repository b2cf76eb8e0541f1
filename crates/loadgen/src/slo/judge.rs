//! Judging: what a run's evidence says of a promise, always with an interval.
//!
//! ```text
//!                 bound
//!  ├──────●──────┤  │                 met: the whole interval keeps it
//!            ├──────┼●──────┤         inconclusive: the bound lies within
//!                   │   ├────●─────┤  missed: the whole interval breaks it
//! ```
//!
//! A quantile has its interval by rank, which assumes nothing about the shape of the latencies; a sample that never
//! came (timed out, lost) counts as above any bound. A ratio has Wilson's. Neighbours that share a fate are fewer
//! samples than they look, so both divide the sample by its [`clumping`].

use std::fmt::{self, Display, Formatter};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::slo::{Bound, LEVEL, Metric, Slo};

/// What a run measured of that which an SLO bounds.
#[derive(Debug, Clone, Copy)]
pub enum Evidence<'a> {
    /// Latencies.
    Latencies {
        /// Nanoseconds of all that came.
        came: &'a Histogram<u64>,
        /// How many never came.
        censored: u64,
        /// How many samples count as one, as [`clumping`] says it; 1 if they are independent.
        clumping: f64,
    },
    /// A ratio of counts.
    Ratio {
        /// How many were good.
        good: u64,
        /// How many there were.
        all: u64,
        /// As for latencies.
        clumping: f64,
    },
    /// A figure of which a run has one: a rate, a share, a count, bytes.
    Figure {
        /// The figure, in the unit of the bound.
        value: f64,
        /// Its standard error; 0 if it is exact.
        error: f64,
    },
    /// A figure that was measured as the lower of these, and may have been as much as the higher.
    Between {
        /// As it was measured.
        low: f64,
        /// As it may have been without what disturbed it.
        high: f64,
    },
    /// Nothing was measured.
    Nothing,
    /// The generator spoiled it; nothing may be said.
    Spoiled,
}

/// What a run says of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The promise is kept: the whole interval keeps it.
    Met,
    /// Too few samples, or too close to the bound.
    Inconclusive,
    /// The promise is broken: the whole interval breaks it.
    Missed,
    /// The generator spoiled the run.
    Invalid,
}

/// A promise, held against its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The promise on one line.
    pub slo: String,
    /// What the run says of it.
    pub standing: Standing,
    /// What was measured, in the unit of the bound (nanoseconds for latencies); infinite if it never came.
    pub estimate: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval; infinite if the sample is too small for one.
    pub high: f64,
    /// The bound.
    pub bound: f64,
    /// Samples that it rests on.
    pub samples: u64,
    /// Samples that it takes at least.
    pub needed: u64,
}

/// An estimate with its interval, and how many samples it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// What was measured.
    pub estimate: f64,
    /// Lower end, one-sided.
    pub low: f64,
    /// Upper end, one-sided.
    pub high: f64,
    /// How many samples.
    pub samples: u64,
}

impl Standing {
    /// The word that reports use.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Inconclusive => "inconclusive",
            Self::Missed => "missed",
            Self::Invalid => "invalid",
        }
    }
}

impl Display for Standing {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(self.words())
    }
}

/// Holds a promise against its evidence at the usual level.
pub fn judge(slo: &Slo, evidence: Evidence<'_>) -> Judgement {
    judge_at(slo, evidence, LEVEL)
}

/// The same at another one-sided level.
pub fn judge_at(slo: &Slo, evidence: Evidence<'_>, level: f64) -> Judgement {
    let bound = bound(slo);
    let needed = slo.samples_needed_at(level);
    let interval = interval(slo, evidence, level);
    let standing = match interval {
        None if matches!(evidence, Evidence::Spoiled) => Standing::Invalid,
        None => Standing::Inconclusive,
        Some(interval) => stand(slo, interval, bound, needed),
    };
    let interval = interval.unwrap_or(Interval {
        estimate: f64::NAN,
        low: 0.0,
        high: f64::INFINITY,
        samples: 0,
    });
    Judgement {
        slo: slo.to_string(),
        standing,
        estimate: interval.estimate,
        low: interval.low,
        high: interval.high,
        bound,
        samples: interval.samples,
        needed,
    }
}

/// What a run says of all its promises: a spoiled one spoils all, a missed one outweighs those that could not be told.
pub fn overall(judgements: &[Judgement]) -> Standing {
    let standings = judgements.iter().map(|judgement| judgement.standing);
    standings.max().unwrap_or(Standing::Met)
}

/// How many neighbouring samples count as one: the variance of the shares of windows over that of independent samples.
///
/// Each window is (how many broke the bound, how many there were). At least 1, and 1 if there are too few windows to
/// tell: in a queue a slow answer has slow neighbours, and 1,000 of them say less than 1,000 independent ones.
pub fn clumping(windows: &[(u64, u64)]) -> f64 {
    let windows: Vec<(f64, f64)> = windows
        .iter()
        .filter(|(_, all)| *all > 0)
        .map(|(broke, all)| (*broke as f64, *all as f64))
        .collect();
    let broke: f64 = windows.iter().map(|window| window.0).sum();
    let all: f64 = windows.iter().map(|window| window.1).sum();
    let share = broke / all;
    let expected = share * (1.0 - share);
    if windows.len() < FEWEST_WINDOWS || expected <= 0.0 || !expected.is_finite() {
        return 1.0;
    }
    let squares = windows
        .iter()
        .map(|(broke, all)| (broke - share * all).powi(2) / all)
        .sum::<f64>();
    (squares / (windows.len() - 1) as f64 / expected).max(1.0)
}

/// Fewer windows say nothing about their variance.
const FEWEST_WINDOWS: usize = 5;

/// The interval of what was measured; `None` without evidence.
fn interval(slo: &Slo, evidence: Evidence<'_>, level: f64) -> Option<Interval> {
    match evidence {
        Evidence::Latencies {
            came,
            censored,
            clumping,
        } => quantile(came, censored, slo.quantile.unwrap_or(0.5), clumping, level),
        Evidence::Ratio {
            good,
            all,
            clumping,
        } => wilson(good, all, clumping, level),
        Evidence::Figure { value, error } => {
            let half = normal_quantile(level) * error;
            Some(Interval {
                estimate: value,
                low: value - half,
                high: value + half,
                samples: 1,
            })
        }
        Evidence::Between { low, high } => Some(Interval {
            estimate: low,
            low,
            high,
            samples: 1,
        }),
        Evidence::Nothing | Evidence::Spoiled => None,
    }
}

fn stand(slo: &Slo, interval: Interval, bound: f64, needed: u64) -> Standing {
    let (kept, broken) = match slo.metric.bound() {
        // No interval can prove that all are good, and a single bad one refutes it.
        Bound::Ratio if bound >= 1.0 && slo.metric == Metric::Success => {
            (interval.estimate >= bound, interval.estimate < bound)
        }
        Bound::Ratio | Bound::Rate => (interval.low >= bound, interval.high < bound),
        Bound::Latency | Bound::Bytes | Bound::Share | Bound::Count => {
            (interval.high <= bound, interval.low > bound)
        }
    };
    if broken {
        Standing::Missed
    } else if kept && interval.samples >= needed {
        Standing::Met
    } else {
        Standing::Inconclusive
    }
}

/// The bound in the unit of the evidence.
fn bound(slo: &Slo) -> f64 {
    let bound = match slo.metric.bound() {
        Bound::Latency => slo.at_most.map(|bound| bound.0.as_nanos() as f64),
        Bound::Ratio | Bound::Rate => slo.at_least,
        Bound::Bytes => slo.at_most_bytes.map(|bytes| bytes as f64),
        Bound::Share => slo.at_most_share,
        Bound::Count => slo.at_most_count.map(|count| count as f64),
    };
    bound.unwrap_or(f64::NAN)
}

/// A quantile with its interval by rank, of latencies of which `censored` are above all others.
///
/// The number of samples below the true quantile is binomial, so its tails give the ranks between which it lies.
pub fn quantile(
    came: &Histogram<u64>,
    censored: u64,
    share: f64,
    clumping: f64,
    level: f64,
) -> Option<Interval> {
    let samples = came.len() + censored;
    // What the sample weighs: with clumping, fewer samples than there are.
    let weight = (samples as f64 / clumping.max(1.0)).floor() as u64;
    if weight == 0 {
        return None;
    }
    let below = Binomial::new(share, weight).ok()?;
    let first = below.inverse_cdf(level);
    let last = below.inverse_cdf(1.0 - level) + 1;
    let scale = samples as f64 / weight as f64;
    let rank = |rank: u64| (rank as f64 * scale).ceil() as u64;
    let [low, middle, high] = at_ranks(
        came,
        [
            rank(first),
            (share * samples as f64).ceil().max(1.0) as u64,
            if last > weight { u64::MAX } else { rank(last) },
        ],
    );
    Some(Interval {
        estimate: middle.map_or(f64::INFINITY, |(_, high)| high as f64),
        low: match (first, low) {
            (0, _) => 0.0,
            (_, Some((low, _))) => low as f64,
            (_, None) => f64::INFINITY,
        },
        high: high.map_or(f64::INFINITY, |(_, high)| high as f64),
        samples,
    })
}

/// The smallest and the largest value that the samples of three ascending ranks (from 1) may have had.
fn at_ranks(came: &Histogram<u64>, ranks: [u64; 3]) -> [Option<(u64, u64)>; 3] {
    let mut found = [None; 3];
    let mut seen = 0;
    for step in came.iter_recorded() {
        seen += step.count_since_last_iteration();
        let value = step.value_iterated_to();
        for (rank, found) in ranks.iter().zip(&mut found) {
            if found.is_none() && *rank <= seen {
                *found = Some((
                    came.lowest_equivalent(value),
                    came.highest_equivalent(value),
                ));
            }
        }
    }
    found
}

/// Wilson's interval of a ratio, one-sided at each end; `None` without samples.
pub fn wilson(good: u64, all: u64, clumping: f64, level: f64) -> Option<Interval> {
    if all == 0 {
        return None;
    }
    let weight = all as f64 / clumping.max(1.0);
    let ratio = good as f64 / all as f64;
    let z = normal_quantile(level);
    let shrink = 1.0 + z * z / weight;
    let middle = (ratio + z * z / (2.0 * weight)) / shrink;
    let half = z / shrink * (ratio * (1.0 - ratio) / weight + (z / (2.0 * weight)).powi(2)).sqrt();
    Some(Interval {
        estimate: ratio,
        low: (middle - half).max(0.0),
        high: (middle + half).min(1.0),
        samples: all,
    })
}

/// How many standard deviations lie above the mean before only `level` is left.
fn normal_quantile(level: f64) -> f64 {
    use statrs::distribution::{ContinuousCDF, Normal};
    -Normal::standard().inverse_cdf(level)
}

#[cfg(test)]
mod tests;
