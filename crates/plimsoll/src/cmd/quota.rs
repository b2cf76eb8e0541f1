//! `plimsoll quota`: the quotas that follow from a capacity, as TOML that the crate `quota` loads.

use std::path::PathBuf;

use anyhow::Context as _;
use loadgen::capacity::record::Stated;
use loadgen::quotas::{Endpoint, Measured, Quotas};

use crate::exit::Exit;
use crate::say::say;

/// From what, for what.
#[derive(Debug)]
pub(crate) struct QuotaSettings {
    /// The record of a search.
    pub(crate) record: PathBuf,
    /// What it is the capacity of.
    pub(crate) endpoint: Endpoint,
    /// The share of the lower end for one workspace.
    pub(crate) share: f64,
    /// How many workspaces there are; unset says nothing of them together.
    pub(crate) workspaces: Option<usize>,
}

pub(crate) fn run(settings: &QuotaSettings) -> anyhow::Result<Exit> {
    let path = settings.record.display();
    let text = std::fs::read_to_string(&settings.record)
        .with_context(|| format!("failed to read the record {path}"))?;
    let stated: Stated = serde_json::from_str(&text).with_context(|| {
        format!(
            "{path} is no record of a capacity; write one with `plimsoll capacity --format json`"
        )
    })?;
    let measured = match Measured::of(settings.endpoint, &stated) {
        Ok(measured) => measured,
        Err(error) => {
            eprintln!("{error}");
            return Ok(Exit::CouldNotTell);
        }
    };
    let quotas = Quotas::of(&[measured], settings.share)?;
    say(&quotas.to_string())?;
    if let Some(workspaces) = settings.workspaces {
        let all = 100.0 * quotas.oversubscription(workspaces);
        eprintln!("{workspaces} workspaces at their quotas ask for {all:.0} % of the capacity");
    }
    Ok(Exit::Fine)
}
