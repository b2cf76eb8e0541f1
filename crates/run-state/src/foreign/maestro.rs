//! AgentMaestro's snapshot: `{run, steps, events_since_seq, child_runs}`.
//!
//! Ours is what its `since_seq` promises: steps, events and child runs are those that changed since, and
//! all four parts are of one version. Messages, tool calls and the plan are not in its model: they
//! are in the payloads of the events.

use serde::{Deserialize, Serialize};

use crate::child::{ChildRun, FailurePolicy, JoinPolicy, Spawn};
use crate::codec;
use crate::delta::{ChildDelta, Delta};
use crate::error::CodecError;
use crate::event::{Change, Event};
use crate::head::Head;
use crate::json::Json;
use crate::run::{Origin, RunState, RunStatus, UnixMillis};
use crate::step::{Step, StepKind};

const OBJECT: &str = "AgentMaestro snapshot";

#[derive(Serialize, Deserialize)]
struct Snapshot {
    run: Run,
    #[serde(default)]
    steps: Vec<WireStep>,
    #[serde(default)]
    events_since_seq: Vec<WireEvent>,
    #[serde(default)]
    child_runs: Vec<Child>,
}

#[derive(Serialize, Deserialize)]
struct Run {
    id: String,
    workspace_id: Option<String>,
    agent_id: Option<String>,
    parent_run_id: Option<String>,
    status: String,
    current_step_index: u64,
    started_at: Option<String>,
    ended_at: Option<String>,
    correlation_id: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize, Deserialize)]
struct WireStep {
    id: String,
    run_id: String,
    step_index: u64,
    kind: String,
    payload: Json,
    created_at: String,
}

#[derive(Serialize, Deserialize)]
struct WireEvent {
    id: String,
    run_id: String,
    seq: u64,
    event_type: String,
    payload: Json,
    created_at: String,
}

#[derive(Serialize, Deserialize)]
struct Child {
    id: String,
    status: String,
    created_at: Option<String>,
    ended_at: Option<String>,
    #[serde(rename = "subrun_link__group_id")]
    group_id: Option<String>,
    #[serde(rename = "subrun_link__join_policy")]
    join_policy: Option<String>,
    #[serde(rename = "subrun_link__quorum")]
    quorum: Option<u32>,
    #[serde(rename = "subrun_link__timeout_seconds")]
    timeout_seconds: Option<u64>,
    #[serde(rename = "subrun_link__failure_policy")]
    failure_policy: Option<String>,
}

/// Writes what changed in a run: the state, and the delta that ends with it.
pub fn write(state: &RunState, delta: &Delta) -> Vec<u8> {
    let run_id = || state.id.clone();
    let steps = delta.steps().map(|(index, step)| WireStep {
        id: format!("{}/step/{index}", state.id),
        run_id: run_id(),
        step_index: index,
        kind: step_kind(step.kind).to_owned(),
        payload: step.payload,
        created_at: step.at_ms.to_iso(),
    });
    let events = delta.events.iter().map(|event| WireEvent {
        id: format!("{}/event/{}", state.id, event.seq),
        run_id: run_id(),
        seq: event.seq,
        event_type: event_type(&event.change).to_owned(),
        payload: payload(event),
        created_at: event.at_ms.to_iso(),
    });
    let changed = delta.children();
    let is_changed = |child: &&ChildRun| {
        changed.iter().any(|delta| match delta {
            ChildDelta::Spawned(spawned) => spawned.id == child.id,
            ChildDelta::Changed { child: name, .. } => *name == child.id,
        })
    };
    let snapshot = Snapshot {
        run: Run {
            id: run_id(),
            workspace_id: state.origin.workspace.clone(),
            agent_id: state.origin.agent.clone(),
            parent_run_id: state.origin.parent.clone(),
            status: status(state).to_owned(),
            current_step_index: state.steps.len() as u64,
            started_at: state.started_at_ms.map(UnixMillis::to_iso),
            ended_at: state.ended_at_ms.map(UnixMillis::to_iso),
            correlation_id: state.origin.session.clone(),
            created_at: state.created_at_ms.to_iso(),
            updated_at: state.updated_at_ms.to_iso(),
        },
        steps: steps.collect(),
        events_since_seq: events.collect(),
        child_runs: state
            .children
            .iter()
            .filter(is_changed)
            .map(child)
            .collect(),
    };
    serde_json::to_vec(&snapshot).expect("plain values into memory")
}

