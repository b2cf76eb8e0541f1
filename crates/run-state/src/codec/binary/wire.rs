//! The shapes on the disk, borrowed from the objects that are written and the bytes that are read.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::child::{ChildRun, Spawn};
use crate::json::Json;
use crate::message::{Message, Role, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{Origin, RunState, RunStatus, UnixMillis};
use crate::step::{Step, StepKind};

mod event;

/// Written and read by way of a shape of its own.
pub trait Wire: Sized {
    /// Appends the payload.
    fn to_wire(&self, out: Vec<u8>) -> Result<Vec<u8>, postcard::Error>;

    /// Reads a payload; says what is wrong with it otherwise.
    fn from_wire(payload: &[u8]) -> Result<Self, String>;
}

/// Why a payload whose checksum fits cannot be read: only its writer can have been wrong.
type Reason = String;

#[derive(Serialize, Deserialize)]
struct WireRun<'a> {
    id: &'a str,
    version: u64,
    status: RunStatus,
    created_at_ms: UnixMillis,
    updated_at_ms: UnixMillis,
    #[serde(borrow)]
    messages: Vec<WireMessage<'a>>,
    plan: Vec<WireItem<'a>>,
    origin: WireOrigin<'a>,
    started_at_ms: Option<UnixMillis>,
    ended_at_ms: Option<UnixMillis>,
    steps: Vec<WireStep<'a>>,
    children: Vec<WireChild<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WireOrigin<'a> {
    session: Option<&'a str>,
    parent: Option<&'a str>,
    workspace: Option<&'a str>,
    agent: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct WireMessage<'a> {
    role: Role,
    content: &'a str,
    #[serde(borrow)]
    tool_calls: Vec<WireCall<'a>>,
}

#[derive(Serialize, Deserialize)]
struct WireCall<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
    #[serde(borrow)]
    result: Option<WireResult<'a>>,
}

#[derive(Serialize, Deserialize)]
struct WireResult<'a> {
    output: &'a str,
    failed: bool,
    took_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct WireItem<'a> {
    text: &'a str,
    status: PlanStatus,
}

#[derive(Serialize, Deserialize)]
struct WireStep<'a> {
    seq: u64,
    at_ms: UnixMillis,
    kind: StepKind,
    payload: &'a str,
}

#[derive(Serialize, Deserialize)]
struct WireChild<'a> {
    id: &'a str,
    spawn: Spawn,
    status: RunStatus,
    spawned_at_ms: UnixMillis,
    ended_at_ms: Option<UnixMillis>,
    seq: u64,
}

/// A list of objects as a list of shapes, or back.
fn each<'a, From, To>(list: &'a [From], convert: impl Fn(&'a From) -> To) -> Vec<To> {
    list.iter().map(convert).collect()
}

fn try_each<From, To>(
    list: Vec<From>,
    convert: impl Fn(From) -> Result<To, Reason>,
) -> Result<Vec<To>, Reason> {
    list.into_iter().map(convert).collect()
}

fn json(text: &str) -> Result<Json, Reason> {
    Json::parse(text.to_owned()).map_err(|error| error.to_string())
}

impl<'a> WireMessage<'a> {
    fn of(message: &'a Message) -> Self {
        Self {
            role: message.role,
            content: &message.content,
            tool_calls: each(&message.tool_calls, WireCall::of),
        }
    }

    fn read(self) -> Result<Message, Reason> {
        Ok(Message {
            role: self.role,
            content: self.content.to_owned(),
            tool_calls: try_each(self.tool_calls, WireCall::read)?,
        })
    }
}

impl<'a> WireCall<'a> {
    fn of(call: &'a ToolCall) -> Self {
        Self {
            id: &call.id,
            name: &call.name,
            arguments: call.arguments.as_str(),
            result: call.result.as_ref().map(WireResult::of),
        }
    }

    fn read(self) -> Result<ToolCall, Reason> {
        Ok(ToolCall {
            id: self.id.to_owned(),
            name: self.name.to_owned(),
            arguments: json(self.arguments)?,
            result: self.result.map(WireResult::read),
        })
    }
}

