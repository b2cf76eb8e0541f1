//! The quotas that follow from a capacity: a share of its lower end per workspace, and by Little's law the caps.
//!
//! What comes out is TOML that the crate `quota` loads, each line with the measurement that it rests on.

use std::fmt::{self, Write as _};

use quota::limits::{Caps, RateLimit};
use quota::{Burst, Rate};

use crate::capacity::record::Stated;
use crate::capacity::{Axis, Ceiling};

/// The share of the lower end that one workspace may use, unless told otherwise.
pub const SHARE: f64 = 0.25;

/// 73.96 × 0.25 × 100 is 1849, but for this in binary.
const ROUNDING: f64 = 1e-9;

/// What a quota bounds, by the names of the crate `quota`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Creating parent runs, or queries.
    CreateRun,
    /// Spawning child runs.
    SpawnSubrun,
    /// Polling snapshots.
    Snapshot,
    /// Ticks of runs.
    RunTick,
}

/// What was measured of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Which.
    pub endpoint: Endpoint,
    /// The lower end of its capacity, per second.
    pub capacity: f64,
    /// The 95th percentile of its service time at that rate, in seconds.
    pub service_p95: f64,
}

/// The quota of one endpoint, with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// What was measured.
    pub measured: Measured,
    /// What one workspace may use.
    pub rate: RateLimit,
    /// How many that keeps in the system at once, by Little's law, rounded up.
    pub cap: u32,
}

/// The quotas of all measured endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Quotas {
    /// The share of the lower end per workspace.
    pub share: f64,
    /// One per endpoint, in the order given.
    pub quotas: Vec<Quota>,
}

/// Why no quota follows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QuotaError {
    /// No load was confirmed, so there is no lower end.
    #[error(
        "no capacity was confirmed, so no quota follows; run `plimsoll capacity` until it states a highest pass"
    )]
    NoCapacity,
    /// The capacity is not one: refusals ended the search.
    #[error(
        "limited by quota: the search met refusals, so what the system carries is not known; lift the quotas and search again"
    )]
    LimitedByQuota,
    /// A burst or a concurrency is not one per time.
    #[error("the record is not one of a rate; search with `--axis rate`")]
    NoRate,
    /// A number that no quota can follow from.
    #[error("{what} is {value}; it must be a number above 0")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// What it is.
        value: f64,
    },
}

impl Endpoint {
    /// Its name in the file, for the rate.
    fn rate_name(self) -> &'static str {
        match self {
            Self::CreateRun => "create_run",
            Self::SpawnSubrun => "spawn_subrun",
            Self::Snapshot => "snapshot",
            Self::RunTick => "run_tick",
        }
    }

    /// The cap that bounds how many of it are there at once; unset where nothing stays.
    fn cap_name(self) -> Option<&'static str> {
        match self {
            Self::CreateRun => Some("parent_runs"),
            Self::SpawnSubrun => Some("pending_children"),
            Self::Snapshot | Self::RunTick => None,
        }
    }
}

impl Measured {
    /// What a search found of an endpoint.
    ///
    /// # Errors
    ///
    /// If the search confirmed no load, met refusals (then it is limited by quota, never by capacity), went along
    /// another axis than the rate, or knows no service time.
    pub fn of(endpoint: Endpoint, stated: &Stated) -> Result<Self, QuotaError> {
        if stated.ceiling == Ceiling::Quota {
            return Err(QuotaError::LimitedByQuota);
        }
        if stated.axis != Axis::Rate {
            return Err(QuotaError::NoRate);
        }
        Ok(Self {
            endpoint,
            capacity: stated.highest_pass.ok_or(QuotaError::NoCapacity)?,
            service_p95: stated.service_p95_s.ok_or(QuotaError::NoCapacity)?,
        })
    }
}

impl Quotas {
    /// The quotas that follow from measurements; `share` of each lower end goes to one workspace.
    ///
    /// # Errors
    ///
    /// If a number is zero, below, or not a number.
    pub fn of(measured: &[Measured], share: f64) -> Result<Self, QuotaError> {
        let share = positive("the share of a workspace", share)?;
        let quotas = measured.iter().map(|measured| quota(*measured, share));
        Ok(Self {
            share,
            quotas: quotas.collect::<Result<_, _>>()?,
        })
    }

    /// How far so many workspaces, all at their quotas at once, would exceed the capacity: 2 is twice as much.
    pub fn oversubscription(&self, workspaces: usize) -> f64 {
        self.share * workspaces as f64
    }
}

fn quota(measured: Measured, share: f64) -> Result<Quota, QuotaError> {
    let capacity = positive("a capacity", measured.capacity)?;
    let service_p95 = positive("a service time", measured.service_p95)?;
    // Two digits behind the point are what people set, and rounding down keeps the promise; what a binary fraction
    // lacks of a decimal one is no reason to round.
    let per_second = (capacity * share * 100.0 + ROUNDING).floor() / 100.0;
    let value = if per_second > 0.0 {
        per_second
    } else {
        capacity * share
    };
    let rate = Rate::per_second(value).map_err(|_| QuotaError::OutOfRange {
        what: "a rate",
        value,
    })?;
    Ok(Quota {
        measured,
        rate: RateLimit {
            per_second: rate,
            burst: Burst::of_one_second(rate),
        },
        // The cast saturates.
        cap: ((value * service_p95).ceil() as u32).max(1),
    })
}

fn positive(what: &'static str, value: f64) -> Result<f64, QuotaError> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(QuotaError::OutOfRange { what, value })
}

