//! Taskforce's session file: `{session_id, timestamp, state_data}`, with the conversation as messages
//! in OpenAI's form and the plan as the planner's tasks.
//!
//! It cannot carry how long a tool took and whether it failed, the status of the run, the steps, the
//! children, and an item of the plan that is in progress or skipped, which is pending there.

use serde::{Deserialize, Serialize};

use crate::error::CodecError;
use crate::json::Json;
use crate::message::{Message, Role, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{RunState, UnixMillis};

const OBJECT: &str = "Taskforce session";

#[derive(Serialize, Deserialize)]
struct File {
    session_id: String,
    timestamp: String,
    state_data: StateData,
}

#[derive(Serialize, Deserialize)]
struct StateData {
    #[serde(default)]
    conversation_history: Vec<WireMessage>,
    #[serde(default)]
    planner_state: PlannerState,
    #[serde(default)]
    _version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    _updated_at: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct PlannerState {
    #[serde(default)]
    tasks: Vec<Task>,
}

#[derive(Serialize, Deserialize)]
struct Task {
    description: String,
    status: String,
}

#[derive(Serialize, Deserialize)]
struct WireMessage {
    role: Role,
    /// Null beside tool calls.
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireCall {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    function: Function,
}

#[derive(Serialize, Deserialize)]
struct Function {
    name: String,
    /// JSON in a string.
    arguments: String,
}

/// Writes a session file.
pub fn write(state: &RunState) -> Vec<u8> {
    let task = |item: &PlanItem| Task {
        description: item.text.clone(),
        status: match item.status {
            PlanStatus::Done => "DONE",
            PlanStatus::Open | PlanStatus::InProgress | PlanStatus::Skipped => "PENDING",
        }
        .to_owned(),
    };
    let updated_at = state.updated_at_ms.to_iso();
    let file = File {
        session_id: state.id.clone(),
        timestamp: updated_at.clone(),
        state_data: StateData {
            conversation_history: state.messages.iter().flat_map(messages).collect(),
            planner_state: PlannerState {
                tasks: state.plan.iter().map(task).collect(),
            },
            _version: state.version,
            _updated_at: Some(updated_at),
        },
    };
    serde_json::to_vec_pretty(&file).expect("plain values into memory")
}

/// A message, and one of the tool for each call of it that has a result.
fn messages(message: &Message) -> Vec<WireMessage> {
    let call = |call: &ToolCall| WireCall {
        id: call.id.clone(),
        kind: "function".to_owned(),
        function: Function {
            name: call.name.clone(),
            arguments: call.arguments.as_str().to_owned(),
        },
    };
    let said = WireMessage {
        role: message.role,
        content: Some(message.content.clone()),
        tool_calls: message.tool_calls.iter().map(call).collect(),
        tool_call_id: None,
    };
    let results = message.tool_calls.iter().filter_map(|call| {
        let result = call.result.as_ref()?;
        Some(WireMessage {
            role: Role::Tool,
            content: Some(result.output.clone()),
            tool_calls: Vec::new(),
            tool_call_id: Some(call.id.clone()),
        })
    });
    std::iter::once(said).chain(results).collect()
}

/// Reads a session file. Keys of `state_data` that are none of ours are left out.
pub fn read(bytes: &[u8]) -> Result<RunState, CodecError> {
    let corrupt = |reason: String| CodecError::Corrupt {
        object: OBJECT,
        offset: 0,
        reason,
    };
    let file: File = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
    // Its time stamps may be without a zone; then they are UTC.
    let time = |text: &str| {
        UnixMillis::from_iso(text)
            .or_else(|| UnixMillis::from_iso(&format!("{text}Z")))
            .ok_or_else(|| corrupt(format!("unknown time `{text}`")))
    };
    let mut state = RunState::new(file.session_id, time(&file.timestamp)?);
    let data = file.state_data;
    state.version = data._version;
    if let Some(updated_at) = &data._updated_at {
        state.updated_at_ms = time(updated_at)?;
    }
    for task in data.planner_state.tasks {
        let status = match task.status.as_str() {
            "DONE" => PlanStatus::Done,
            _ => PlanStatus::Open,
        };
        let text = task.description;
        state.plan.push(PlanItem { text, status });
    }
    for message in data.conversation_history {
        add(&mut state.messages, message).map_err(corrupt)?;
    }
    Ok(state)
}

/// Adds a message; a tool's goes to the call that it answers, if there is one.
fn add(messages: &mut Vec<Message>, message: WireMessage) -> Result<(), String> {
    let content = message.content.unwrap_or_default();
    if let Some(id) = &message.tool_call_id {
        let mut calls = messages
            .iter_mut()
            .rev()
            .flat_map(|message| &mut message.tool_calls);
        if let Some(call) = calls.find(|call| call.id == *id && call.result.is_none()) {
            call.result = Some(ToolResult {
                output: content,
                failed: false,
                took_ms: 0,
            });
            return Ok(());
        }
    }
    let call = |call: WireCall| {
        let arguments = Json::parse(call.function.arguments)
            .map_err(|error| format!("arguments of call `{}`: {error}", call.id))?;
        Ok(ToolCall {
            id: call.id,
            name: call.function.name,
            arguments,
            result: None,
        })
    };
    let tool_calls: Result<Vec<_>, String> = message.tool_calls.into_iter().map(call).collect();
    messages.push(Message {
        role: message.role,
        content,
        tool_calls: tool_calls?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::population::{self, Size};

    #[test]
    fn the_conversation_and_the_plan_come_back() {
        let mut state = population::state(4, Size::Usual);
        let read = read(&write(&state)).expect("ours");
        for message in &mut state.messages {
            for result in message
                .tool_calls
                .iter_mut()
                .filter_map(|call| call.result.as_mut())
            {
                (result.failed, result.took_ms) = (false, 0);
            }
        }
        assert_eq!(read.messages, state.messages);
        assert_eq!(read.plan, state.plan);
        assert_eq!((&read.id, read.version), (&state.id, state.version));
        assert_eq!(read.updated_at_ms, state.updated_at_ms);
    }

    #[test]
    fn a_file_of_the_platform_is_read() {
        let text = r#"{"session_id": "abc", "timestamp": "2025-01-01T00:00:00.500000",
            "state_data": {"planner_state": {"tasks": [{"description": "look", "status": "PENDING"}]},
            "answers": {}, "pending_question": null,
            "conversation_history": [{"role": "user", "content": "hi"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"}],
            "_version": 3, "_updated_at": "2025-01-01T00:00:01"}}"#;
        let state = read(text.as_bytes()).expect("as the platform writes it");
        assert_eq!((state.version, state.messages.len()), (3, 2));
        assert_eq!(state.updated_at_ms, UnixMillis(1_735_689_601_000));
        let call = &state.messages[1].tool_calls[0];
        assert_eq!(call.arguments.as_str(), r#"{"a":1}"#);
        let result = call.result.as_ref().expect("it is answered");
        assert_eq!(result.output, "done");
        let broken = text.replace(r#"{\"a\": 1}"#, "{");
        let error = read(broken.as_bytes()).expect_err("no JSON").to_string();
        assert!(error.contains("arguments of call `c1`"), "{error}");
    }
}
