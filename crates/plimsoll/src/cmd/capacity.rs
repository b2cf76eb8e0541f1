//! `plimsoll capacity`: the highest load that keeps a scenario's promises.

use anyhow::{Context as _, bail};
use loadgen::capacity::probing::joined;
use loadgen::capacity::record::CapacityRecord;
use loadgen::capacity::search::Search;
use loadgen::capacity::{Axis, Observation, Probe, Purpose, Settings};
use loadgen::report::html;
use loadgen::report::model::{Circumstances, LoadRecord};
use loadgen::scenario::Scenario;
use loadgen::slo::Metric;
use loadgen::slo::judge::Standing;

use super::load::driving::Driving;
use crate::exit::Exit;
use crate::forms::Forms;
use crate::scenario::ScaledSource;

/// What to search, and how.
#[derive(Debug)]
pub(crate) struct CapacitySettings {
    /// Which scenario.
    pub(crate) scenario: ScaledSource,
    /// Along what.
    pub(crate) axis: Axis,
    /// How narrow the bracket is to become.
    pub(crate) resolution: f64,
    /// No rung and no burst is larger.
    pub(crate) most: f64,
    /// Starts of the longest trial; unset takes the usual number.
    pub(crate) longest: Option<u64>,
    /// Trials at most.
    pub(crate) probes: usize,
    /// What is driven.
    pub(crate) driving: Driving,
    /// How to say it.
    pub(crate) forms: Forms<Format>,
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
    Html,
}

pub(crate) fn run(settings: &CapacitySettings) -> anyhow::Result<Exit> {
    let scenario = settings.scenario.read()?;
    if scenario
        .slos
        .iter()
        .all(|slo| slo.metric == Metric::Throughput)
    {
        bail!(
            "{} promises no latency and no success, so no load can break it; add an [[slo]]",
            settings.scenario.source.name
        );
    }
    let driving = &settings.driving;
    let circumstances = driving.circumstances(&settings.scenario);
    let mut search = Search::new(search_settings(settings, &scenario));
    let (mut confirming, mut last) = (None, None);
    while let Some(probe) = search.next_probe() {
        let (observation, trial) = observe(driving, &scenario, &probe, circumstances.clone())?;
        tell(&probe, &observation);
        if probe.purpose == Purpose::Hold && observation.standing() == Standing::Met {
            confirming = Some(trial);
        } else {
            last = Some(trial);
        }
        search.report(probe, observation);
    }
    let record = CapacityRecord::new(
        circumstances.name,
        circumstances.settings,
        &search.finish(),
        confirming.or(last),
    );
    settings.forms.tell_record(&record)
}

impl Forms<Format> {
    /// Tells of a search; returns how the process should end.
    pub(crate) fn tell_record(&self, record: &CapacityRecord) -> anyhow::Result<Exit> {
        self.tell(|format| match format {
            Format::Text => Ok(record.text()),
            Format::Json => Ok(record.json()),
            Format::Html => {
                html::render_search(record).context("no trial was made, so there is no page")
            }
        })?;
        Ok(record.conclusion().into())
    }
}

fn search_settings(settings: &CapacitySettings, scenario: &Scenario) -> Settings {
    let usual = Settings::new(settings.axis, &scenario.slos);
    let longest = settings.longest.unwrap_or(usual.longest_trial);
    Settings {
        most: settings.most,
        resolution: settings.resolution,
        trial: usual.trial.min(longest),
        longest_trial: longest,
        hold: longest,
        most_probes: settings.probes,
        ..usual
    }
}

fn observe(
    driving: &Driving,
    scenario: &Scenario,
    probe: &Probe,
    circumstances: Circumstances,
) -> anyhow::Result<(Observation, LoadRecord)> {
    let scenario = probe.scenario(scenario);
    let mut runs = Vec::new();
    for _ in 0..probe.runs() {
        let ran = driving.run(&scenario, |_| {})?;
        if ran.interrupted {
            bail!("the search was broken off; nothing was confirmed");
        }
        runs.push(ran);
    }
    let Some(ran) = runs.into_iter().reduce(joined) else {
        bail!("the probe at {:.2} made no run", probe.load.value());
    };
    let trial = LoadRecord::new(&scenario, &ran, circumstances);
    Ok((Observation::of(probe, &scenario, &ran), trial))
}

/// A search takes minutes: each trial is told as it ends.
fn tell(probe: &Probe, observation: &Observation) {
    let why = observation.spoiled.as_ref();
    eprintln!(
        "probe {}: {} {:.2} {}, {} starts: {:.2}/s, {}{}",
        probe.index + 1,
        probe.purpose,
        probe.load.value(),
        probe.load.unit(),
        probe.starts,
        observation.throughput,
        observation.standing(),
        why.map_or_else(String::new, |why| format!(": {why}")),
    );
}
