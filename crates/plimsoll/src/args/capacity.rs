//! `plimsoll capacity` and `plimsoll quota`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use loadgen::capacity::Axis;
use loadgen::quotas::Endpoint;

use super::format::TypedForms;
use super::load::TypedDriving;
use super::scenario::TypedScaledScenario;
use crate::cmd::capacity::{CapacitySettings, Format};
use crate::cmd::quota::QuotaSettings;

#[derive(Args)]
pub(super) struct TypedCapacity {
    #[command(flatten)]
    scenario: TypedScaledScenario,
    /// Along what to search.
    #[arg(long, value_enum, default_value = "rate")]
    axis: TypedAxis,
    /// How narrow the bracket is to become, as a share of the load.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = share)]
    resolution: f64,
    /// No rung and no burst is larger.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    most: u32,
    /// Starts of the longest trial at one load, and of the one that confirms; unset takes 16 times the first.
    #[arg(long, value_name = "N")]
    longest: Option<u64>,
    /// Trials at most.
    #[arg(long, value_name = "N", default_value_t = 60)]
    probes: usize,
    #[command(flatten)]
    driving: TypedDriving,
    #[command(flatten)]
    forms: TypedForms<TypedFormat>,
}

#[derive(Args)]
pub(super) struct TypedQuota {
    /// The record that `plimsoll capacity --format json` wrote.
    #[arg(value_name = "CAPACITY.json")]
    record: PathBuf,
    /// What the record is the capacity of.
    #[arg(long, value_enum, default_value = "create-run")]
    endpoint: TypedEndpoint,
    /// The share of the capacity's lower end that one workspace may use.
    #[arg(long, value_name = "SHARE", default_value_t = loadgen::quotas::SHARE, value_parser = share)]
    share: f64,
    /// How many workspaces there are, to say by how much they could exceed the capacity together.
    #[arg(long, value_name = "N")]
    workspaces: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedAxis {
    /// Arrivals per second.
    Rate,
    /// How many arrive at once.
    Burst,
    /// How many users wait at once.
    Concurrency,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedEndpoint {
    /// Creating runs or queries.
    CreateRun,
    /// Spawning child runs.
    SpawnSubrun,
    /// Polling snapshots.
    Snapshot,
    /// Ticks of runs.
    RunTick,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedFormat {
    /// For a terminal.
    Text,
    /// The whole record; `fixtures/schemas/capacity.json` is its schema.
    Json,
    /// One page with pictures that needs nothing beside it.
    Html,
}

impl TypedCapacity {
    pub(super) fn into_settings(self) -> CapacitySettings {
        CapacitySettings {
            scenario: self.scenario.into_source(),
            axis: match self.axis {
                TypedAxis::Rate => Axis::Rate,
                TypedAxis::Burst => Axis::Burst,
                TypedAxis::Concurrency => Axis::Concurrency,
            },
            resolution: self.resolution,
            most: f64::from(self.most),
            longest: self.longest,
            probes: self.probes,
            driving: self.driving.into_driving(),
            forms: self.forms.into_forms(),
        }
    }
}

impl TypedQuota {
    pub(super) fn into_settings(self) -> QuotaSettings {
        QuotaSettings {
            record: self.record,
            endpoint: match self.endpoint {
                TypedEndpoint::CreateRun => Endpoint::CreateRun,
                TypedEndpoint::SpawnSubrun => Endpoint::SpawnSubrun,
                TypedEndpoint::Snapshot => Endpoint::Snapshot,
                TypedEndpoint::RunTick => Endpoint::RunTick,
            },
            share: self.share,
            workspaces: self.workspaces,
        }
    }
}

impl From<TypedFormat> for Format {
    fn from(typed: TypedFormat) -> Self {
        match typed {
            TypedFormat::Text => Self::Text,
            TypedFormat::Json => Self::Json,
            TypedFormat::Html => Self::Html,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(share),
        _ => Err("write a share above 0 and at most 1, such as 0.25".to_owned()),
    }
}
