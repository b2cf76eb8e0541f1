//! The writes that start, record and end an execution.
//!
//! All or error: one failed target makes the Query `error`, and the answers of the others are kept beside it in the
//! order of the spec. Tokens are summed over all answers, whatever the phase.

use std::time::Duration;

use jiff::Timestamp;
use query_api::dialect::Dialect;
use query_api::go_duration::GoDuration;
use query_api::query::{Phase, Query, Response, TokenUsage};

use super::completed::{Reason, conditions, running_since};
use super::patch::StatusPatch;
use super::{Effect, Execution, Progress, Step};
use crate::execution::TargetOutcome;
use crate::execution::error::TargetError;

/// Writes that the Query runs.
pub(super) fn start(query: &Query, now: Timestamp) -> Step {
    let patch = StatusPatch {
        phase: Some(Phase::Running),
        conditions: Some(conditions(
            query,
            Reason::QueryRunning,
            "the targets are being asked",
            now,
        )),
        ..StatusPatch::default()
    };
    Step {
        phase: Phase::Running,
        effect: Some(Effect::Start(patch)),
    }
}

/// Writes the answers that are there while others are awaited; nothing if none is new.
///
/// Only dialect `Targets` has room for them; failures wait for the end, so that a restart asks again.
pub(super) fn record(query: &Query, progress: &Progress) -> Step {
    let phase = query.phase();
    let answers: Vec<Response> = progress.answers.iter().flatten().cloned().collect();
    let known = query
        .status
        .as_ref()
        .map_or(0, |status| status.responses.len());
    if query.spec.cancel || phase != Phase::Running || answers.len() <= known {
        return Step::rest(phase);
    }
    let patch = StatusPatch {
        responses: Some(answers),
        token_usage: changed_usage(query, progress.usage),
        ..StatusPatch::default()
    };
    Step::stay(query, Effect::Record(patch))
}

/// Ends a Query whose targets have all come to an end.
pub(super) fn conclude(query: &Query, execution: &Execution, now: Timestamp) -> Step {
    let outcomes = &execution.outcomes;
    let interrupted = outcomes
        .iter()
        .any(|outcome| matches!(outcome.result, Err(TargetError::Canceled)));
    let ending = if query.spec.cancel || interrupted {
        Ending::canceled()
    } else {
        Ending::of(outcomes)
    };
    let kept = |outcome: &&TargetOutcome| ending.phase != Phase::Canceled || outcome.result.is_ok();
    let mut responses = outcomes.iter().filter(kept).map(TargetOutcome::to_response);
    let dialect = Dialect::of_query(&query.spec);
    let patch = StatusPatch {
        response: match dialect {
            Dialect::Target => responses.next(),
            Dialect::Targets => None,
        },
        responses: match dialect {
            Dialect::Targets => Some(responses.collect()),
            Dialect::Target => None,
        },
        token_usage: changed_usage(query, total_usage(execution)),
        duration: Some(GoDuration(duration(query, execution.took, now))),
        ..StatusPatch::default()
    };
    ending.write(query, patch, now)
}

/// Gives up a Query that nobody executes; what earlier runs recorded stays.
pub(super) fn cancel(query: &Query, now: Timestamp) -> Step {
    Ending::canceled().write(query, StatusPatch::default(), now)
}

/// Ends a Query that cannot be executed; what earlier runs recorded stays.
pub(super) fn fail(query: &Query, reason: Reason, cause: &str, now: Timestamp) -> Step {
    let ending = Ending {
        phase: Phase::Error,
        reason,
        message: cause.to_owned(),
    };
    let patch = match Dialect::of_query(&query.spec) {
        Dialect::Targets => StatusPatch::default(),
        Dialect::Target => StatusPatch {
            response: Some(Response {
                target: query.spec.target.clone(),
                content: cause.to_owned(),
                phase: Some(Phase::Error),
                ..Response::default()
            }),
            ..StatusPatch::default()
        },
    };
    ending.write(query, patch, now)
}

/// How a Query ends.
struct Ending {
    phase: Phase,
    reason: Reason,
    message: String,
}

impl Ending {
    fn canceled() -> Self {
        Self {
            phase: Phase::Canceled,
            reason: Reason::QueryCanceled,
            message: "it was canceled".to_owned(),
        }
    }

    /// All or error.
    fn of(outcomes: &[TargetOutcome]) -> Self {
        let failures = || {
            let pairs = outcomes.iter();
            pairs.filter_map(|outcome| Some((&outcome.target, outcome.result.as_ref().err()?)))
        };
        let Some((target, error)) = failures().next() else {
            return Self {
                phase: Phase::Done,
                reason: Reason::QuerySucceeded,
                message: "every target answered".to_owned(),
            };
        };
        let n_failed = failures().count();
        let n_targets = outcomes.len();
        let message = match n_targets {
            1 => format!("{target}: {error}"),
            _ => format!("{n_failed} of {n_targets} targets failed, the first {target}: {error}"),
        };
        let timed_out = |(_, error)| matches!(error, &TargetError::Timeout { .. });
        Self {
            phase: Phase::Error,
            reason: if failures().all(timed_out) {
                Reason::TimedOutInExecution
            } else {
                Reason::QueryErrored
            },
            message,
        }
    }

    fn write(self, query: &Query, patch: StatusPatch, now: Timestamp) -> Step {
        let conditions = conditions(query, self.reason, &self.message, now);
        Step {
            phase: self.phase,
            effect: Some(Effect::Finish(StatusPatch {
                phase: Some(self.phase),
                conditions: Some(conditions),
                ..patch
            })),
        }
    }
}

fn total_usage(execution: &Execution) -> TokenUsage {
    let answers = execution.outcomes.iter();
    let asked = answers
        .filter(|outcome| !outcome.recorded)
        .filter_map(|outcome| outcome.result.as_ref().ok());
    execution.spent + asked.map(|answer| answer.usage).sum()
}

/// The usage if the status does not have it already.
///
/// Counts never fall: a merge patch cannot say so, because it leaves out zeros.
fn changed_usage(query: &Query, usage: TokenUsage) -> Option<TokenUsage> {
    let status = query.status.as_ref();
    let known = status.and_then(|status| status.token_usage);
    let known = known.unwrap_or_default();
    let usage = TokenUsage {
        prompt_tokens: usage.prompt_tokens.max(known.prompt_tokens),
        completion_tokens: usage.completion_tokens.max(known.completion_tokens),
        total_tokens: usage.total_tokens.max(known.total_tokens),
        cached_tokens: usage.cached_tokens.max(known.cached_tokens),
    };
    (usage != known).then_some(usage)
}

/// From the first start to now. The status knows it only to the second, so this run's own time is preferred unless
/// an earlier run began clearly before it.
fn duration(query: &Query, took: Duration, now: Timestamp) -> Duration {
    let since_start = running_since(query).map(|start| now.duration_since(start));
    match since_start.and_then(|elapsed| Duration::try_from(elapsed).ok()) {
        Some(elapsed) if elapsed > took + Duration::from_secs(1) => elapsed,
        _ => took,
    }
}
