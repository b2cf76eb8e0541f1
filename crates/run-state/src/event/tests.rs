//! What each event does to a state, and which do not fit.

use super::*;
use crate::head::Head;
use crate::message::Role;

fn state_after(changes: Vec<Change>) -> RunState {
    let mut state = RunState::new("s", UnixMillis(1));
    for change in changes {
        apply(&mut state, change).expect("fits");
    }
    state
}

fn apply(state: &mut RunState, change: Change) -> Result<(), Rejection> {
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

fn check_refused(mut state: RunState, change: Change, expected: &str) {
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

#[test]
fn nothing_comes_after_the_last_number_that_there_is() {
    let mut state = RunState::new("r", UnixMillis(1));
    state.version = u64::MAX;
    let event = Event {
        seq: u64::MAX,
        at_ms: UnixMillis(2),
        change: Change::Noted {
            kind: "note".to_owned(),
            payload: Json::null(),
        },
    };
    let refused = Rejection::OutOfOrder {
        expected: u64::MAX,
        found: u64::MAX,
    };
    assert_eq!(state.apply(&event), Err(refused.clone()));
    assert_eq!(Head::of(&state).admit(&event), Err(refused));
}
