//! The record of a run: all numbers, with their units in their names.

use std::time::Duration;

use results::machine::Machine;
use serde::Serialize;

use crate::driver::{Capabilities, ModelUse};
use crate::invariants::{self, Invariant};
use crate::judging::{self, Conclusion};
use crate::outcome::Outcome;
use crate::recorder::{Latencies, Tally};
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::slo::judge::{Judgement, Standing};

pub mod health;

use health::HealthRow;

/// The version of the record; a field that changes its meaning is a new number.
pub const SCHEMA: u32 = 1;

/// All that a run says.
#[derive(Debug, Clone, Serialize)]
pub struct LoadReport {
    /// The version of this record.
    pub schema: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What it shows and what not.
    pub text: String,
    /// What the run comes to.
    pub conclusion: Conclusion,
    /// All durations were multiplied by this; 1 for the scenario as it is written.
    pub time_scale: f64,
    /// It was broken off.
    pub interrupted: bool,
    /// The seed of its schedule.
    pub seed: u64,
    /// What drove the system.
    pub driver: Capabilities,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// Operations that the plan has.
    pub planned: u64,
    /// Operations that were started.
    pub started: u64,
    /// From the first intended start to the last end.
    pub duration_ns: u64,
    /// How fast it went.
    pub throughput: Throughput,
    /// All operations together, then each by its name.
    pub operations: Vec<OperationRow>,
    /// Every promise with its judgement.
    pub slos: Vec<SloRow>,
    /// What must hold after every run.
    pub invariants: Vec<Invariant>,
    /// The generator's health.
    pub health: HealthRow,
    /// Latency over time.
    pub windows: Vec<WindowRow>,
    /// What the model was asked; unset if it could not be asked for that.
    pub model: Option<ModelRow>,
    /// Whose memory and CPU time was looked at.
    pub usage_of: String,
    /// What it used, second by second.
    pub usage: Vec<UsageRow>,
    /// Where it ran.
    pub machine: Machine,
}

/// How fast a run went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// Completions with the right answer per second.
    pub per_second: f64,
    /// What the scenario would reach if the system added nothing.
    pub expected_per_second: f64,
    /// The first ÷ the second.
    pub ratio: f64,
}

/// One operation, or all.
#[derive(Debug, Clone, Serialize)]
pub struct OperationRow {
    /// Its name; `all` for all together.
    pub name: String,
    /// How many ended.
    pub count: u64,
    /// How many were acknowledged.
    pub acknowledged: u64,
    /// How many are in no latency, as the hypervisor had taken the processors away.
    pub set_aside: u64,
    /// How many ended how; those that none did are left out.
    pub outcomes: Vec<(Outcome, u64)>,
    /// From the intended start to the end.
    pub response: LatencyRow,
    /// From the sending to the end.
    pub service: LatencyRow,
    /// From the intended start to the acknowledgement.
    pub create: LatencyRow,
    /// From the acknowledgement to the begin of the work.
    pub queue_wait: LatencyRow,
    /// From the intended start to the first piece of the answer; empty if the driver cannot see it.
    pub first_token: LatencyRow,
}

/// Latencies of one kind. Quantiles count what never came as above any bound, and are unset where they reach into it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LatencyRow {
    /// Samples, both sorts.
    pub count: u64,
    /// Samples that never came, or came while nobody could see it.
    pub censored: u64,
    /// The mean of those that came, and its standard error if neighbours are independent.
    pub mean_ns: Option<f64>,
    /// See there.
    pub mean_error_ns: Option<f64>,
    /// The shortest that came.
    pub min_ns: Option<u64>,
    /// The median.
    pub p50_ns: Option<u64>,
    /// Nine of ten stayed within.
    pub p90_ns: Option<u64>,
    /// 95 of 100 stayed within.
    pub p95_ns: Option<u64>,
    /// 99 of 100 stayed within.
    pub p99_ns: Option<u64>,
    /// The longest that came; unset if any never came.
    pub max_ns: Option<u64>,
}

