//! As much of a run's state as says whether the next event fits: small, however long the history is.
//!
//! A store keeps the head beside the log, so that an append reads and writes the head and the new
//! events, and nothing else. A property test holds it against [`RunState::apply`].

use serde::{Deserialize, Serialize};

use crate::error::Rejection;
use crate::event::{Change, Event, next_event, next_step, not_ended};
use crate::run::{RunState, RunStatus, Seq, UnixMillis};

/// What an append must know of a run.
///
/// Its size follows what is open in the run, not what has happened in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last event.
    pub version: Seq,
    /// How far the run is.
    pub status: RunStatus,
    /// When the run was created.
    pub created_at_ms: UnixMillis,
    /// When the last event happened; the time of creation before the first.
    pub updated_at_ms: UnixMillis,
    /// When the run began to work; `None` before.
    pub started_at_ms: Option<UnixMillis>,
    /// When the run ended; `None` while it has not.
    pub ended_at_ms: Option<UnixMillis>,
    /// Number of the last step.
    pub n_steps: u64,
    /// How many items the plan has.
    pub n_plan_items: usize,
    /// Ids of the tool calls without a result, oldest first.
    pub open_calls: Vec<String>,
    /// Names of the child runs that have not ended, oldest first.
    pub open_children: Vec<String>,
}

impl Head {
    /// The head of a run before its first event.
    pub fn new(created_at_ms: UnixMillis) -> Self {
        Self::of(&RunState::new("", created_at_ms))
    }

    /// The head of a state.
    pub fn of(state: &RunState) -> Self {
        let calls = state
            .messages
            .iter()
            .flat_map(|message| &message.tool_calls);
        let open_calls = calls.filter(|call| call.result.is_none());
        let open_children = state
            .children
            .iter()
            .filter(|child| !child.status.is_terminal());
        Self {
            version: state.version,
            status: state.status,
            created_at_ms: state.created_at_ms,
            updated_at_ms: state.updated_at_ms,
            started_at_ms: state.started_at_ms,
            ended_at_ms: state.ended_at_ms,
            n_steps: state.steps.len() as u64,
            n_plan_items: state.plan.len(),
            open_calls: open_calls.map(|call| call.id.clone()).collect(),
            open_children: open_children.map(|child| child.id.clone()).collect(),
        }
    }

    /// Makes events of changes that happened at one time.
    ///
    /// All fit, or none is made and the head is worth nothing any more.
    /// No event is older than the one before it: a clock that steps back is not followed.
    pub fn extend(
        &mut self,
        at: UnixMillis,
        changes: Vec<Change>,
    ) -> Result<Vec<Event>, Rejection> {
        let at_ms = at.max(self.updated_at_ms);
        let mut events = Vec::with_capacity(changes.len());
        for change in changes {
            let event = Event {
                seq: self.version.saturating_add(1),
                at_ms,
                change,
            };
            self.admit(&event)?;
            events.push(event);
        }
        Ok(events)
    }

    /// Moves on by the next event, if it fits; as it was if not.
    pub fn admit(&mut self, event: &Event) -> Result<(), Rejection> {
        next_event(self.version, event.seq)?;
        let now = event.at_ms.max(self.updated_at_ms);
        match &event.change {
            Change::StatusChanged { status } => {
                not_ended(self.status)?;
                self.status = *status;
                if *status != RunStatus::Pending {
                    self.started_at_ms.get_or_insert(now);
                }
                if status.is_terminal() {
                    self.ended_at_ms = Some(now);
                }
            }
            Change::MessageAdded { message } => {
                let open = message
                    .tool_calls
                    .iter()
                    .filter(|call| call.result.is_none());
                self.open_calls.extend(open.map(|call| call.id.clone()));
            }
            Change::ToolCallFinished { call_id, .. } => {
                close(&mut self.open_calls, call_id).ok_or_else(|| Rejection::NoSuchCall {
                    call_id: call_id.clone(),
                })?;
            }
            Change::PlanReplaced { items } => self.n_plan_items = items.len(),
            Change::PlanItemChanged { item, .. } => {
                if *item >= self.n_plan_items {
                    return Err(Rejection::NoSuchPlanItem {
                        item: *item,
                        n_items: self.n_plan_items,
                    });
                }
            }
            Change::StepAdded { index, .. } => {
                next_step(self.n_steps, *index)?;
                self.n_steps = *index;
            }
            Change::ChildSpawned { child, .. } => {
                if self.open_children.contains(child) {
                    return Err(Rejection::ChildExists {
                        child: child.clone(),
                    });
                }
                self.open_children.push(child.clone());
            }
            Change::ChildChanged { child, status } => {
                self.change_child(child, *status)?;
            }
            Change::Noted { .. } => {}
        }
        self.version = event.seq;
        self.updated_at_ms = now;
        Ok(())
    }

