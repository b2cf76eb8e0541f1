//! What a run measured, as far as the advice asks for it.

use crate::advice::Measurements;
use crate::judging::mean_cpu;
use crate::outcome::Outcome;
use crate::run::Ran;
use crate::scenario::Scenario;

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
        Self {
            queue_wait_p99: all.queue_wait.quantile(0.99).map(|wait| wait.as_secs_f64()),
            cpu: mean_cpu(ran),
            executions,
            llm_share: (mean > 0.0).then(|| (llm / mean).min(1.0)),
            denied: (total > 0).then(|| denied as f64 / total as f64),
            ..Self::default()
        }
    }
}