/// What the model was asked, and what that comes to for each operation that was done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ModelRow {
    /// Requests.
    pub calls: u64,
    /// Of these, the ones that got their whole answer.
    pub answered: u64,
    /// Tokens of requests that were answered.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// Tokens of both kinds for each operation that was done: what it costs. Unset if none was.
    pub tokens_per_done: Option<f64>,
    /// Questions that were not answered at once.
    pub struck: u64,
    /// Of these, the ones that were answered in the end.
    pub recovered: u64,
}

/// One promise with its judgement. Numbers are in the unit of the bound, nanoseconds for latencies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SloRow {
    /// The promise on one line.
    pub slo: String,
    /// `met`, `inconclusive`, `missed` or `invalid`.
    pub standing: &'static str,
    /// The bound.
    pub bound: f64,
    /// What was measured; unset if it never came, or nothing was measured.
    pub estimate: Option<f64>,
    /// Lower end of the interval; unset if there is none.
    pub low: Option<f64>,
    /// Upper end of the interval; unset if there is none.
    pub high: Option<f64>,
    /// Samples that it rests on.
    pub samples: u64,
    /// Samples that it takes at least.
    pub needed: u64,
}

/// One stretch of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WindowRow {
    /// From the begin of the run.
    pub begin_ns: u64,
    /// How long it is.
    pub width_ns: u64,
    /// How many were to start.
    pub intended: u64,
    /// How many ended.
    pub ended: u64,
    /// How many of these with the right answer.
    pub done: u64,
    /// The median response time of what ended.
    pub p50_ns: Option<u64>,
    /// 95 of 100 stayed within.
    pub p95_ns: Option<u64>,
    /// 99 of 100 stayed within.
    pub p99_ns: Option<u64>,
}

/// One look at what was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// From the begin of the run.
    pub at_ns: u64,
    /// Resident memory.
    pub resident_bytes: u64,
    /// CPU time since the process began.
    pub cpu_ns: u64,
    /// Open file descriptors.
    pub n_files: u64,
    /// Threads.
    pub n_threads: u64,
    /// Operations that were open.
    pub in_flight: u64,
    /// Operations that waited in the system's queue; unset if the driver cannot see it.
    pub queued: Option<u64>,
    /// Objects that the system stored; unset if the driver cannot see them.
    pub objects: Option<u64>,
}

/// What a report says beside what the run found.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The scenario's name.
    pub name: String,
    /// All durations were multiplied by this.
    pub time_scale: f64,
    /// Settings of the system under test, as they were given.
    pub settings: Vec<(String, String)>,
    /// Where it ran.
    pub machine: Machine,
}

impl LoadReport {
    /// Judges a run and writes it down.
    pub fn new(scenario: &Scenario, ran: &Ran, circumstances: Circumstances) -> Self {
        let judgements = judging::judgements(scenario, ran);
        let invariants = invariants::check(ran);
        let per_second = judging::completions_per_second(ran);
        let expected_per_second = ran.plan.expected_throughput;
        let names = scenario.operation_names();
        let named = names
            .iter()
            .enumerate()
            .filter_map(|(index, name)| Some(OperationRow::new(name, ran.recorder.of(index)?)));
        let all = OperationRow::new("all", &ran.recorder.all());
        Self {
            schema: SCHEMA,
            scenario: circumstances.name,
            text: scenario.text.trim().to_owned(),
            conclusion: judging::conclude(ran, &judgements, &invariants),
            time_scale: circumstances.time_scale,
            interrupted: ran.interrupted,
            seed: scenario.seed,
            driver: ran.capabilities.clone(),
            settings: circumstances.settings,
            planned: ran.plan.starts as u64,
            started: ran.started,
            duration_ns: nanoseconds(ran.duration),
            throughput: Throughput {
                per_second,
                expected_per_second,
                ratio: per_second / expected_per_second,
            },
            operations: std::iter::once(all).chain(named).collect(),
            slos: judgements.iter().map(SloRow::new).collect(),
            invariants,
            health: HealthRow::new(&ran.health),
            windows: windows(ran),
            model: ran.findings.model.map(|used| ModelRow::new(used, ran)),
            usage_of: ran.subject.to_string(),
            usage: usage(ran),
            machine: circumstances.machine,
        }
    }
}

