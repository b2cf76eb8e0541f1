//! `plimsoll capacity`: the highest load that keeps a scenario's promises.

use std::path::PathBuf;

use anyhow::bail;
use loadgen::advice::Measurements;
use loadgen::capacity::probing::joined;
use loadgen::capacity::record::CapacityRecord;
use loadgen::capacity::search::Search;
use loadgen::capacity::{Axis, Capacity, Ceiling, Observation, Probe, Purpose, Settings};
use loadgen::report::html::{Bar, Page, bars, render};
use loadgen::report::model::{Circumstances, LoadReport};
use loadgen::scenario::Scenario;
use loadgen::slo::Metric;
use loadgen::slo::judge::Standing;
use results::machine::Machine;

use super::load::driving::Driving;
use crate::exit::Exit;
use crate::say::say;
use crate::workspace;

/// What to search, and how.
#[derive(Debug)]
pub(crate) struct CapacitySettings {
    /// The name of a shipped scenario, or the path of a file.
    pub(crate) scenario: String,
    /// Where shipped scenarios are looked for; unset means those of the workspace.
    pub(crate) folder: Option<PathBuf>,
    /// Every duration is multiplied by it.
    pub(crate) time_scale: f64,
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
    pub(crate) format: Format,
    /// What goes to files beside it.
    pub(crate) reports: Vec<Report>,
}

/// What goes to a file.
#[derive(Debug, Clone)]
pub(crate) enum Report {
    /// The record.
    Record(Format, PathBuf),
    /// A page with pictures.
    Page(PathBuf),
}

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) fn run(settings: &CapacitySettings) -> anyhow::Result<Exit> {
    let scenario = workspace::scenario(&settings.scenario, settings.folder.as_deref())?;
    let scenario = scenario.scaled(settings.time_scale);
    if scenario
        .slos
        .iter()
        .all(|slo| slo.metric == Metric::Throughput)
    {
        bail!(
            "{} promises no latency and no success, so no load can break it; add an [[slo]]",
            settings.scenario
        );
    }
    let mut search = Search::new(search_settings(settings, &scenario));
    // What the page shows of a run: the last trial that confirmed, or else the last one.
    let mut shown: Option<Shown> = None;
    while let Some(probe) = search.next_probe() {
        let (observation, trial) = observe(settings, &scenario, &probe)?;
        tell(&probe, &observation);
        let confirms = probe.purpose == Purpose::Hold && observation.standing() == Standing::Met;
        if confirms || shown.as_ref().is_none_or(|shown| !shown.confirms) {
            shown = Some(Shown { confirms, ..trial });
        }
        search.report(probe, observation);
    }
    let capacity = search.finish();
    let name = settings.scenario.clone();
    let record = CapacityRecord::new(name, settings.driving.named(), &capacity);
    say(&rendered(&record, settings.format))?;
    for report in &settings.reports {
        let (text, path) = match (report, &shown) {
            (Report::Record(format, path), _) => (rendered(&record, *format), path),
            (Report::Page(path), Some(shown)) => (shown.page(&record), path),
            (Report::Page(_), None) => bail!("no trial was made, so there is no page"),
        };
        loadgen::report::write(path, &text)?;
        eprintln!("the report is in {}", path.display());
    }
    Ok(exit(&capacity))
}

/// A trial as the page shows it.
struct Shown {
    confirms: bool,
    report: LoadReport,
    bars: Vec<Bar>,
    measurements: Measurements,
}

impl Shown {
    fn page(&self, record: &CapacityRecord) -> String {
        render(&Page {
            report: &self.report,
            bars: self.bars.clone(),
            measurements: self.measurements,
            capacity: Some(record),
        })
    }
}

fn rendered(record: &CapacityRecord, format: Format) -> String {
    match format {
        Format::Text => record.text(),
        Format::Json => record.json(),
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
    settings: &CapacitySettings,
    scenario: &Scenario,
    probe: &Probe,
) -> anyhow::Result<(Observation, Shown)> {
    let scenario = probe.scenario(scenario);
    let mut runs = Vec::new();
    for _ in 0..probe.runs() {
        let ran = settings.driving.run(&scenario, |_| {})?;
        if ran.interrupted {
            bail!("the search was broken off; nothing was confirmed");
        }
        runs.push(ran);
    }
    let Some(ran) = runs.into_iter().reduce(joined) else {
        bail!("the probe at {:.2} made no run", probe.load.value());
    };
    let circumstances = Circumstances {
        name: settings.scenario.clone(),
        time_scale: settings.time_scale,
        settings: settings.driving.named(),
        machine: Machine::here(),
    };
    let shown = Shown {
        confirms: false,
        report: LoadReport::new(&scenario, &ran, circumstances),
        bars: bars(&ran),
        measurements: Measurements::of(&scenario, &ran),
    };
    Ok((Observation::of(probe, &scenario, &ran), shown))
}

/// A search takes minutes: each trial is told as it ends.
fn tell(probe: &Probe, observation: &Observation) {
    let why = observation.spoiled.as_ref();
    eprintln!(
        "probe {}: {} {:.2} {}, {} starts: {:.2}/s, {}{}",
        probe.index + 1,
        probe.purpose.words(),
        probe.load.value(),
        probe.load.unit(),
        probe.starts,
        observation.throughput,
        observation.standing().words(),
        why.map_or_else(String::new, |why| format!(": {why}")),
    );
}

/// A search that confirmed nothing failed for the generator if it spoiled anything, else for want of trials if something
/// passed; only where nothing did is the promise broken.
fn exit(capacity: &Capacity) -> Exit {
    let any = |standing| {
        capacity
            .trials
            .iter()
            .any(|trial| trial.observation.standing() == standing)
    };
    match (capacity.highest_pass, capacity.ceiling) {
        (_, Ceiling::Quota) => Exit::CouldNotTell,
        (Some(_), _) => Exit::Fine,
        (None, _) if any(Standing::Invalid) => Exit::GeneratorSpoiled,
        (None, Ceiling::Slo) if !any(Standing::Met) => Exit::Regressed,
        (None, _) => Exit::CouldNotTell,
    }
}
