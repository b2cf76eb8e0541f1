//! Arbitrary objects.

use proptest::prelude::*;

use crate::child::{ChildRun, FailurePolicy, JoinPolicy, Spawn};
use crate::event::{Change, Event};
use crate::json::Json;
use crate::message::{Message, Role, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{Origin, RunState, RunStatus, UnixMillis};
use crate::step::{Step, StepKind};

pub(super) fn any_text() -> impl Strategy<Value = String> {
    let any = prop::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter);
    let hard = "[\"\\\\\u{0}-\u{1f}\u{7f}aé😀]{0,40}";
    let long = "[ -~\n]{0,200}";
    prop_oneof![any, hard, long]
}

pub(super) fn any_json() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        (-1e300..1e300).prop_map(serde_json::Value::from),
        any_text().prop_map(serde_json::Value::from),
    ];
    let value = scalar.prop_recursive(3, 12, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let map = prop::collection::btree_map(any_text(), inner, 0..4);
        prop_oneof![
            list.prop_map(serde_json::Value::from),
            map.prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    (value, any::<bool>()).prop_map(|(value, pretty)| {
        let text = if pretty {
            format!("{value:#}")
        } else {
            value.to_string()
        };
        Json::parse(text).expect("valid")
    })
}

prop_compose! {
    fn any_result()(output in any_text(), failed: bool, took_ms: u64) -> ToolResult {
        ToolResult { output, failed, took_ms }
    }
}

prop_compose! {
    fn any_call()(
        id in any_text(),
        name in any_text(),
        arguments in any_json(),
        result in prop::option::of(any_result()),
    ) -> ToolCall {
        ToolCall { id, name, arguments, result }
    }
}

prop_compose! {
    fn any_message()(
        role in prop::sample::select(Role::ALL.to_vec()),
        content in any_text(),
        tool_calls in prop::collection::vec(any_call(), 0..3),
    ) -> Message {
        Message { role, content, tool_calls }
    }
}

pub(super) fn any_plan_status() -> impl Strategy<Value = PlanStatus> {
    prop::sample::select(PlanStatus::ALL.to_vec())
}

fn any_plan() -> impl Strategy<Value = Vec<PlanItem>> {
    let item = (any_text(), any_plan_status()).prop_map(|(text, status)| PlanItem { text, status });
    prop::collection::vec(item, 0..4)
}

fn any_origin() -> impl Strategy<Value = Origin> {
    let name = || prop::option::of(any_text());
    (name(), name(), name(), name()).prop_map(|(session, parent, workspace, agent)| Origin {
        session,
        parent,
        workspace,
        agent,
    })
}

fn any_step_kind() -> impl Strategy<Value = StepKind> {
    prop::sample::select(StepKind::ALL.to_vec())
}

prop_compose! {
    fn any_step()(seq: u64, at_ms: u64, kind in any_step_kind(), payload in any_json()) -> Step {
        Step { seq, at_ms: UnixMillis(at_ms), kind, payload }
    }
}

fn any_spawn() -> impl Strategy<Value = Spawn> {
    let join = prop_oneof![
        Just(JoinPolicy::All),
        Just(JoinPolicy::Any),
        any::<u32>().prop_map(|n_children| JoinPolicy::Quorum { n_children }),
        any::<u64>().prop_map(|after_ms| JoinPolicy::Timeout { after_ms }),
    ];
    let on_failure = prop::sample::select(FailurePolicy::ALL.to_vec());
    (any_text(), join, on_failure).prop_map(|(group, join, on_failure)| Spawn {
        group,
        join,
        on_failure,
    })
}

prop_compose! {
    fn any_child()(
        id in any_text(),
        spawn in any_spawn(),
        status in any_run_status(),
        spawned_at_ms: u64,
        ended_at_ms: Option<u64>,
        seq: u64,
    ) -> ChildRun {
        let (spawned_at_ms, ended_at_ms) = (UnixMillis(spawned_at_ms), ended_at_ms.map(UnixMillis));
        ChildRun { id, spawn, status, spawned_at_ms, ended_at_ms, seq }
    }
}

pub(super) fn any_run_status() -> impl Strategy<Value = RunStatus> {
    prop::sample::select(RunStatus::ALL.to_vec())
}

prop_compose! {
    pub(super) fn any_state()(
        id in any_text(),
        version: u64,
        status in any_run_status(),
        times: (u64, u64),
        messages in prop::collection::vec(any_message(), 0..4),
        plan in any_plan(),
        origin in any_origin(),
        since in (prop::option::of(any::<u64>()), prop::option::of(any::<u64>())),
        steps in prop::collection::vec(any_step(), 0..3),
        children in prop::collection::vec(any_child(), 0..3),
    ) -> RunState {
        RunState {
            id,
            version,
            status,
            created_at_ms: UnixMillis(times.0),
            updated_at_ms: UnixMillis(times.1),
            messages,
            plan,
            origin,
            started_at_ms: since.0.map(UnixMillis),
            ended_at_ms: since.1.map(UnixMillis),
            steps,
            children,
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    // An empty list is written, and is not the layout that the fast reader expects.
    let items = any_plan().prop_filter("not empty", |items| !items.is_empty());
    prop_oneof![
        any_run_status().prop_map(|status| Change::StatusChanged { status }),
        any_message().prop_map(|message| Change::MessageAdded { message }),
        (any_text(), any_result())
            .prop_map(|(call_id, result)| Change::ToolCallFinished { call_id, result }),
        items.prop_map(|items| Change::PlanReplaced { items }),
        (any::<usize>(), any_plan_status())
            .prop_map(|(item, status)| Change::PlanItemChanged { item, status }),
        (any::<u64>(), any_step_kind(), any_json()).prop_map(|(index, kind, payload)| {
            Change::StepAdded {
                index,
                kind,
                payload,
            }
        }),
        (any_text(), any_spawn()).prop_map(|(child, spawn)| Change::ChildSpawned { child, spawn }),
        (any_text(), any_run_status())
            .prop_map(|(child, status)| Change::ChildChanged { child, status }),
        (any_text(), any_json()).prop_map(|(kind, payload)| Change::Noted { kind, payload }),
    ]
}

prop_compose! {
    pub(super) fn any_event()(seq: u64, at_ms: u64, change in any_change()) -> Event {
        Event { seq, at_ms: UnixMillis(at_ms), change }
    }
}