impl ModelRow {
    fn new(used: ModelUse, ran: &Ran) -> Self {
        let done = ran.recorder.of_starts().outcomes.get(Outcome::Done);
        let tokens = (used.prompt_tokens + used.completion_tokens) as f64;
        Self {
            calls: used.calls,
            answered: used.answered,
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
            tokens_per_done: (done > 0).then(|| tokens / done as f64),
            struck: used.struck,
            recovered: used.recovered,
        }
    }
}

impl OperationRow {
    fn new(name: &str, tally: &Tally) -> Self {
        Self {
            name: name.to_owned(),
            count: tally.outcomes.total(),
            acknowledged: tally.acknowledged,
            set_aside: tally.set_aside,
            outcomes: tally
                .outcomes
                .iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
            response: LatencyRow::new(&tally.response),
            service: LatencyRow::new(&tally.service),
            create: LatencyRow::new(&tally.create),
            queue_wait: LatencyRow::new(&tally.queue_wait),
            first_token: LatencyRow::new(&tally.first_token),
        }
    }
}

impl LatencyRow {
    fn new(latencies: &Latencies) -> Self {
        let came = &latencies.came;
        let some = !came.is_empty();
        let at = |share| latencies.quantile(share).map(nanoseconds);
        Self {
            count: latencies.count(),
            censored: latencies.censored,
            mean_ns: some.then(|| came.mean()),
            mean_error_ns: some.then(|| came.stdev() / (came.len() as f64).sqrt()),
            min_ns: some.then(|| came.min()),
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p95_ns: at(0.95),
            p99_ns: at(0.99),
            max_ns: (some && latencies.censored == 0).then(|| came.max()),
        }
    }
}

impl SloRow {
    fn new(judgement: &Judgement) -> Self {
        let finite = |number: f64| number.is_finite().then_some(number);
        let measured = judgement.samples > 0;
        Self {
            slo: judgement.slo.clone(),
            standing: standing(judgement.standing),
            bound: judgement.bound,
            estimate: finite(judgement.estimate).filter(|_| measured),
            low: finite(judgement.low).filter(|_| measured),
            high: finite(judgement.high).filter(|_| measured),
            samples: judgement.samples,
            needed: judgement.needed,
        }
    }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Met => "met",
        Standing::Inconclusive => "inconclusive",
        Standing::Missed => "missed",
        Standing::Invalid => "invalid",
    }
}

fn windows(ran: &Ran) -> Vec<WindowRow> {
    let width_ns = nanoseconds(ran.recorder.windows().width());
    let rows = ran
        .recorder
        .windows()
        .iter()
        .zip(0..)
        .map(|(window, index)| {
            let response = &window.response;
            let at = |share| (!response.is_empty()).then(|| response.value_at_quantile(share));
            WindowRow {
                begin_ns: width_ns * index,
                width_ns,
                intended: window.intended,
                ended: window.ended.total(),
                done: window.ended.get(Outcome::Done),
                p50_ns: at(0.5),
                p95_ns: at(0.95),
                p99_ns: at(0.99),
            }
        });
    rows.collect()
}

fn usage(ran: &Ran) -> Vec<UsageRow> {
    let rows = ran.usage.iter().map(|usage| UsageRow {
        at_ns: nanoseconds(usage.at),
        resident_bytes: usage.resident_bytes,
        cpu_ns: nanoseconds(usage.cpu),
        n_files: usage.n_files,
        n_threads: usage.n_threads,
        in_flight: usage.in_flight,
        queued: usage.inside.queued,
        objects: usage.inside.objects,
    });
    rows.collect()
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