/// Reads a whole snapshot, taken since 0, as a state.
///
/// Its version is the number of its last event. A status that it does not share with us, of a run
/// that waits in one of its five ways or is paused, is `Waiting`.
pub fn read(bytes: &[u8]) -> Result<RunState, CodecError> {
    let snapshot: Snapshot = serde_json::from_slice(bytes).map_err(|error| {
        let reason = error.to_string();
        let offset = 0;
        CodecError::Corrupt {
            object: OBJECT,
            offset,
            reason,
        }
    })?;
    let run = snapshot.run;
    let version = snapshot
        .events_since_seq
        .iter()
        .map(|event| event.seq)
        .max();
    let origin = Origin {
        session: run.correlation_id,
        parent: run.parent_run_id,
        workspace: run.workspace_id,
        agent: run.agent_id,
    };
    let version = version.unwrap_or(0);
    let steps = snapshot.steps.into_iter().map(|step| {
        Ok(Step {
            seq: version,
            at_ms: time(&step.created_at)?,
            kind: read_step_kind(&step.kind)?,
            payload: step.payload,
        })
    });
    let children = snapshot
        .child_runs
        .into_iter()
        .map(|child| read_child(child, version));
    Ok(RunState {
        version,
        status: read_status(&run.status)?,
        updated_at_ms: time(&run.updated_at)?,
        started_at_ms: run.started_at.as_deref().map(time).transpose()?,
        ended_at_ms: run.ended_at.as_deref().map(time).transpose()?,
        steps: steps.collect::<Result<_, CodecError>>()?,
        children: children.collect::<Result<_, CodecError>>()?,
        ..RunState::new(run.id, time(&run.created_at)?).with_origin(origin)
    })
}

fn unknown(what: &str, word: &str) -> CodecError {
    CodecError::Corrupt {
        object: OBJECT,
        offset: 0,
        reason: format!("unknown {what} `{word}`"),
    }
}

fn time(text: &str) -> Result<UnixMillis, CodecError> {
    UnixMillis::from_iso(text).ok_or_else(|| unknown("time", text))
}

/// Its way of waiting is the first that applies: for a child, for a tool, for the user.
fn status(state: &RunState) -> &'static str {
    match state.status {
        RunStatus::Pending => "PENDING",
        RunStatus::Running => "RUNNING",
        RunStatus::Completed => "COMPLETED",
        RunStatus::Failed => "FAILED",
        RunStatus::Canceled => "CANCELED",
        RunStatus::Waiting => {
            let head = Head::of(state);
            if !head.open_children.is_empty() {
                "WAITING_FOR_SUBRUN"
            } else if !head.open_calls.is_empty() {
                "WAITING_FOR_TOOL"
            } else {
                "WAITING_FOR_USER"
            }
        }
    }
}

fn child_status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Pending => "PENDING",
        RunStatus::Running => "RUNNING",
        RunStatus::Waiting => "WAITING_FOR_USER",
        RunStatus::Completed => "COMPLETED",
        RunStatus::Failed => "FAILED",
        RunStatus::Canceled => "CANCELED",
    }
}

fn read_status(word: &str) -> Result<RunStatus, CodecError> {
    match word {
        "PENDING" => Ok(RunStatus::Pending),
        "RUNNING" => Ok(RunStatus::Running),
        "COMPLETED" => Ok(RunStatus::Completed),
        "FAILED" => Ok(RunStatus::Failed),
        "CANCELED" => Ok(RunStatus::Canceled),
        "PAUSED" => Ok(RunStatus::Waiting),
        word if word.starts_with("WAITING_FOR_") => Ok(RunStatus::Waiting),
        word => Err(unknown("status", word)),
    }
}