impl<'a> WireResult<'a> {
    fn of(result: &'a ToolResult) -> Self {
        Self {
            output: &result.output,
            failed: result.failed,
            took_ms: result.took_ms,
        }
    }

    fn read(self) -> ToolResult {
        ToolResult {
            output: self.output.to_owned(),
            failed: self.failed,
            took_ms: self.took_ms,
        }
    }
}

impl<'a> WireItem<'a> {
    fn of(item: &'a PlanItem) -> Self {
        Self {
            text: &item.text,
            status: item.status,
        }
    }

    fn read(self) -> PlanItem {
        PlanItem {
            text: self.text.to_owned(),
            status: self.status,
        }
    }
}

impl<'a> WireStep<'a> {
    fn of(step: &'a Step) -> Self {
        Self {
            seq: step.seq,
            at_ms: step.at_ms,
            kind: step.kind,
            payload: step.payload.as_str(),
        }
    }

    fn read(self) -> Result<Step, Reason> {
        Ok(Step {
            seq: self.seq,
            at_ms: self.at_ms,
            kind: self.kind,
            payload: json(self.payload)?,
        })
    }
}

impl<'a> WireChild<'a> {
    fn of(child: &'a ChildRun) -> Self {
        Self {
            id: &child.id,
            spawn: child.spawn.clone(),
            status: child.status,
            spawned_at_ms: child.spawned_at_ms,
            ended_at_ms: child.ended_at_ms,
            seq: child.seq,
        }
    }

    fn read(self) -> ChildRun {
        ChildRun {
            id: self.id.to_owned(),
            spawn: self.spawn,
            status: self.status,
            spawned_at_ms: self.spawned_at_ms,
            ended_at_ms: self.ended_at_ms,
            seq: self.seq,
        }
    }
}

impl<'a> WireOrigin<'a> {
    pub(super) fn of(origin: &'a Origin) -> Self {
        Self {
            session: origin.session.as_deref(),
            parent: origin.parent.as_deref(),
            workspace: origin.workspace.as_deref(),
            agent: origin.agent.as_deref(),
        }
    }

    pub(super) fn read(self) -> Origin {
        Origin {
            session: self.session.map(str::to_owned),
            parent: self.parent.map(str::to_owned),
            workspace: self.workspace.map(str::to_owned),
            agent: self.agent.map(str::to_owned),
        }
    }
}

impl Wire for RunState {
    fn to_wire(&self, out: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        let run = WireRun {
            id: &self.id,
            version: self.version,
            status: self.status,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
            messages: each(&self.messages, WireMessage::of),
            plan: each(&self.plan, WireItem::of),
            origin: WireOrigin::of(&self.origin),
            started_at_ms: self.started_at_ms,
            ended_at_ms: self.ended_at_ms,
            steps: each(&self.steps, WireStep::of),
            children: each(&self.children, WireChild::of),
        };
        append(&run, out)
    }

    fn from_wire(payload: &[u8]) -> Result<Self, Reason> {
        let run: WireRun<'_> = parse(payload)?;
        Ok(Self {
            id: run.id.to_owned(),
            version: run.version,
            status: run.status,
            created_at_ms: run.created_at_ms,
            updated_at_ms: run.updated_at_ms,
            messages: try_each(run.messages, WireMessage::read)?,
            plan: run.plan.into_iter().map(WireItem::read).collect(),
            origin: run.origin.read(),
            started_at_ms: run.started_at_ms,
            ended_at_ms: run.ended_at_ms,
            steps: try_each(run.steps, WireStep::read)?,
            children: run.children.into_iter().map(WireChild::read).collect(),
        })
    }
}

/// Bytes at the end of a buffer, a string at a time.
struct Appended(Vec<u8>);

impl Flavor for Appended {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

fn append<T: Serialize>(shape: &T, out: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
    postcard::serialize_with_flavor(shape, Appended(out))
}

fn parse<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, Reason> {
    let (shape, rest) = postcard::take_from_bytes(payload).map_err(|error| error.to_string())?;
    if rest.is_empty() {
        Ok(shape)
    } else {
        Err(format!("{} bytes too many", rest.len()))
    }
}
