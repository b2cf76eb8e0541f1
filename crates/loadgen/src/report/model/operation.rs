//! What a report says of operations: how they ended, how long they took, and what the model was asked for them.

use serde::{Deserialize, Serialize};

use crate::driver::ModelUse;
use crate::outcome::Outcome;
use crate::recorder::{Latencies, Tally, nanoseconds};
use crate::run::Ran;

/// One operation, or all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl ModelRow {
    pub(super) fn new(used: ModelUse, ran: &Ran) -> Self {
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
    pub(super) fn new(name: &str, tally: &Tally) -> Self {
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