fn step_kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Plan => "PLAN",
        StepKind::ModelCall => "MODEL_CALL",
        StepKind::ToolCall => "TOOL_CALL",
        StepKind::Spawn => "SUBRUN_SPAWN",
        StepKind::Action => "ACTION",
        StepKind::Observation => "OBSERVATION",
        StepKind::Message => "MESSAGE",
        StepKind::Final => "FINAL",
    }
}

fn read_step_kind(word: &str) -> Result<StepKind, CodecError> {
    if word == "SPAWN_SUBRUN" {
        return Ok(StepKind::Spawn);
    }
    let found = StepKind::ALL
        .into_iter()
        .find(|kind| step_kind(*kind) == word);
    found.ok_or_else(|| unknown("step kind", word))
}

fn event_type(change: &Change) -> &str {
    match change {
        Change::StatusChanged { .. } => "state_changed",
        Change::MessageAdded { .. } => "message_added",
        Change::ToolCallFinished { .. } => "tool_call_completed",
        Change::PlanReplaced { .. } | Change::PlanItemChanged { .. } => "plan_changed",
        Change::StepAdded { .. } => "step_created",
        Change::ChildSpawned { .. } => "subrun_spawned",
        Change::ChildChanged { status, .. } => match status {
            RunStatus::Canceled => "subrun_cancelled",
            status if status.is_terminal() => "subrun_completed",
            _ => "subrun_changed",
        },
        Change::Noted { kind, .. } => kind,
    }
}

/// The event as our codec writes it; a note is its payload alone.
fn payload(event: &Event) -> Json {
    if let Change::Noted { payload, .. } = &event.change {
        return payload.clone();
    }
    let text = String::from_utf8(codec::encode(event)).expect("JSON is text");
    Json::parse(text).expect("the codec writes JSON")
}

fn child(child: &ChildRun) -> Child {
    let (join_policy, quorum, timeout_seconds) = match child.spawn.join {
        JoinPolicy::All => ("WAIT_ALL", None, None),
        JoinPolicy::Any => ("WAIT_ANY", None, None),
        JoinPolicy::Quorum { n_children } => ("QUORUM", Some(n_children), None),
        // In whole seconds, and never less than was asked for.
        JoinPolicy::Timeout { after_ms } => ("TIMEOUT", None, Some(after_ms.div_ceil(1_000))),
    };
    let group = Some(child.spawn.group.clone());
    Child {
        id: child.id.clone(),
        status: child_status(child.status).to_owned(),
        created_at: Some(child.spawned_at_ms.to_iso()),
        ended_at: child.ended_at_ms.map(UnixMillis::to_iso),
        group_id: group.filter(|group| !group.is_empty()),
        join_policy: Some(join_policy.to_owned()),
        quorum,
        timeout_seconds,
        failure_policy: Some(child.spawn.on_failure.as_str().to_uppercase()),
    }
}

fn read_child(child: Child, seq: u64) -> Result<ChildRun, CodecError> {
    let join = match child.join_policy.as_deref() {
        None | Some("WAIT_ALL") => JoinPolicy::All,
        Some("WAIT_ANY") => JoinPolicy::Any,
        Some("QUORUM") => JoinPolicy::Quorum {
            n_children: child.quorum.unwrap_or(1),
        },
        Some("TIMEOUT") => JoinPolicy::Timeout {
            after_ms: child.timeout_seconds.unwrap_or(0).saturating_mul(1_000),
        },
        Some(word) => return Err(unknown("join policy", word)),
    };
    let on_failure = child.failure_policy.as_deref().unwrap_or("FAIL_FAST");
    let policy = |policy: &FailurePolicy| policy.as_str().eq_ignore_ascii_case(on_failure);
    let on_failure = FailurePolicy::ALL
        .into_iter()
        .find(policy)
        .ok_or_else(|| unknown("failure policy", on_failure))?;
    Ok(ChildRun {
        id: child.id,
        spawn: Spawn {
            group: child.group_id.unwrap_or_default(),
            join,
            on_failure,
        },
        status: read_status(&child.status)?,
        spawned_at_ms: child
            .created_at
            .as_deref()
            .map_or(Ok(UnixMillis(0)), time)?,
        ended_at_ms: child.ended_at.as_deref().map(time).transpose()?,
        seq,
    })
}

#[cfg(test)]
mod tests;
