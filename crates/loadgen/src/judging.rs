//! What a run says of its scenario's promises, and what it comes to as a whole.

use serde::{Deserialize, Serialize};

use crate::health::Verdict;
use crate::invariants::Invariant;
use crate::outcome::Outcome;
use crate::recorder::{Latencies, Tally};
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::slo::judge::{Evidence, Judgement, Standing, clumping, judge_at};
use crate::slo::{Bound, LEVEL, Metric, Slo};

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// All promises were kept, and all invariants hold.
    Fine,
    /// A promise was missed, or an invariant is broken.
    Missed,
    /// Some promise could not be decided, or the run was broken off.
    CouldNotTell,
    /// The generator spoiled the run.
    Spoiled,
}

impl Conclusion {
    /// In words, as reports use them.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Missed => "missed",
            Self::CouldNotTell => "could not tell",
            Self::Spoiled => "spoiled by the generator",
        }
    }
}

/// Holds every promise against what was measured.
pub fn judgements(scenario: &Scenario, ran: &Ran) -> Vec<Judgement> {
    judgements_at(scenario, ran, LEVEL)
}

/// The same at another one-sided level, for a search that judges often.
pub fn judgements_at(scenario: &Scenario, ran: &Ran, level: f64) -> Vec<Judgement> {
    let slos = scenario.slos.iter();
    slos.map(|slo| judge_one(scenario, ran, slo, level))
        .collect()
}

/// What the run comes to: a spoiled one says nothing, and a broken invariant outweighs what could not be told.
pub fn conclude(ran: &Ran, judgements: &[Judgement], invariants: &[Invariant]) -> Conclusion {
    let any = |standing| {
        judgements
            .iter()
            .any(|judgement| judgement.standing == standing)
    };
    let is_broken = invariants
        .iter()
        .any(|invariant| invariant.holds == Some(false));
    let is_spoiled = judgements.is_empty() || any(Standing::Invalid);
    if ran.health.verdict == Verdict::Invalid && is_spoiled {
        Conclusion::Spoiled
    } else if is_broken || any(Standing::Missed) {
        Conclusion::Missed
    } else if ran.interrupted || ran.started == 0 || any(Standing::Inconclusive) {
        Conclusion::CouldNotTell
    } else {
        Conclusion::Fine
    }
}

/// Completions with the right answer per second, from the first intended start to the last end.
pub fn completions_per_second(ran: &Ran) -> f64 {
    let seconds = ran.duration.as_secs_f64();
    if seconds == 0.0 {
        return 0.0;
    }
    ran.recorder.of_starts().outcomes.get(Outcome::Done) as f64 / seconds
}

fn judge_one(scenario: &Scenario, ran: &Ran, slo: &Slo, level: f64) -> Judgement {
    let judge = |slo, evidence| judge_at(slo, evidence, level);
    if ran.health.verdict == Verdict::Invalid && !is_sure_though_late(scenario, ran, slo) {
        return judge(slo, Evidence::Spoiled);
    }
    if ran.interrupted {
        return judge(slo, Evidence::Nothing);
    }
    let tally = match &slo.operation {
        None => Some(ran.recorder.all()),
        Some(name) => {
            let names = scenario.operation_names();
            let index = names.iter().position(|known| known == name);
            index.and_then(|index| ran.recorder.of(index).cloned())
        }
    };
    match &tally {
        Some(tally) => {
            let judgement = judge(slo, evidence(ran, slo, tally));
            allowing_for_scale(scenario.time_scale, slo, judgement)
        }
        None => judge(slo, Evidence::Nothing),
    }
}

/// Whether a late generator changes nothing of it: what became of a burst, and in how much memory, if all of it was open
/// at once whenever it was sent.
///
/// Thousands of starts at one instant are late on any machine. Rates and latencies are spoiled by that, counts are not.
fn is_sure_though_late(scenario: &Scenario, ran: &Ran, slo: &Slo) -> bool {
    let counts = matches!(
        slo.metric,
        Metric::Success | Metric::Failures | Metric::Duplicates | Metric::Rss
    );
    let at_once = scenario.burst.is_some() && ran.most_open == Some(ran.started);
    counts && at_once && ran.health.is_only_late()
}