    fn change_child(&mut self, child: &str, status: RunStatus) -> Result<(), Rejection> {
        let is_open = if status.is_terminal() {
            close(&mut self.open_children, child).is_some()
        } else {
            self.open_children.iter().any(|open| open == child)
        };
        is_open.then_some(()).ok_or_else(|| Rejection::NoSuchChild {
            child: child.to_owned(),
        })
    }
}

/// Takes the newest entry of a name out of what is open.
fn close(open: &mut Vec<String>, name: &str) -> Option<String> {
    let position = open.iter().rposition(|entry| entry == name)?;
    Some(open.remove(position))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::child::Spawn;
    use crate::json::Json;
    use crate::message::{Message, Role, ToolCall, ToolResult};
    use crate::plan::{PlanItem, PlanStatus};
    use crate::population::{self, Size};
    use crate::step::StepKind;

    fn json() -> Json {
        Json::parse("{}".to_owned()).expect("valid")
    }

    fn few_names() -> impl Strategy<Value = String> {
        prop::sample::select(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()])
    }

    fn any_status() -> impl Strategy<Value = RunStatus> {
        // The run should seldom end, or nothing after it would be tried.
        let often = prop::sample::select(vec![RunStatus::Running, RunStatus::Waiting]);
        let seldom = prop::sample::select(RunStatus::ALL.to_vec());
        prop_oneof![5 => often, 1 => seldom]
    }

    fn message(ids: Vec<String>) -> Change {
        let call = |id| ToolCall {
            id,
            name: "search".to_owned(),
            arguments: json(),
            result: None,
        };
        Change::MessageAdded {
            message: Message {
                role: Role::Assistant,
                content: String::new(),
                tool_calls: ids.into_iter().map(call).collect(),
            },
        }
    }

    fn any_change() -> impl Strategy<Value = Change> {
        let result = ToolResult {
            output: String::new(),
            failed: false,
            took_ms: 1,
        };
        let item = PlanItem {
            text: String::new(),
            status: PlanStatus::Open,
        };
        prop_oneof![
            any_status().prop_map(|status| Change::StatusChanged { status }),
            prop::collection::vec(few_names(), 0..3).prop_map(message),
            few_names().prop_map(move |call_id| Change::ToolCallFinished {
                call_id,
                result: result.clone()
            }),
            (0..3_usize).prop_map(move |n_items| Change::PlanReplaced {
                items: vec![item.clone(); n_items]
            }),
            (0..3_usize).prop_map(|item| Change::PlanItemChanged {
                item,
                status: PlanStatus::Done
            }),
            (1..4_u64).prop_map(|index| Change::StepAdded {
                index,
                kind: StepKind::Action,
                payload: json()
            }),
            few_names().prop_map(|child| Change::ChildSpawned {
                child,
                spawn: Spawn::default()
            }),
            (few_names(), any_status())
                .prop_map(|(child, status)| Change::ChildChanged { child, status }),
        ]
    }

    proptest! {
        #[test]
        fn a_head_admits_what_the_state_applies_and_nothing_else(
            changes in prop::collection::vec((any_change(), 0..50_u64), 0..60),
        ) {
            let mut state = RunState::new("r", UnixMillis(20));
            let mut head = Head::of(&state);
            for (change, at_ms) in changes {
                let event = Event { seq: state.version + 1, at_ms: UnixMillis(at_ms), change };
                prop_assert_eq!(head.admit(&event), state.apply(&event));
                prop_assert_eq!(&head, &Head::of(&state));
            }
        }
    }

    #[test]
    fn a_head_does_not_grow_with_the_history() {
        for size in Size::ALL {
            let head = Head::of(&population::state(1, size));
            assert!(head.open_calls.is_empty() && head.open_children.is_empty());
        }
    }

    #[test]
    fn a_clock_that_steps_back_does_not_take_the_log_with_it() {
        let mut head = Head::new(UnixMillis(100));
        let running = Change::StatusChanged {
            status: RunStatus::Running,
        };
        let events = head.extend(UnixMillis(40), vec![running]).expect("it fits");
        assert_eq!(events[0].at_ms, UnixMillis(100));
        assert_eq!(head.started_at_ms, Some(UnixMillis(100)));
        assert_eq!(head.updated_at_ms, UnixMillis(100));
    }
}
