//! The condition `Completed`: when and why a Query ended, in both dialects.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use query_api::query::{Query, QueryStatus};

/// The type of the condition.
const COMPLETED: &str = "Completed";

/// The longest message that is written; the schema's own bound is 32 KiB, and nobody reads that much.
const MESSAGE_MAX_BYTES: usize = 4096;

/// Why the condition has its status; upstream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// False: the targets are being asked.
    QueryRunning,
    /// True: every target answered.
    QuerySucceeded,
    /// True: a target failed, or the Query could not be executed.
    QueryErrored,
    /// True: it was given up on request.
    QueryCanceled,
    /// True: its timeout passed before it was started.
    TimedOutInQueue,
    /// True: a target failed because its time was up.
    TimedOutInExecution,
}

impl Reason {
    /// The text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueryRunning => "QueryRunning",
            Self::QuerySucceeded => "QuerySucceeded",
            Self::QueryErrored => "QueryErrored",
            Self::QueryCanceled => "QueryCanceled",
            Self::TimedOutInQueue => "TimedOutInQueue",
            Self::TimedOutInExecution => "TimedOutInExecution",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// All conditions of `query` with `Completed` brought up to date; those of others are kept as they are.
///
/// Its time is that of the last change of status or reason: readers take it for the start and the end of the run.
pub(super) fn conditions(
    query: &Query,
    reason: Reason,
    message: &str,
    now: Timestamp,
) -> Vec<Condition> {
    let completed = Condition {
        last_transition_time: Time(whole_seconds(now)),
        message: shortened(message).to_owned(),
        observed_generation: query.metadata.generation,
        reason: reason.as_str().to_owned(),
        status: if reason == Reason::QueryRunning {
            "False"
        } else {
            "True"
        }
        .to_owned(),
        type_: COMPLETED.to_owned(),
    };
    let others = query.status.iter().flat_map(|status| &status.conditions);
    others
        .filter(|condition| condition.type_ != COMPLETED)
        .cloned()
        .chain([completed])
        .collect()
}

/// When the Query ended; `None` if its conditions do not say, as in upstream's older dialect.
pub(super) fn completed_at(query: &Query) -> Option<Timestamp> {
    let condition = completed(query.status.as_ref()?)?;
    (condition.status == "True").then_some(condition.last_transition_time.0)
}

/// When the Query was first started; `None` if its conditions do not say.
pub(super) fn running_since(query: &Query) -> Option<Timestamp> {
    let condition = completed(query.status.as_ref()?)?;
    (condition.reason == Reason::QueryRunning.as_str()).then_some(condition.last_transition_time.0)
}

fn completed(status: &QueryStatus) -> Option<&Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == COMPLETED)
}

/// The wire has whole seconds; what we remember must not be more exact than what we wrote.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn shortened(message: &str) -> &str {
    if message.len() <= MESSAGE_MAX_BYTES {
        return message;
    }
    let ends = message.char_indices().map(|(end, _)| end);
    let end = ends.take_while(|end| *end <= MESSAGE_MAX_BYTES).last();
    &message[..end.unwrap_or(0)]
}
