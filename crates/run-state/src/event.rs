//! What happens in a session, and how it changes the state: pure, without clock or store.
//!
//! Events are never changed or removed; applying one costs what it carries, however long the
//! history is.

use serde::{Deserialize, Serialize};

use crate::error::Rejection;
use crate::session::{
    Json, Message, PlanItem, PlanStatus, RunStatus, Seq, SessionState, ToolCall, ToolResult,
    UnixMillis,
};

/// One numbered entry of a session's log.
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
    /// Something worth keeping that changes nothing: a stream of tokens, a line for debugging.
    Noted {
        /// What kind of note.
        kind: String,
        /// What it says.
        payload: Json,
    },
}

impl SessionState {
    /// Applies the next event.
    ///
    /// An event that does not fit is refused, and leaves the state as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Rejection> {
        if event.seq != self.version + 1 {
            return Err(Rejection::OutOfOrder {
                expected: self.version + 1,
                found: event.seq,
            });
        }
        match &event.change {
            Change::StatusChanged { status } => self.change_status(*status)?,
            Change::MessageAdded { message } => self.messages.push(message.clone()),
            Change::ToolCallFinished { call_id, result } => {
                self.open_call(call_id)?.result = Some(result.clone());
            }
            Change::PlanReplaced { items } => self.plan.clone_from(items),
            Change::PlanItemChanged { item, status } => self.plan_item(*item)?.status = *status,
            Change::Noted { .. } => {}
        }
        self.version = event.seq;
        self.updated_at_ms = event.at_ms;
        Ok(())
    }

    fn change_status(&mut self, status: RunStatus) -> Result<(), Rejection> {
        if self.status.is_terminal() {
            return Err(Rejection::AlreadyEnded {
                status: self.status,
            });
        }
        self.status = status;
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Role;

    fn state_after(changes: Vec<Change>) -> SessionState {
        let mut state = SessionState::new("s", UnixMillis(1));
        for change in changes {
            apply(&mut state, change).expect("fits");
        }
        state
    }

    fn apply(state: &mut SessionState, change: Change) -> Result<(), Rejection> {
        let event = Event {
            seq: state.version + 1,
            at_ms: UnixMillis(state.version + 100),
            change,
        };
        state.apply(&event)
    }

    fn call(id: &str) -> Change {
        let tool_call = ToolCall {
            id: id.to_owned(),
            name: "search".to_owned(),
            arguments: Json::parse("{}".to_owned()).expect("valid"),
            result: None,
        };
        Change::MessageAdded {
            message: Message {
                role: Role::Assistant,
                content: String::new(),
                tool_calls: vec![tool_call],
            },
        }
    }

    fn answer(id: &str, output: &str) -> Change {
        Change::ToolCallFinished {
            call_id: id.to_owned(),
            result: ToolResult {
                output: output.to_owned(),
                failed: false,
                took_ms: 3,
            },
        }
    }

    fn check_refused(mut state: SessionState, change: Change, expected: &str) {
        let before = state.clone();
        let rejection = apply(&mut state, change).expect_err(expected);
        assert_eq!(rejection.to_string(), expected);
        assert_eq!(state, before, "a refused event changes nothing");
    }

    #[test]
    fn a_result_goes_to_the_open_call_of_its_id() {
        let state = state_after(vec![
            call("a"),
            answer("a", "first"),
            call("a"),
            call("b"),
            answer("a", "second"),
        ]);
        let outputs: Vec<_> = state
            .messages
            .iter()
            .map(|message| message.tool_calls[0].result.as_ref())
            .map(|result| result.map(|result| result.output.as_str()))
            .collect();
        assert_eq!(outputs, [Some("first"), Some("second"), None]);
        assert_eq!((state.version, state.updated_at_ms), (5, UnixMillis(104)));
    }

    #[test]
    fn a_plan_is_replaced_as_a_whole_and_moves_item_by_item() {
        let item = |text: &str, status| PlanItem {
            text: text.to_owned(),
            status,
        };
        let items = vec![item("a", PlanStatus::Open), item("b", PlanStatus::Open)];
        let state = state_after(vec![
            Change::PlanReplaced { items },
            Change::PlanItemChanged {
                item: 1,
                status: PlanStatus::Done,
            },
        ]);
        let expected = [item("a", PlanStatus::Open), item("b", PlanStatus::Done)];
        assert_eq!(state.plan, expected);
    }

    #[test]
    fn an_event_that_does_not_fit_is_refused_whole() {
        let open = state_after(vec![call("a")]);
        check_refused(open.clone(), answer("b", ""), "no open tool call `b`");
        let answered = state_after(vec![call("a"), answer("a", "")]);
        check_refused(answered, answer("a", ""), "no open tool call `a`");
        let change = Change::PlanItemChanged {
            item: 0,
            status: PlanStatus::Done,
        };
        check_refused(open.clone(), change, "no item 0 in a plan of 0");
        let status = RunStatus::Canceled;
        let ended = state_after(vec![Change::StatusChanged { status }]);
        let status = RunStatus::Running;
        check_refused(
            ended,
            Change::StatusChanged { status },
            "the run is already canceled",
        );
        let gap = Event {
            seq: 3,
            at_ms: UnixMillis(0),
            change: call("b"),
        };
        let rejection = open.clone().apply(&gap).expect_err("2 is next");
        assert_eq!(rejection.to_string(), "event 3 where 2 is next");
    }
}
