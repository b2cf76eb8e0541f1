//! What happens in a run, and how it changes the state: pure, without clock or store.
//!
//! Events are never changed or removed; applying one costs what it carries, however long the
//! history is.

use serde::{Deserialize, Serialize};

use crate::child::{ChildRun, Spawn};
use crate::error::Rejection;
use crate::json::Json;
use crate::message::{Message, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{RunState, RunStatus, Seq, UnixMillis};
use crate::step::{Step, StepKind};

/// One numbered entry of a run's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Its number: one more than the event before.
    pub seq: Seq,
    /// When it happened.
    pub at_ms: UnixMillis,
    /// What happened.
    pub change: Change,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The run moved on.
    StatusChanged {
        /// Where to.
        status: RunStatus,
    },
    /// Somebody spoke.
    MessageAdded {
        /// What was said.
        message: Message,
    },
    /// A tool answered.
    ToolCallFinished {
        /// The call that it answers.
        call_id: String,
        /// The answer.
        result: ToolResult,
    },
    /// The agent made a plan, in place of the one before.
    PlanReplaced {
        /// All items.
        items: Vec<PlanItem>,
    },
    /// One item of the plan moved on.
    PlanItemChanged {
        /// Its position, from 0.
        item: usize,
        /// Where to.
        status: PlanStatus,
    },
    /// The run did something.
    StepAdded {
        /// Its number in the run: one more than the step before, from 1.
        index: u64,
        /// What kind of step.
        kind: StepKind,
        /// What was done.
        payload: Json,
    },
    /// The run started another one.
    ChildSpawned {
        /// Name of the child run.
        child: String,
        /// How to wait for it.
        spawn: Spawn,
    },
    /// The parent was told how far a child is.
    ChildChanged {
        /// Name of the child run.
        child: String,
        /// Where to.
        status: RunStatus,
    },
    /// Something worth keeping that changes nothing: a stream of tokens, a line for debugging.
    Noted {
        /// What kind of note.
        kind: String,
        /// What it says.
        payload: Json,
    },
}

impl RunState {
    /// Applies the next event.
    ///
    /// An event that does not fit is refused, and leaves the state as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Rejection> {
        next_event(self.version, event.seq)?;
        // A clock that steps back does not take the run with it.
        let now = event.at_ms.max(self.updated_at_ms);
        match &event.change {
            Change::StatusChanged { status } => self.change_status(*status, now)?,
            Change::MessageAdded { message } => self.messages.push(message.clone()),
            Change::ToolCallFinished { call_id, result } => {
                self.open_call(call_id)?.result = Some(result.clone());
            }
            Change::PlanReplaced { items } => self.plan.clone_from(items),
            Change::PlanItemChanged { item, status } => self.plan_item(*item)?.status = *status,
            Change::StepAdded {
                index,
                kind,
                payload,
            } => {
                next_step(self.steps.len() as u64, *index)?;
                self.steps.push(Step {
                    seq: event.seq,
                    at_ms: now,
                    kind: *kind,
                    payload: payload.clone(),
                });
            }
            Change::ChildSpawned { child, spawn } => {
                if self.open_child(child).is_ok() {
                    return Err(Rejection::ChildExists {
                        child: child.clone(),
                    });
                }
                self.children.push(ChildRun {
                    id: child.clone(),
                    spawn: spawn.clone(),
                    status: RunStatus::Pending,
                    spawned_at_ms: now,
                    ended_at_ms: None,
                    seq: event.seq,
                });
            }
            Change::ChildChanged { child, status } => {
                let child = self.open_child(child)?;
                child.status = *status;
                child.seq = event.seq;
                child.ended_at_ms = status.is_terminal().then_some(now);
            }
            Change::Noted { .. } => {}
        }
        self.version = event.seq;
        self.updated_at_ms = now;
        Ok(())
    }

    /// The steps that events after `since_seq` added.
    pub fn steps_since(&self, since_seq: Seq) -> &[Step] {
        let start = self.steps.partition_point(|step| step.seq <= since_seq);
        &self.steps[start..]
    }

    /// The children that events after `since_seq` added or changed.
    pub fn children_since(&self, since_seq: Seq) -> impl Iterator<Item = &ChildRun> {
        self.children
            .iter()
            .filter(move |child| child.seq > since_seq)
    }

    fn change_status(&mut self, status: RunStatus, now: UnixMillis) -> Result<(), Rejection> {
        not_ended(self.status)?;
        self.status = status;
        if status != RunStatus::Pending {
            self.started_at_ms.get_or_insert(now);
        }
        if status.is_terminal() {
            self.ended_at_ms = Some(now);
        }
        Ok(())
    }

    /// The call of this id that has no result yet. Calls are answered soon after they are made,
    /// so the search from the end is short.
    fn open_call(&mut self, call_id: &str) -> Result<&mut ToolCall, Rejection> {
        let calls = self
            .messages
            .iter_mut()
            .rev()
            .flat_map(|message| message.tool_calls.iter_mut().rev());
        calls
            .filter(|call| call.result.is_none())
            .find(|call| call.id == call_id)
            .ok_or_else(|| Rejection::NoSuchCall {
                call_id: call_id.to_owned(),
            })
    }

    fn plan_item(&mut self, item: usize) -> Result<&mut PlanItem, Rejection> {
        let n_items = self.plan.len();
        self.plan
            .get_mut(item)
            .ok_or(Rejection::NoSuchPlanItem { item, n_items })
    }

    /// The child of this name that has not ended.
    fn open_child(&mut self, child: &str) -> Result<&mut ChildRun, Rejection> {
        self.children
            .iter_mut()
            .rev()
            .filter(|known| !known.status.is_terminal())
            .find(|known| known.id == child)
            .ok_or_else(|| Rejection::NoSuchChild {
                child: child.to_owned(),
            })
    }
}

/// The rule that a run ends once.
pub(crate) fn not_ended(status: RunStatus) -> Result<(), Rejection> {
    if status.is_terminal() {
        return Err(Rejection::AlreadyEnded { status });
    }
    Ok(())
}

/// The rule that events are numbered without gaps. Nothing comes after the last number that there is, which only a
/// damaged or forged file has.
pub(crate) fn next_event(version: Seq, seq: Seq) -> Result<(), Rejection> {
    if version.checked_add(1) == Some(seq) {
        return Ok(());
    }
    Err(Rejection::OutOfOrder {
        expected: version.saturating_add(1),
        found: seq,
    })
}

/// The rule that steps are numbered without gaps.
pub(crate) fn next_step(n_steps: u64, index: u64) -> Result<(), Rejection> {
    if n_steps.checked_add(1) == Some(index) {
        return Ok(());
    }
    Err(Rejection::StepOutOfOrder {
        expected: n_steps.saturating_add(1),
        found: index,
    })
}

#[cfg(test)]
mod tests;
