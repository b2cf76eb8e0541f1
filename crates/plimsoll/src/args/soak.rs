//! `plimsoll soak`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration::duration;
use super::format::TypedForms;
use super::load::TypedDriving;
use super::scenario::TypedScaledScenario;
use crate::cmd::load::driving::Driving;
use crate::cmd::soak::{Format, SoakSettings};

#[derive(Args)]
pub(super) struct TypedSoak {
    #[command(flatten)]
    scenario: TypedScaledScenario,
    /// Bytes that the system under test must not reach, to say how long it has left.
    #[arg(long, value_name = "BYTES")]
    most_memory: Option<u64>,
    /// How long the system keeps a query that has ended: what it holds should level off, not grow with the soak.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    ttl: Duration,
    /// How long to wait after the last end, at most, for what returns only when nothing is kept any more.
    #[arg(long, value_name = "TIME", default_value = "45s", value_parser = duration)]
    drain: Duration,
    #[command(flatten)]
    driving: TypedDriving,
    #[command(flatten)]
    forms: TypedForms<TypedFormat>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypedFormat {
    /// A table for a terminal.
    Text,
    /// The whole record; `fixtures/schemas/soak.json` is its schema.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// One page with pictures that needs nothing beside it.
    Html,
    /// A test per thing watched.
    Junit,
}

impl TypedSoak {
    pub(super) fn into_settings(self) -> SoakSettings {
        SoakSettings {
            scenario: self.scenario.into_source(),
            most_memory: self.most_memory,
            driving: Driving {
                ttl: self.ttl,
                drain: self.drain,
                ..self.driving.into_driving()
            },
            forms: self.forms.into_forms(),
        }
    }
}

impl From<TypedFormat> for Format {
    fn from(typed: TypedFormat) -> Self {
        match typed {
            TypedFormat::Text => Self::Text,
            TypedFormat::Json => Self::Json,
            TypedFormat::Markdown => Self::Markdown,
            TypedFormat::Html => Self::Html,
            TypedFormat::Junit => Self::Junit,
        }
    }
}
