//! Which scenario, and how much shorter; the same for every command that reads one.

use std::path::PathBuf;

use clap::Args;

use crate::scenario::{ScaledSource, ScenarioSource};

#[derive(Args)]
pub(super) struct TypedScenario {
    /// The name of a shipped scenario, such as `ark-concurrent`, or the path of a .toml file.
    scenario: String,
    /// The folder of the shipped scenarios.
    #[arg(long, value_name = "FOLDER")]
    scenarios: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct TypedScaledScenario {
    #[command(flatten)]
    scenario: TypedScenario,
    /// Multiply all durations by this, at most 1; the record is marked as scaled.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale)]
    time_scale: f64,
}

impl TypedScenario {
    pub(super) fn into_source(self) -> ScenarioSource {
        ScenarioSource {
            name: self.scenario,
            folder: self.scenarios,
        }
    }
}

impl TypedScaledScenario {
    pub(super) fn into_source(self) -> ScaledSource {
        ScaledSource {
            source: self.scenario.into_source(),
            time_scale: self.time_scale,
        }
    }
}

fn scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if scale > 0.0 && scale <= 1.0 => Ok(scale),
        _ => Err("write a factor above 0 and at most 1, such as 0.1".to_owned()),
    }
}
