//! The shapes of events and of deltas.

use serde::{Deserialize, Serialize};

use super::{Reason, Wire, WireItem, WireMessage, WireResult, append, each, json, parse, try_each};
use crate::child::Spawn;
use crate::delta::Delta;
use crate::event::{Change, Event};
use crate::plan::PlanStatus;
use crate::run::{RunStatus, UnixMillis};
use crate::step::StepKind;

#[derive(Serialize, Deserialize)]
struct WireDelta<'a> {
    run: &'a str,
    since_seq: u64,
    newest_seq: u64,
    #[serde(borrow)]
    events: Vec<WireEvent<'a>>,
}

#[derive(Serialize, Deserialize)]
struct WireEvent<'a> {
    seq: u64,
    at_ms: UnixMillis,
    #[serde(borrow)]
    change: WireChange<'a>,
}

#[derive(Serialize, Deserialize)]
enum WireChange<'a> {
    StatusChanged(RunStatus),
    #[serde(borrow)]
    MessageAdded(WireMessage<'a>),
    ToolCallFinished(&'a str, WireResult<'a>),
    PlanReplaced(Vec<WireItem<'a>>),
    PlanItemChanged(u64, PlanStatus),
    Noted(&'a str, &'a str),
    StepAdded(u64, StepKind, &'a str),
    ChildSpawned(&'a str, Spawn),
    ChildChanged(&'a str, RunStatus),
}

impl<'a> WireEvent<'a> {
    fn of(event: &'a Event) -> Self {
        let change = match &event.change {
            Change::StatusChanged { status } => WireChange::StatusChanged(*status),
            Change::MessageAdded { message } => WireChange::MessageAdded(WireMessage::of(message)),
            Change::ToolCallFinished { call_id, result } => {
                WireChange::ToolCallFinished(call_id, WireResult::of(result))
            }
            Change::PlanReplaced { items } => WireChange::PlanReplaced(each(items, WireItem::of)),
            Change::PlanItemChanged { item, status } => {
                WireChange::PlanItemChanged(*item as u64, *status)
            }
            Change::Noted { kind, payload } => WireChange::Noted(kind, payload.as_str()),
            Change::StepAdded {
                index,
                kind,
                payload,
            } => WireChange::StepAdded(*index, *kind, payload.as_str()),
            Change::ChildSpawned { child, spawn } => WireChange::ChildSpawned(child, spawn.clone()),
            Change::ChildChanged { child, status } => WireChange::ChildChanged(child, *status),
        };
        Self {
            seq: event.seq,
            at_ms: event.at_ms,
            change,
        }
    }

    fn read(self) -> Result<Event, Reason> {
        let change = match self.change {
            WireChange::StatusChanged(status) => Change::StatusChanged { status },
            WireChange::MessageAdded(message) => Change::MessageAdded {
                message: message.read()?,
            },
            WireChange::ToolCallFinished(call_id, result) => Change::ToolCallFinished {
                call_id: call_id.to_owned(),
                result: result.read(),
            },
            WireChange::PlanReplaced(items) => Change::PlanReplaced {
                items: items.into_iter().map(WireItem::read).collect(),
            },
            WireChange::PlanItemChanged(item, status) => Change::PlanItemChanged {
                item: usize::try_from(item).map_err(|error| error.to_string())?,
                status,
            },
            WireChange::Noted(kind, payload) => Change::Noted {
                kind: kind.to_owned(),
                payload: json(payload)?,
            },
            WireChange::StepAdded(index, kind, payload) => Change::StepAdded {
                index,
                kind,
                payload: json(payload)?,
            },
            WireChange::ChildSpawned(child, spawn) => Change::ChildSpawned {
                child: child.to_owned(),
                spawn,
            },
            WireChange::ChildChanged(child, status) => Change::ChildChanged {
                child: child.to_owned(),
                status,
            },
        };
        Ok(Event {
            seq: self.seq,
            at_ms: self.at_ms,
            change,
        })
    }
}

impl Wire for Event {
    fn to_wire(&self, out: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        append(&WireEvent::of(self), out)
    }

    fn from_wire(payload: &[u8]) -> Result<Self, Reason> {
        parse::<WireEvent<'_>>(payload)?.read()
    }
}

impl Wire for Delta {
    fn to_wire(&self, out: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        let delta = WireDelta {
            run: &self.run,
            since_seq: self.since_seq,
            newest_seq: self.newest_seq,
            events: each(&self.events, WireEvent::of),
        };
        append(&delta, out)
    }

    fn from_wire(payload: &[u8]) -> Result<Self, Reason> {
        let delta: WireDelta<'_> = parse(payload)?;
        Ok(Self {
            run: delta.run.to_owned(),
            since_seq: delta.since_seq,
            newest_seq: delta.newest_seq,
            events: try_each(delta.events, WireEvent::read)?,
        })
    }
}