/// Leaves open what a shortened run misses and the scenario at full length may keep.
///
/// With every duration times `scale`, what the control plane adds weighs `1 / scale` times as much. A share `v` of the
/// pace would have been `v / (v + scale * (1 - v))` with the same added to a whole duration, and a latency that is within
/// the whole bound may be nothing but what was added.
fn allowing_for_scale(scale: f64, slo: &Slo, judgement: Judgement) -> Judgement {
    let may_be_kept = match slo.metric {
        Metric::Throughput => {
            let share = judgement.high;
            share / (share + scale * (1.0 - share)) >= judgement.bound
        }
        metric if metric.bound() == Bound::Latency => judgement.low <= judgement.bound / scale,
        _ => false,
    };
    let standing = match judgement.standing {
        Standing::Missed if scale < 1.0 && may_be_kept => Standing::Inconclusive,
        standing => standing,
    };
    Judgement {
        standing,
        ..judgement
    }
}

fn evidence<'t>(ran: &Ran, slo: &Slo, tally: &'t Tally) -> Evidence<'t> {
    let done = tally.outcomes.get(Outcome::Done);
    let all = tally.outcomes.total();
    let figure = |value| Evidence::Figure { value, error: 0.0 };
    match slo.metric {
        Metric::Response => latencies(&tally.response, response_clumping(ran, slo)),
        Metric::Service => latencies(&tally.service, 1.0),
        Metric::Create => latencies(&tally.create, 1.0),
        Metric::QueueWait => latencies(&tally.queue_wait, 1.0),
        Metric::Start => latencies(&tally.start, 1.0),
        Metric::FirstToken => latencies(&tally.first_token, 1.0),
        Metric::Success => Evidence::Ratio {
            good: done,
            all,
            clumping: 1.0,
        },
        Metric::Throughput => pace(
            ran,
            completions_per_second(ran) / ran.plan.expected_throughput,
        ),
        Metric::Rate => {
            let seconds = ran.duration.as_secs_f64().max(f64::MIN_POSITIVE);
            pace(ran, done as f64 / seconds)
        }
        Metric::Rss => match ran.usage.iter().map(|usage| usage.resident_bytes).max() {
            Some(bytes) => figure(bytes as f64),
            None => Evidence::Nothing,
        },
        Metric::Cpu => mean_cpu(ran).map_or(Evidence::Nothing, figure),
        Metric::Failures => figure(all.saturating_sub(done) as f64),
        Metric::Duplicates => match &ran.findings.executions {
            Some(_) => figure(tally.outcomes.get(Outcome::Duplicated) as f64),
            None => Evidence::Nothing,
        },
    }
}

/// A pace, which would have been higher by as much as the hypervisor spoiled at most.
fn pace(ran: &Ran, value: f64) -> Evidence<'static> {
    let left = 1.0 - ran.health.stolen_share();
    Evidence::Between {
        low: value,
        high: value / left.max(f64::MIN_POSITIVE),
    }
}

fn latencies(latencies: &Latencies, clumping: f64) -> Evidence<'_> {
    if latencies.count() == 0 {
        return Evidence::Nothing;
    }
    Evidence::Latencies {
        came: &latencies.came,
        censored: latencies.censored,
        clumping,
    }
}

/// How much slow answers have slow neighbours, window by window.
fn response_clumping(ran: &Ran, slo: &Slo) -> f64 {
    let Some(bound) = slo.at_most else {
        return 1.0;
    };
    let bound = u64::try_from(bound.0.as_nanos()).unwrap_or(u64::MAX);
    let windows = ran.recorder.windows().iter().map(|window| {
        let broke = window.response.count_between(bound, u64::MAX);
        (
            broke + window.ended.censored(),
            window.response.len() + window.ended.censored(),
        )
    });
    clumping(&windows.collect::<Vec<_>>())
}

/// The share of the processors that this process used, from the first look to the last.
pub(crate) fn mean_cpu(ran: &Ran) -> Option<f64> {
    let (first, last) = (ran.usage.first()?, ran.usage.last()?);
    let wall = last.at.saturating_sub(first.at).as_secs_f64();
    let cpu = last.cpu.saturating_sub(first.cpu).as_secs_f64();
    let processors = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
    (wall > 0.0).then(|| cpu / wall / processors)
}
