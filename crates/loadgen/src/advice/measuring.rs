//! What a run measured, as far as the advice asks for it.

use crate::advice::Measurements;
use crate::judging::mean_cpu;
use crate::outcome::Outcome;
use crate::run::Ran;
use crate::scenario::Scenario;
use crate::usage::Usage;

impl Measurements {
    /// The measurements of a run; whatever it could not see is unset.
    pub fn of(scenario: &Scenario, ran: &Ran) -> Self {
        let all = ran.recorder.all();
        let total = all.outcomes.total();
        let denied =
            all.outcomes.get(Outcome::DeniedByRate) + all.outcomes.get(Outcome::DeniedByCap);
        let executions = ran.findings.most_at_once.map(|(most, _)| most as f64);
        let mean = all.response.came.mean() / 1e9;
        let [shortest, longest] = scenario.llm.latency;
        let replies = (scenario.llm.tool_calls + 1) as f64;
        let llm = (shortest.0 + longest.0).as_secs_f64() / 2.0 * replies;
        let queued = ran.usage.iter().filter_map(|usage| usage.inside.queued);
        Self {
            queue_depth: queued.max().map(|most| most as f64),
            workers_busy: per_second(ran, |usage| {
                usage.inside.worked.map(|worked| worked.as_secs_f64())
            }),
            errors_per_minute: per_second(ran, |usage| {
                usage.inside.errors.map(|errors| errors as f64)
            })
            .map(|errors| 60.0 * errors),
            queue_wait_p99: all.queue_wait.quantile(0.99).map(|wait| wait.as_secs_f64()),
            cpu: mean_cpu(ran),
            executions,
            llm_share: (mean > 0.0).then(|| (llm / mean).min(1.0)),
            denied: (total > 0).then(|| denied as f64 / total as f64),
            ..Self::default()
        }
    }
}

/// How fast something grew from the first look to the last; unset if there were not two, or nobody saw it.
fn per_second(ran: &Ran, of: fn(&Usage) -> Option<f64>) -> Option<f64> {
    let (first, last) = (ran.usage.first()?, ran.usage.last()?);
    let seconds = last.at.saturating_sub(first.at).as_secs_f64();
    let grown = of(last)? - of(first)?;
    (seconds > 0.0).then(|| grown / seconds)
}
