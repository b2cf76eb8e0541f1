//! Reading what [`super::write`] wrote: the same fields in the same order, nothing in between.
//!
//! Every function gives `None` at the first byte that is not as expected. That is no verdict on
//! the text; the caller then asks `serde_json`.

use super::scan::{copy_plain_run, plain_run};
use super::sealed::Layout;
use crate::delta::Delta;
use crate::event::{Change, Event};
use crate::session::{
    Json, Message, PlanItem, PlanStatus, Role, RunStatus, SessionState, ToolCall, ToolResult,
    UnixMillis,
};

/// A place in bytes that may be text.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// For strings with escapes, so that each gets memory of its exact size in the end.
    unescaped: Vec<u8>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            unescaped: Vec::new(),
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Reads exactly these bytes.
    #[inline]
    pub(super) fn literal(&mut self, literal: &str) -> Option<()> {
        self.takes(literal).then_some(())
    }

    /// Reads these bytes if they come next.
    #[inline]
    fn takes(&mut self, literal: &str) -> bool {
        let comes_next = self.rest().starts_with(literal.as_bytes());
        if comes_next {
            self.at += literal.len();
        }
        comes_next
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let rest = self.rest();
        let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = &rest[..n_digits];
        let is_zero_padded = n_digits > 1 && digits[0] == b'0';
        let is_fraction = matches!(rest.get(n_digits), Some(b'.' | b'e' | b'E'));
        if n_digits == 0 || is_zero_padded || is_fraction {
            return None;
        }
        self.at += n_digits;
        digits.iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
    }

    fn string(&mut self) -> Option<String> {
        self.literal("\"")?;
        let rest = self.rest();
        let run = &rest[..plain_run(rest)];
        self.at += run.len();
        if self.takes("\"") {
            return std::str::from_utf8(run).ok().map(str::to_owned);
        }
        self.unescaped.clear();
        self.unescaped.extend_from_slice(run);
        self.unescape()?;
        let text = std::str::from_utf8(&self.unescaped);
        text.ok().map(str::to_owned)
    }

    /// Reads the rest of a string into `unescaped`, from its first escape on.
    fn unescape(&mut self) -> Option<()> {
        loop {
            match *self.rest().first_chunk()? {
                [b'"', _] => {
                    self.at += 1;
                    return Some(());
                }
                [b'\\', letter] => {
                    self.at += 2;
                    let byte = self.escaped(letter)?;
                    self.unescaped.push(byte);
                }
                _ => return None,
            }
            let rest = &self.bytes[self.at..];
            self.at += copy_plain_run(rest, &mut self.unescaped);
        }
    }

    #[inline]
    fn escaped(&mut self, letter: u8) -> Option<u8> {
        match letter {
            b'"' | b'\\' | b'/' => Some(letter),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(0x08),
            b'f' => Some(0x0c),
            b'u' => self.escaped_control(),
            _ => None,
        }
    }

    /// Only control characters are written by number.
    fn escaped_control(&mut self) -> Option<u8> {
        self.literal("00")?;
        let [high, low] = *self.rest().first_chunk()?;
        self.at += 2;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let code = digit(high)? * 16 + digit(low)?;
        u8::try_from(code).ok().filter(u8::is_ascii)
    }

    fn boolean(&mut self) -> Option<bool> {
        if self.takes("true") {
            return Some(true);
        }
        self.literal("false").map(|()| false)
    }

    /// Reads one of a few words, between quotes.
    fn word<T: Copy>(&mut self, words: &[T], as_str: impl Fn(T) -> &'static str) -> Option<T> {
        self.literal("\"")?;
        let rest = self.rest();
        let is_next = |word: &&T| {
            let word = as_str(**word).as_bytes();
            rest.starts_with(word) && rest.get(word.len()) == Some(&b'"')
        };
        let word = *words.iter().find(is_next)?;
        self.at += as_str(word).len() + 1;
        Some(word)
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.literal("[")?;
        let mut items = Vec::new();
        loop {
            items.push(read(self)?);
            if self.takes("]") {
                return Some(items);
            }
            self.literal(",")?;
        }
    }

    /// Reads a value as it stands; what is in it is not ours to expect.
    fn json(&mut self) -> Option<Json> {
        let mut values = serde_json::Deserializer::from_slice(self.rest()).into_iter();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    fn time(&mut self) -> Option<UnixMillis> {
        self.number().map(UnixMillis)
    }

    fn run_status(&mut self) -> Option<RunStatus> {
        use RunStatus::{Canceled, Completed, Failed, Pending, Running, Waiting};
        let all = [Running, Completed, Failed, Canceled, Pending, Waiting];
        self.word(&all, RunStatus::as_str)
    }

    fn plan_status(&mut self) -> Option<PlanStatus> {
        use PlanStatus::{Done, InProgress, Open, Skipped};
        self.word(&[Done, Open, InProgress, Skipped], PlanStatus::as_str)
    }

    fn role(&mut self) -> Option<Role> {
        let all = [Role::Assistant, Role::User, Role::Tool, Role::System];
        self.word(&all, Role::as_str)
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
        } else {
            self.literal("plan_replaced\":{\"items\":")?;
            let items = self.list(Self::plan_item)?;
            Change::PlanReplaced { items }
        };
        self.literal("}}")?;
        Some(change)
    }
}

impl Layout for SessionState {
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
            id,
            version,
            status,
            created_at_ms,
            updated_at_ms,
            messages: Vec::new(),
            plan: Vec::new(),
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
        reader.literal("{\"session\":")?;
        let session = reader.string()?;
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
            session,
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
