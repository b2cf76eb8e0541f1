//! The limits of a service: its rates and caps with their numbers, as a TOML file and in memory.
//!
//! The default set is the one that AgentMaestro calibrated: a quarter of what its endpoints
//! carried, and its caps against storms of fan-out. Every field may be left out of a file and
//! then has its default; a field that does not exist is an error.
//!
//! ```toml
//! [rates.create_run]
//! per_second = 10.29
//! burst = 10
//!
//! [caps]
//! parent_runs = 5
//! ```

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::rate::{Burst, Rate};

/// Every rate and cap of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How many per second, per workspace.
    pub rates: Rates,
    /// How many at once.
    pub caps: Caps,
}

/// The rates, each counted per workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Creating parent runs.
    pub create_run: RateLimit,
    /// Spawning child runs.
    pub spawn_subrun: RateLimit,
    /// Polling snapshots.
    pub snapshot: RateLimit,
    /// Ticks of runs, which keep a runaway workspace from filling the workers.
    pub run_tick: RateLimit,
}

/// One rate with its burst.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, from = "WireRateLimit")]
pub struct RateLimit {
    /// Permits per second.
    pub per_second: Rate,
    /// Permits at once after a rest; left out, what the rate admits in one second.
    pub burst: Burst,
}

/// The caps: how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Caps {
    /// Live parent runs of a workspace.
    pub parent_runs: u32,
    /// Live runs of a workspace, parents and children together.
    pub total_runs: u32,
    /// Child runs that a parent waits for.
    pub pending_children: u32,
    /// Tool calls of a workspace that wait for approval.
    pub workspace_tool_calls: u32,
    /// Tool calls of one run that wait for approval.
    pub run_tool_calls: u32,
    /// WebSocket connections of a workspace.
    pub workspace_web_sockets: u32,
    /// WebSocket connections of one user.
    pub user_web_sockets: u32,
}

impl Limits {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::UnreadableLimits {
            path: path.to_owned(),
            source,
        })?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// Reads a text; `origin` says in errors where it came from.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            Error::InvalidLimits {
                origin: origin.to_owned(),
                line: 1 + text[..at].matches('\n').count(),
                reason: with_mend(error.message()),
            }
        })
    }

    /// The rates by name, in the order of the file.
    pub fn rates(&self) -> [(&'static str, RateLimit); 4] {
        let rates = &self.rates;
        [
            ("create_run", rates.create_run),
            ("spawn_subrun", rates.spawn_subrun),
            ("snapshot", rates.snapshot),
            ("run_tick", rates.run_tick),
        ]
    }

    /// The caps by name, in the order of the file.
    pub fn caps(&self) -> [(&'static str, u32); 7] {
        let caps = &self.caps;
        [
            ("parent_runs", caps.parent_runs),
            ("total_runs", caps.total_runs),
            ("pending_children", caps.pending_children),
            ("workspace_tool_calls", caps.workspace_tool_calls),
            ("run_tool_calls", caps.run_tool_calls),
            ("workspace_web_sockets", caps.workspace_web_sockets),
            ("user_web_sockets", caps.user_web_sockets),
        ]
    }
}

/// Prints the TOML that [`Limits::from_toml`] reads.
impl fmt::Display for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, limit) in self.rates() {
            writeln!(formatter, "[rates.{name}]")?;
            writeln!(
                formatter,
                "per_second = {:?}",
                limit.per_second.as_per_second()
            )?;
            writeln!(formatter, "burst = {}\n", limit.burst.get())?;
        }
        writeln!(formatter, "[caps]")?;
        for (name, at_most) in self.caps() {
            writeln!(formatter, "{name} = {at_most}")?;
        }
        Ok(())
    }
}

impl RateLimit {
    /// A rate with the burst of one second.
    pub fn new(per_second: Rate) -> Self {
        Self {
            per_second,
            burst: Burst::of_one_second(per_second),
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        let per_second = |per_second| {
            RateLimit::new(Rate::per_second(per_second).expect("the default rates are in range"))
        };
        Self {
            create_run: per_second(10.29),
            spawn_subrun: per_second(2.14),
            snapshot: per_second(18.49),
            run_tick: per_second(41.0),
        }
    }
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            parent_runs: 5,
            total_runs: 12,
            pending_children: 4,
            workspace_tool_calls: 6,
            run_tool_calls: 1,
            workspace_web_sockets: 20,
            user_web_sockets: 5,
        }
    }
}

/// A rate as it stands in a file, where the burst may be missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRateLimit {
    per_second: Rate,
    burst: Option<Burst>,
}

impl From<WireRateLimit> for RateLimit {
    fn from(wire: WireRateLimit) -> Self {
        let burst = wire
            .burst
            .unwrap_or_else(|| Burst::of_one_second(wire.per_second));
        Self {
            per_second: wire.per_second,
            burst,
        }
    }
}

/// The parser's message on one line; where it names no mend, ours is added.
fn with_mend(message: &str) -> String {
    let message = message.lines().collect::<Vec<_>>().join(", ");
    if message.starts_with("unknown field") {
        return format!("{message}; remove the field or correct its name");
    }
    if message.contains(": give ") {
        return message;
    }
    format!("{message}; the default set, as printed, is a correct example")
}

#[cfg(test)]
mod tests;
