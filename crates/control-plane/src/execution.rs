//! What it means to execute a Query: every target is run, every target has an outcome.
//!
//! The controller knows only [`Execute`]; [`Executor`] is the real thing, and a test may bring its own.
//! Nothing here writes to the Kubernetes API: outcomes go back to the caller, who decides what to record and when.

pub mod error;

mod executor;
pub(crate) mod run;

#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::future::BoxFuture;
use query_api::query::{Phase, Query, Response, Target, TokenUsage};
use tokio_util::sync::CancellationToken;

use crate::execution::error::TargetError;

pub use executor::{ExecutionConfig, Executor};

/// Runs the targets of one Query.
pub trait Execute: Send + Sync {
    /// Runs every target that `recorded` does not answer, all at once, and returns one outcome per target.
    ///
    /// The targets are those that the spec names. A selector is not looked at: whoever calls has put the targets that
    /// it finds into the spec, with [`select`](crate::transition::select).
    /// Outcomes are in the order of the spec, recorded ones included; their number is that of the targets.
    /// `recorded` has one slot per target in the same order; missing slots at its end count as empty.
    /// `finished` is called once for each target that was really run, as soon as its outcome is known and in the
    /// order of completion, on the task that polls the future: keep it short. It is not called for targets that
    /// `cancel` ends.
    /// Once `cancel` fires, every target that has not finished ends as [`TargetError::Canceled`], and the future
    /// resolves without waiting for the far end. Dropping the future abandons all calls in the same way, but
    /// nobody hears of it.
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        recorded: &'a [Option<Response>],
        cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>>;
}

/// What became of one target.
#[derive(Debug)]
pub struct TargetOutcome {
    /// The target as the spec names it.
    pub target: Target,
    /// The answer, or why there is none.
    pub result: Result<Answer, TargetError>,
    /// From the start of this target to its outcome; zero for a recorded one.
    pub took: Duration,
    /// The outcome was taken from the status of an earlier run and nothing was called.
    pub recorded: bool,
}

/// What a target answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The text of the last message.
    pub content: String,
    /// Tokens of all model calls behind this answer; zero where no model was asked, or the model kept silent
    /// about it.
    pub usage: TokenUsage,
}

impl TargetOutcome {
    /// The outcome of a target that an earlier run already answered.
    ///
    /// A recorded response in phase `error` stays an error with the text that was recorded.
    /// Tokens are not kept per response, so the usage of a recorded answer is zero.
    pub fn from_recorded(target: Target, response: &Response) -> Self {
        let result = match response.phase {
            Some(Phase::Error) => Err(TargetError::Recorded {
                message: response.content.clone(),
            }),
            _ => Ok(Answer {
                content: response.content.clone(),
                usage: TokenUsage::default(),
            }),
        };
        Self {
            target,
            result,
            took: Duration::ZERO,
            recorded: true,
        }
    }

    /// The entry of `status.responses` (or `status.response`) for this outcome.
    ///
    /// An answer is in phase `done`; a failure is in phase `error` with the error's text as content, so that one
    /// failed target never hides the answers of the others.
    pub fn to_response(&self) -> Response {
        let (phase, content) = match &self.result {
            Ok(answer) => (Phase::Done, answer.content.clone()),
            Err(error) => (Phase::Error, error.to_string()),
        };
        Response {
            target: Some(self.target.clone()),
            content,
            phase: Some(phase),
            ..Response::default()
        }
    }

    /// The `status` label of the outcome in metrics: `done`, or the error's own label.
    pub fn status_label(&self) -> &'static str {
        match &self.result {
            Ok(_) => "done",
            Err(error) => error.status_label(),
        }
    }
}
