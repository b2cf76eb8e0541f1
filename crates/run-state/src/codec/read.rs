//! Reading what [`super::write`] wrote: the same fields in the same order, nothing in between.
//!
//! Every function gives `None` at the first byte that is not as expected. That is no verdict on
//! the text; the caller then asks `serde_json`.

use super::reader::Reader;
use super::sealed::Layout;
use crate::delta::Delta;
use crate::event::{Change, Event};
use crate::message::{Message, Role, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{RunState, RunStatus};
use crate::step::StepKind;

impl Reader<'_> {
    fn run_status(&mut self) -> Option<RunStatus> {
        self.word(&RunStatus::ALL, RunStatus::as_str)
    }

    fn plan_status(&mut self) -> Option<PlanStatus> {
        self.word(&PlanStatus::ALL, PlanStatus::as_str)
    }

    fn role(&mut self) -> Option<Role> {
        self.word(&Role::ALL, Role::as_str)
    }

    fn message(&mut self) -> Option<Message> {
        self.literal("{\"role\":")?;
        let role = self.role()?;
        self.literal(",\"content\":")?;
        let content = self.string()?;
        let tool_calls = if self.takes(",\"tool_calls\":") {
            self.list(Self::tool_call)?
        } else {
            Vec::new()
        };
        self.literal("}")?;
        Some(Message {
            role,
            content,
            tool_calls,
        })
    }

    fn tool_call(&mut self) -> Option<ToolCall> {
        self.literal("{\"id\":")?;
        let id = self.string()?;
        self.literal(",\"name\":")?;
        let name = self.string()?;
        self.literal(",\"arguments\":")?;
        let arguments = self.json()?;
        let result = if self.takes(",\"result\":") {
            Some(self.tool_result()?)
        } else {
            None
        };
        self.literal("}")?;
        Some(ToolCall {
            id,
            name,
            arguments,
            result,
        })
    }

    fn tool_result(&mut self) -> Option<ToolResult> {
        self.literal("{\"output\":")?;
        let output = self.string()?;
        self.literal(",\"failed\":")?;
        let failed = self.boolean()?;
        self.literal(",\"took_ms\":")?;
        let took_ms = self.number()?;
        self.literal("}")?;
        Some(ToolResult {
            output,
            failed,
            took_ms,
        })
    }

    fn plan_item(&mut self) -> Option<PlanItem> {
        self.literal("{\"text\":")?;
        let text = self.string()?;
        self.literal(",\"status\":")?;
        let status = self.plan_status()?;
        self.literal("}")?;
        Some(PlanItem { text, status })
    }

    fn event(&mut self) -> Option<Event> {
        self.literal("{\"seq\":")?;
        let seq = self.number()?;
        self.literal(",\"at_ms\":")?;
        let at_ms = self.time()?;
        self.literal(",\"change\":")?;
        let change = self.change()?;
        self.literal("}")?;
        Some(Event { seq, at_ms, change })
    }

    fn change(&mut self) -> Option<Change> {
        self.literal("{\"")?;
        let change = if self.takes("message_added\":{\"message\":") {
            let message = self.message()?;
            Change::MessageAdded { message }
        } else if self.takes("tool_call_finished\":{\"call_id\":") {
            let call_id = self.string()?;
            self.literal(",\"result\":")?;
            let result = self.tool_result()?;
            Change::ToolCallFinished { call_id, result }
        } else if self.takes("noted\":{\"kind\":") {
            let kind = self.string()?;
            self.literal(",\"payload\":")?;
            let payload = self.json()?;
            Change::Noted { kind, payload }
        } else if self.takes("status_changed\":{\"status\":") {
            let status = self.run_status()?;
            Change::StatusChanged { status }
        } else if self.takes("plan_item_changed\":{\"item\":") {
            let item = usize::try_from(self.number()?).ok()?;
            self.literal(",\"status\":")?;
            let status = self.plan_status()?;
            Change::PlanItemChanged { item, status }
        } else if self.takes("step_added\":{\"index\":") {
            let index = self.number()?;
            self.literal(",\"kind\":")?;
            let kind = self.word(&StepKind::ALL, StepKind::as_str)?;
            self.literal(",\"payload\":")?;
            let payload = self.json()?;
            Change::StepAdded {
                index,
                kind,
                payload,
            }
        } else if self.takes("child_spawned\":{\"child\":") {
            let child = self.string()?;
            self.literal(",\"spawn\":")?;
            let spawn = self.value()?;
            Change::ChildSpawned { child, spawn }
        } else if self.takes("child_changed\":{\"child\":") {
            let child = self.string()?;
            self.literal(",\"status\":")?;
            let status = self.run_status()?;
            Change::ChildChanged { child, status }
        } else {
            self.literal("plan_replaced\":{\"items\":")?;
            let items = self.list(Self::plan_item)?;
            Change::PlanReplaced { items }
        };
        self.literal("}}")?;
        Some(change)
    }
}

impl Layout for RunState {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_body(out);
    }

    fn size_hint(&self) -> usize {
        self.body_size()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.literal("{\"id\":")?;
        let id = reader.string()?;
        reader.literal(",\"version\":")?;
        let version = reader.number()?;
        reader.literal(",\"status\":")?;
        let status = reader.run_status()?;
        reader.literal(",\"created_at_ms\":")?;
        let created_at_ms = reader.time()?;
        reader.literal(",\"updated_at_ms\":")?;
        let updated_at_ms = reader.time()?;
        let mut state = Self {
            version,
            status,
            updated_at_ms,
            ..Self::new(id, created_at_ms)
        };
        if reader.takes(",\"messages\":") {
            state.messages = reader.list(|reader| {
                #[cfg(feature = "slowdown")]
                if slowdown::DECODE.again() {
                    let at = reader.at;
                    drop(std::hint::black_box(reader.message()));
                    reader.at = at;
                }
                reader.message()
            })?;
        }
        if reader.takes(",\"plan\":") {
            state.plan = reader.list(Reader::plan_item)?;
        }
        if reader.takes(",\"origin\":") {
            state.origin = reader.value()?;
        }
        if reader.takes(",\"started_at_ms\":") {
            state.started_at_ms = Some(reader.time()?);
        }
        if reader.takes(",\"ended_at_ms\":") {
            state.ended_at_ms = Some(reader.time()?);
        }
        if reader.takes(",\"steps\":") {
            state.steps = reader.value()?;
        }
        if reader.takes(",\"children\":") {
            state.children = reader.value()?;
        }
        reader.literal("}")?;
        Some(state)
    }
}

impl Layout for Delta {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_body(out);
    }

    fn size_hint(&self) -> usize {
        self.body_size()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.literal("{\"run\":")?;
        let run = reader.string()?;
        reader.literal(",\"since_seq\":")?;
        let since_seq = reader.number()?;
        reader.literal(",\"newest_seq\":")?;
        let newest_seq = reader.number()?;
        let events = if reader.takes(",\"events\":") {
            reader.list(Reader::event)?
        } else {
            Vec::new()
        };
        reader.literal("}")?;
        Some(Self {
            run,
            since_seq,
            newest_seq,
            events,
        })
    }
}

impl Layout for Event {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_body(out);
    }

    fn size_hint(&self) -> usize {
        self.body_size()
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.event()
    }
}
