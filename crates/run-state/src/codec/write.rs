//! Writing: field names as ready-made bytes, strings in runs, into one buffer of about the size.

use serde::Serialize;

use super::scan::copy_plain_run;
use super::sealed::Layout;
use crate::delta::Delta;
use crate::event::{Change, Event};
use crate::message::{Message, ToolCall, ToolResult};
use crate::plan::PlanItem;
use crate::run::RunState;

/// Bytes of names and punctuation around the fields of a small object, generously.
pub(super) const FRAME: usize = 96;

#[inline]
pub(super) fn bytes(out: &mut Vec<u8>, bytes: &str) {
    out.extend_from_slice(bytes.as_bytes());
}

pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

pub(super) fn string(out: &mut Vec<u8>, string: &str) {
    out.push(b'"');
    let mut rest = string.as_bytes();
    loop {
        let run = copy_plain_run(rest, out);
        let Some((&special, after)) = rest[run..].split_first() else {
            break;
        };
        escape(out, special);
        rest = after;
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            bytes(out, "\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend([b'\\', letter]);
}

fn list<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Appends what is small or rare as `serde_json` writes it.
fn value<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    written.expect("plain values into memory");
}

impl RunState {
    pub(super) fn write_body(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"id\":");
        string(out, &self.id);
        bytes(out, ",\"version\":");
        number(out, self.version);
        bytes(out, ",\"status\":\"");
        bytes(out, self.status.as_str());
        bytes(out, "\",\"created_at_ms\":");
        number(out, self.created_at_ms.0);
        bytes(out, ",\"updated_at_ms\":");
        number(out, self.updated_at_ms.0);
        if !self.messages.is_empty() {
            bytes(out, ",\"messages\":");
            list(out, &self.messages, |message, out| {
                #[cfg(feature = "slowdown")]
                if slowdown::ENCODE.again() {
                    let n_written = out.len();
                    message.write(out);
                    std::hint::black_box(&*out);
                    out.truncate(n_written);
                }
                message.write(out);
            });
        }
        if !self.plan.is_empty() {
            bytes(out, ",\"plan\":");
            list(out, &self.plan, PlanItem::write);
        }
        if !self.origin.is_empty() {
            bytes(out, ",\"origin\":");
            value(out, &self.origin);
        }
        if let Some(started_at_ms) = self.started_at_ms {
            bytes(out, ",\"started_at_ms\":");
            number(out, started_at_ms.0);
        }
        if let Some(ended_at_ms) = self.ended_at_ms {
            bytes(out, ",\"ended_at_ms\":");
            number(out, ended_at_ms.0);
        }
        if !self.steps.is_empty() {
            bytes(out, ",\"steps\":");
            value(out, &self.steps);
        }
        if !self.children.is_empty() {
            bytes(out, ",\"children\":");
            value(out, &self.children);
        }
        out.push(b'}');
    }

    pub(super) fn body_size(&self) -> usize {
        let messages: usize = self.messages.iter().map(Message::size).sum();
        let plan: usize = self.plan.iter().map(PlanItem::size).sum();
        let steps = self.steps.iter();
        let steps: usize = steps.map(|step| FRAME + step.payload.as_str().len()).sum();
        let children = 2 * FRAME * self.children.len();
        4 * FRAME + self.id.len() + messages + plan + steps + children
    }
}

impl Delta {
    pub(super) fn write_body(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"run\":");
        string(out, &self.run);
        bytes(out, ",\"since_seq\":");
        number(out, self.since_seq);
        bytes(out, ",\"newest_seq\":");
        number(out, self.newest_seq);
        if !self.events.is_empty() {
            bytes(out, ",\"events\":");
            list(out, &self.events, Event::write);
        }
        out.push(b'}');
    }

    pub(super) fn body_size(&self) -> usize {
        let events: usize = self.events.iter().map(Event::body_size).sum();
        FRAME + self.run.len() + events
    }
}

impl Event {
    pub(super) fn write_body(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"seq\":");
        number(out, self.seq);
        bytes(out, ",\"at_ms\":");
        number(out, self.at_ms.0);
        bytes(out, ",\"change\":");
        self.change.write(out);
        out.push(b'}');
    }

    pub(super) fn body_size(&self) -> usize {
        FRAME + self.change.size()
    }
}

