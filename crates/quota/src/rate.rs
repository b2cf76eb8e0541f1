//! How many per time, and how many at once after a rest: the two parameters of a rate.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Permits per second; fractions stay fractions.
///
/// 2.14 per second is one permit every 467.29 ms, not two per second.
/// The pause between permits is kept in whole nanoseconds, rounded up, so that no window ever
/// admits more than the rate says; the rate is met to within `rate × 1 ns` (0.00004 % at 41/s,
/// 0.1 % at a million per second).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate {
    per_second: f64,
    interval_ns: u64,
}

impl Rate {
    /// The slowest rate: one permit in about 31 years.
    const SLOWEST: f64 = 1e-9;
    /// The fastest rate: a permit every nanosecond, which is no limit at all.
    const FASTEST: f64 = 1e9;

    /// A rate from permits per second, from one in a billion seconds to a billion in one.
    pub fn per_second(per_second: f64) -> Result<Self, Error> {
        if !(Self::SLOWEST..=Self::FASTEST).contains(&per_second) {
            return Err(Error::InvalidRate { per_second });
        }
        Ok(Self {
            per_second,
            interval_ns: (1e9 / per_second).ceil() as u64,
        })
    }

    /// Permits per second, as given.
    pub fn as_per_second(self) -> f64 {
        self.per_second
    }

    /// The pause between two permits at this rate, in whole nanoseconds, rounded up; at least 1.
    pub fn interval_ns(self) -> u64 {
        self.interval_ns
    }
}

impl TryFrom<f64> for Rate {
    type Error = Error;

    fn try_from(per_second: f64) -> Result<Self, Error> {
        Self::per_second(per_second)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> f64 {
        rate.per_second
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/s", self.per_second)
    }
}

/// How many permits a rested workspace may take at once; at least one.
///
/// Rate 10/s with burst 1 spaces permits 100 ms apart: of three requests in one instant it admits
/// the first. With burst 3 it admits all three, and then one every 100 ms just the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Burst(NonZeroU32);

impl Burst {
    /// No burst: permits are spaced evenly.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// A burst of `permits`, which must not be zero.
    pub fn new(permits: u32) -> Result<Self, Error> {
        NonZeroU32::new(permits).map(Self).ok_or(Error::ZeroBurst)
    }

    /// What a rate admits in one second, rounded down, at least one: the allowance that
    /// AgentMaestro derives from each of its rates.
    pub fn of_one_second(rate: Rate) -> Self {
        // The cast saturates, and a rate never exceeds 1e9.
        Self(NonZeroU32::new(rate.per_second.floor() as u32).unwrap_or(NonZeroU32::MIN))
    }

    /// The number of permits.
    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for Burst {
    type Error = Error;

    fn try_from(permits: u32) -> Result<Self, Error> {
        Self::new(permits)
    }
}

impl From<Burst> for u32 {
    fn from(burst: Burst) -> u32 {
        burst.get()
    }
}
