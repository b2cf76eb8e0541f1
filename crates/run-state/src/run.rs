//! The state of one run: its conversation, plan, steps and child runs, and how far it is.
//!
//! Plain data; how it changes is [`crate::event`]'s affair.
//! Every field that can be empty is left out of the JSON when it is, and no other field ever is.

use serde::{Deserialize, Serialize};

use crate::child::ChildRun;
use crate::message::Message;
use crate::plan::PlanItem;
use crate::step::Step;

/// The number of an event in its run, from 1 without gaps; 0 is before the first.
///
/// The number of the last event is also the version of the run.
pub type Seq = u64;

/// A point in time, in milliseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// What the events of a run add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunState {
    /// Name of the run, unique in its store.
    pub id: String,
    /// Number of the last event in this state.
    pub version: Seq,
    /// How far the run is.
    pub status: RunStatus,
    /// When the run was created.
    pub created_at_ms: UnixMillis,
    /// When the last event happened; the time of creation before the first. Never goes back.
    pub updated_at_ms: UnixMillis,
    /// The conversation, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// The to-do list of the agent, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanItem>,
    /// What the run belongs to.
    #[serde(default, skip_serializing_if = "Origin::is_empty")]
    pub origin: Origin,
    /// When the run began to work; `None` before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<UnixMillis>,
    /// When the run ended; `None` while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<UnixMillis>,
    /// What the run did, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The runs that this one started, in the order of their starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildRun>,
}

impl RunState {
    /// The state before the first event, of a run that belongs to nothing.
    pub fn new(id: impl Into<String>, created_at_ms: UnixMillis) -> Self {
        Self {
            id: id.into(),
            version: 0,
            status: RunStatus::Pending,
            created_at_ms,
            updated_at_ms: created_at_ms,
            messages: Vec::new(),
            plan: Vec::new(),
            origin: Origin::default(),
            started_at_ms: None,
            ended_at_ms: None,
            steps: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The same state, of a run that belongs to something.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

/// What a run belongs to. All fields may be unset, and none ever changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The session: the conversation that the run is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The run that started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The workspace or user whose run it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The agent that is executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Origin {
    /// Whether the run belongs to nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Created, not yet started.
    Pending,
    /// At work.
    Running,
    /// Waits for something outside: an approval, a user, a child run.
    Waiting,
    /// Ended with an answer.
    Completed,
    /// Ended without one.
    Failed,
    /// Ended on request.
    Canceled,
}

impl RunStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
    ];

    /// Whether the run has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::{FailurePolicy, JoinPolicy};
    use crate::message::Role;
    use crate::plan::PlanStatus;
    use crate::step::StepKind;

    fn check_words<T: Copy + Serialize>(all: &[T], as_str: impl Fn(T) -> &'static str) {
        for word in all {
            let wire = serde_json::to_value(word).expect("a word");
            assert_eq!(wire, as_str(*word));
        }
    }

    #[test]
    fn words_are_the_same_in_code_and_on_the_wire() {
        check_words(&RunStatus::ALL, RunStatus::as_str);
        check_words(&Role::ALL, Role::as_str);
        check_words(&PlanStatus::ALL, PlanStatus::as_str);
        check_words(&StepKind::ALL, StepKind::as_str);
        check_words(&FailurePolicy::ALL, FailurePolicy::as_str);
        let all = serde_json::to_value(JoinPolicy::All).expect("a word");
        assert_eq!(all, "all");
    }

    #[test]
    fn a_run_has_ended_in_three_of_six_ways_to_stand() {
        let ended = RunStatus::ALL.map(RunStatus::is_terminal);
        assert_eq!(ended, [false, false, false, true, true, true]);
    }
}