impl Change {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::StatusChanged { status } => {
                bytes(out, "{\"status_changed\":{\"status\":\"");
                bytes(out, status.as_str());
                out.push(b'"');
            }
            Self::MessageAdded { message } => {
                bytes(out, "{\"message_added\":{\"message\":");
                message.write(out);
            }
            Self::ToolCallFinished { call_id, result } => {
                bytes(out, "{\"tool_call_finished\":{\"call_id\":");
                string(out, call_id);
                bytes(out, ",\"result\":");
                result.write(out);
            }
            Self::PlanReplaced { items } => {
                bytes(out, "{\"plan_replaced\":{\"items\":");
                list(out, items, PlanItem::write);
            }
            Self::PlanItemChanged { item, status } => {
                bytes(out, "{\"plan_item_changed\":{\"item\":");
                number(out, *item as u64);
                bytes(out, ",\"status\":\"");
                bytes(out, status.as_str());
                out.push(b'"');
            }
            Self::StepAdded {
                index,
                kind,
                payload,
            } => {
                bytes(out, "{\"step_added\":{\"index\":");
                number(out, *index);
                bytes(out, ",\"kind\":\"");
                bytes(out, kind.as_str());
                bytes(out, "\",\"payload\":");
                bytes(out, payload.as_str());
            }
            Self::ChildSpawned { child, spawn } => {
                bytes(out, "{\"child_spawned\":{\"child\":");
                string(out, child);
                bytes(out, ",\"spawn\":");
                value(out, spawn);
            }
            Self::ChildChanged { child, status } => {
                bytes(out, "{\"child_changed\":{\"child\":");
                string(out, child);
                bytes(out, ",\"status\":\"");
                bytes(out, status.as_str());
                out.push(b'"');
            }
            Self::Noted { kind, payload } => {
                bytes(out, "{\"noted\":{\"kind\":");
                string(out, kind);
                bytes(out, ",\"payload\":");
                bytes(out, payload.as_str());
            }
        }
        bytes(out, "}}");
    }

    fn size(&self) -> usize {
        FRAME
            + match self {
                Self::StatusChanged { .. }
                | Self::PlanItemChanged { .. }
                | Self::ChildSpawned { .. }
                | Self::ChildChanged { .. } => FRAME,
                Self::StepAdded { payload, .. } => payload.as_str().len(),
                Self::MessageAdded { message } => message.size(),
                Self::ToolCallFinished { call_id, result } => call_id.len() + result.size(),
                Self::PlanReplaced { items } => items.iter().map(PlanItem::size).sum(),
                Self::Noted { kind, payload } => kind.len() + payload.as_str().len(),
            }
    }
}

impl Message {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"role\":\"");
        bytes(out, self.role.as_str());
        bytes(out, "\",\"content\":");
        string(out, &self.content);
        if !self.tool_calls.is_empty() {
            bytes(out, ",\"tool_calls\":");
            list(out, &self.tool_calls, ToolCall::write);
        }
        out.push(b'}');
    }

    fn size(&self) -> usize {
        let tool_calls: usize = self.tool_calls.iter().map(ToolCall::size).sum();
        FRAME + with_escapes(&self.content) + tool_calls
    }
}

impl ToolCall {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"id\":");
        string(out, &self.id);
        bytes(out, ",\"name\":");
        string(out, &self.name);
        bytes(out, ",\"arguments\":");
        bytes(out, self.arguments.as_str());
        if let Some(result) = &self.result {
            bytes(out, ",\"result\":");
            result.write(out);
        }
        out.push(b'}');
    }

    fn size(&self) -> usize {
        let result = self.result.as_ref().map_or(0, ToolResult::size);
        FRAME + self.id.len() + self.name.len() + self.arguments.as_str().len() + result
    }
}

impl ToolResult {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"output\":");
        string(out, &self.output);
        bytes(
            out,
            if self.failed {
                ",\"failed\":true"
            } else {
                ",\"failed\":false"
            },
        );
        bytes(out, ",\"took_ms\":");
        number(out, self.took_ms);
        out.push(b'}');
    }

    fn size(&self) -> usize {
        FRAME + with_escapes(&self.output)
    }
}

impl PlanItem {
    fn write(&self, out: &mut Vec<u8>) {
        bytes(out, "{\"text\":");
        string(out, &self.text);
        bytes(out, ",\"status\":\"");
        bytes(out, self.status.as_str());
        bytes(out, "\"}");
    }

    fn size(&self) -> usize {
        FRAME + self.text.len()
    }
}

/// About how long a text is when written; one escape in eight bytes seldom is not enough.
fn with_escapes(text: &str) -> usize {
    text.len() + text.len() / 8
}