/// The file that `quota::Limits` loads; what was not measured is left out and keeps its default.
impl fmt::Display for Quotas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "# Generated by `plimsoll quota`: {} % of each capacity's lower end per workspace.",
            self.share * 100.0
        )?;
        for quota in &self.quotas {
            let Measured {
                endpoint, capacity, ..
            } = quota.measured;
            let per_second = quota.rate.per_second.as_per_second();
            writeln!(formatter, "\n# Carries at least {capacity:.2} per second.")?;
            let burst = quota.rate.burst.get();
            if f64::from(burst) > per_second {
                writeln!(
                    formatter,
                    "# A burst is at least 1, although the rate is below 1 per second."
                )?;
            }
            writeln!(formatter, "[rates.{}]", endpoint.rate_name())?;
            writeln!(formatter, "per_second = {per_second:?}")?;
            writeln!(formatter, "burst = {burst}")?;
        }
        formatter.write_str(&self.caps())
    }
}

impl Quotas {
    /// The table of caps, empty if no endpoint has one.
    fn caps(&self) -> String {
        let mut text = String::new();
        let mut total = 0_u32;
        for quota in &self.quotas {
            let Some(name) = quota.measured.endpoint.cap_name() else {
                continue;
            };
            total = total.saturating_add(quota.cap);
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "# {:.2}/s for {:.3} s each (p95) keep {} in the system.\n{name} = {}",
                quota.rate.per_second.as_per_second(),
                quota.measured.service_p95,
                quota.cap,
                quota.cap
            );
        }
        if text.is_empty() {
            return text;
        }
        let usual = Caps::default().total_runs;
        format!(
            "\n[caps]\n{text}# Parents and children together, at least the usual {usual}.\ntotal_runs = {}\n",
            total.max(usual)
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quota::Limits;

    use super::*;

    fn measured(endpoint: Endpoint, capacity: f64, service_p95: f64) -> Measured {
        Measured {
            endpoint,
            capacity,
            service_p95,
        }
    }

    fn stated(highest_pass: Option<f64>, ceiling: Ceiling) -> Stated {
        Stated {
            scenario: "s".to_owned(),
            axis: Axis::Rate,
            highest_pass,
            ceiling,
            service_p95_s: Some(1.0),
        }
    }

    #[test]
    fn the_documented_calibration_gives_the_documented_quotas() {
        let quotas = Quotas::of(
            &[
                measured(Endpoint::CreateRun, 41.16, 0.24),
                measured(Endpoint::SpawnSubrun, 8.56, 0.117),
                measured(Endpoint::Snapshot, 73.96, 0.375),
            ],
            SHARE,
        );
        let quotas = quotas.expect("all numbers are above 0");
        let limits = Limits::from_toml(&quotas.to_string(), "printed").expect("own text");
        let rates = &limits.rates;
        assert_eq!(rates.create_run.per_second.as_per_second(), 10.29);
        assert_eq!(rates.spawn_subrun.per_second.as_per_second(), 2.14);
        assert_eq!(rates.snapshot.per_second.as_per_second(), 18.49);
        assert_eq!(limits.caps.parent_runs, 3);
        assert_eq!(limits.caps.pending_children, 1);
        // What was not measured keeps its default.
        assert_eq!(rates.run_tick, Limits::default().rates.run_tick);
        assert_eq!(quotas.oversubscription(8), 2.0);
    }

    #[test]
    fn no_quota_follows_from_refusals_or_from_nothing() {
        let refused = stated(Some(10.0), Ceiling::Quota);
        let error = Measured::of(Endpoint::CreateRun, &refused).expect_err("refusals");
        assert!(error.to_string().starts_with("limited by quota"), "{error}");
        assert!(!error.to_string().contains("by capacity"));
        let bursts = Stated {
            axis: Axis::Burst,
            ..stated(Some(10.0), Ceiling::Slo)
        };
        let error = Measured::of(Endpoint::CreateRun, &bursts).expect_err("not a rate");
        assert_eq!(error, QuotaError::NoRate);
        let nothing = stated(None, Ceiling::Generator);
        let error = Measured::of(Endpoint::CreateRun, &nothing).expect_err("no pass");
        assert_eq!(error, QuotaError::NoCapacity);
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for (capacity, service_p95, share) in
            [(0.0, 1.0, 0.25), (1.0, f64::NAN, 0.25), (1.0, 1.0, -1.0)]
        {
            let measured = measured(Endpoint::Snapshot, capacity, service_p95);
            assert!(Quotas::of(&[measured], share).is_err());
        }
    }

    proptest! {
        #[test]
        fn whatever_is_printed_loads_and_no_rate_exceeds_its_share(
            capacity in 0.001..1e6_f64, service_p95 in 0.001..1e3_f64, share in 0.01..1.0_f64,
        ) {
            let all = [Endpoint::CreateRun, Endpoint::SpawnSubrun, Endpoint::Snapshot, Endpoint::RunTick];
            let measured = all.map(|endpoint| measured(endpoint, capacity, service_p95));
            let quotas = Quotas::of(&measured, share).expect("all numbers are above 0");
            let limits = Limits::from_toml(&quotas.to_string(), "printed").expect("own text");
            for (_, rate) in limits.rates() {
                prop_assert!(rate.per_second.as_per_second() <= capacity * share + 1e-9);
            }
            prop_assert!(f64::from(limits.caps.parent_runs) >= (capacity * share - 0.01) * service_p95 - 1e-6);
            prop_assert!(limits.caps.total_runs >= limits.caps.parent_runs);
        }
    }
}
