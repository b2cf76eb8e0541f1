//! The form of a part between two processes.

use std::time::Duration;

use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use hdrhistogram::{Counter, Histogram};
use k8s_openapi::ByteString;
use results::machine::Machine;
use serde::{Deserialize, Serialize};

use super::{Belonging, Part, VERSION};
use crate::driver::{Capabilities, Findings, ModelUse};
use crate::outcome::{Outcome, Outcomes};
use crate::recorder::{Latencies, Recorder, Tally, Window, Windows, nanoseconds};
use crate::report::model::Circumstances;
use crate::report::model::health::HealthRow;
use crate::share::Worker;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePart {
    version: u64,
    run: String,
    worker: usize,
    workers: usize,
    scenario: String,
    fingerprint: String,
    seed: u64,
    time_scale: f64,
    begin: Option<String>,
    driver: Capabilities,
    settings: Vec<(String, String)>,
    machine: Machine,
    started: u64,
    duration_ns: u64,
    interrupted: bool,
    left_over: usize,
    operations: Vec<WireTally>,
    window_width_ns: u64,
    windows: Vec<WireWindow>,
    health: HealthRow,
    /// Pairs of an operation's number and how often it was executed.
    executions: Option<Vec<(u64, u64)>>,
    most_at_once: Option<(u64, u64)>,
    still_at_work: Option<u64>,
    model: Option<ModelUse>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTally {
    outcomes: Vec<(Outcome, u64)>,
    acknowledged: u64,
    set_aside: u64,
    response: WireLatencies,
    service: WireLatencies,
    create: WireLatencies,
    queue_wait: WireLatencies,
    start: WireLatencies,
    first_token: WireLatencies,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLatencies {
    /// Unset if none came.
    hdr: Option<ByteString>,
    censored: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireWindow {
    intended: u64,
    ended: Vec<(Outcome, u64)>,
    /// Unset if none came.
    hdr: Option<ByteString>,
}

impl WirePart {
    pub(super) fn new(part: &Part) -> Self {
        let windows = part.recorder.windows();
        let executions = part.findings.executions.as_ref().map(|executions| {
            let mut pairs: Vec<(u64, u64)> = executions.iter().map(|(id, n)| (*id, *n)).collect();
            pairs.sort_unstable();
            pairs
        });
        Self {
            version: VERSION,
            run: part.of.run.clone(),
            worker: part.of.worker.number(),
            workers: part.of.worker.of(),
            scenario: part.circumstances.name.clone(),
            fingerprint: part.of.fingerprint.clone(),
            seed: part.of.seed,
            time_scale: part.circumstances.time_scale,
            begin: part.of.begin.clone(),
            driver: part.capabilities.clone(),
            settings: part.circumstances.settings.clone(),
            machine: part.circumstances.machine.clone(),
            started: part.started,
            duration_ns: nanoseconds(part.duration),
            interrupted: part.interrupted,
            left_over: part.left_over,
            operations: part.recorder.tallies().iter().map(WireTally::new).collect(),
            window_width_ns: nanoseconds(windows.width()),
            windows: windows.iter().map(WireWindow::new).collect(),
            health: HealthRow::new(&part.health),
            executions,
            most_at_once: part.findings.most_at_once,
            still_at_work: part.findings.still_at_work,
            model: part.findings.model,
        }
    }

    /// The part, or what is wrong with it.
    pub(super) fn into_part(self) -> Result<Part, String> {
        let worker = Worker::new(self.worker, self.workers)
            .ok_or_else(|| format!("there is no worker {} of {}", self.worker, self.workers))?;
        let tallies = self.operations.into_iter().map(WireTally::into_tally);
        let tallies = tallies.collect::<Result<Vec<Tally>, String>>()?;
        let windows = self.windows.into_iter().map(WireWindow::into_window);
        let windows = windows.collect::<Result<Vec<Window>, String>>()?;
        let width = Duration::from_nanos(self.window_width_ns);
        let windows = Windows::of_kept(width, windows)
            .ok_or_else(|| format!("no recorder keeps windows of {width:?}"))?;
        Ok(Part {
            of: Belonging {
                run: self.run,
                fingerprint: self.fingerprint,
                seed: self.seed,
                begin: self.begin,
                worker,
            },
            capabilities: self.driver,
            circumstances: Circumstances {
                name: self.scenario,
                time_scale: self.time_scale,
                settings: self.settings,
                machine: self.machine,
            },
            recorder: Recorder::of_kept(tallies, windows),
            health: self.health.into(),
            findings: Findings {
                executions: self.executions.map(|pairs| pairs.into_iter().collect()),
                most_at_once: self.most_at_once,
                still_at_work: self.still_at_work,
                model: self.model,
            },
            started: self.started,
            duration: Duration::from_nanos(self.duration_ns),
            interrupted: self.interrupted,
            left_over: self.left_over,
        })
    }
}

impl WireTally {
    fn new(tally: &Tally) -> Self {
        Self {
            outcomes: counts(&tally.outcomes),
            acknowledged: tally.acknowledged,
            set_aside: tally.set_aside,
            response: WireLatencies::new(&tally.response),
            service: WireLatencies::new(&tally.service),
            create: WireLatencies::new(&tally.create),
            queue_wait: WireLatencies::new(&tally.queue_wait),
            start: WireLatencies::new(&tally.start),
            first_token: WireLatencies::new(&tally.first_token),
        }
    }

    fn into_tally(self) -> Result<Tally, String> {
        Ok(Tally {
            outcomes: self.outcomes.into_iter().collect(),
            acknowledged: self.acknowledged,
            set_aside: self.set_aside,
            response: self.response.into_latencies()?,
            service: self.service.into_latencies()?,
            create: self.create.into_latencies()?,
            queue_wait: self.queue_wait.into_latencies()?,
            start: self.start.into_latencies()?,
            first_token: self.first_token.into_latencies()?,
        })
    }
}

impl WireLatencies {
    fn new(latencies: &Latencies) -> Self {
        Self {
            hdr: packed(&latencies.came),
            censored: latencies.censored,
        }
    }

    fn into_latencies(self) -> Result<Latencies, String> {
        let empty = Latencies::default().came;
        Ok(Latencies {
            came: unpacked(self.hdr, empty)?,
            censored: self.censored,
        })
    }
}

impl WireWindow {
    fn new(window: &Window) -> Self {
        Self {
            intended: window.intended,
            ended: counts(&window.ended),
            hdr: packed(&window.response),
        }
    }

    fn into_window(self) -> Result<Window, String> {
        let empty = Window::default();
        Ok(Window {
            intended: self.intended,
            ended: self.ended.into_iter().collect(),
            response: unpacked(self.hdr, empty.response)?,
        })
    }
}

/// The outcomes that there were.
fn counts(outcomes: &Outcomes) -> Vec<(Outcome, u64)> {
    outcomes.iter().filter(|(_, count)| *count > 0).collect()
}

fn packed<C: Counter>(histogram: &Histogram<C>) -> Option<ByteString> {
    if histogram.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .expect("counts below 2^63 have a V2 form, and memory takes it");
    Some(ByteString(bytes))
}

/// The histogram again, which must have the bounds of `empty`: only such ones can be merged.
fn unpacked<C: Counter>(
    packed: Option<ByteString>,
    empty: Histogram<C>,
) -> Result<Histogram<C>, String> {
    let Some(ByteString(bytes)) = packed else {
        return Ok(empty);
    };
    let read = Deserializer::new().deserialize::<C, _>(&mut bytes.as_slice());
    let histogram = read.map_err(|error| format!("a histogram: {error}"))?;
    let bounds = |histogram: &Histogram<C>| (histogram.low(), histogram.high(), histogram.sigfig());
    if bounds(&histogram) != bounds(&empty) {
        return Err(format!(
            "a histogram has the bounds {:?}, not {:?}",
            bounds(&histogram),
            bounds(&empty)
        ));
    }
    Ok(histogram)
}
