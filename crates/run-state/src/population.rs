//! Runs of realistic make and given size, from a seed: for tests and for suites.
//!
//! The same seed and size give the same run on every machine and with every version of every
//! dependency: the random numbers are this module's own, and a test holds the fingerprint.

use crate::event::{Change, Event};
use crate::json::Json;
use crate::message::{Message, Role, ToolCall, ToolResult};
use crate::plan::{PlanItem, PlanStatus};
use crate::run::{RunState, RunStatus, UnixMillis};

mod text;

use text::Text;

/// How large the state of a run is when encoded, to within a twentieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 10 KB: a run of a few steps; fits every cache.
    Small,
    /// 100 KB: a run of an hour, the upper end of what the seeds' platforms keep per session.
    Usual,
    /// 1 MB: a run that nobody bounded.
    Large,
}

impl Size {
    /// All sizes, the smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Usual, Self::Large];

    /// The size in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Small => 10_000,
            Self::Usual => 100_000,
            Self::Large => 1_000_000,
        }
    }
}

/// The log of a run: a plan, and turns of a user and an assistant that calls tools.
pub fn events(seed: u64, size: Size) -> Vec<Event> {
    let mut author = Author::new(seed, size);
    author.open();
    let mut turn = 0;
    while author.n_left() > 0 {
        author.turn(turn);
        turn += 1;
    }
    author.change(Change::StatusChanged {
        status: RunStatus::Completed,
    });
    author.events
}

/// The state that the [`events`] of this seed and size add up to.
pub fn state(seed: u64, size: Size) -> RunState {
    let mut state = RunState::new(format!("run-{seed:016x}"), START);
    for event in events(seed, size) {
        let applied = state.apply(&event);
        applied.expect("the author writes events that fit");
    }
    state
}

/// 2025-01-01, so that times have as many digits as in reality.
const START: UnixMillis = UnixMillis(1_735_689_600_000);

/// What a tool call may add to the state, in bytes.
const LARGEST_CALL: usize = 2_500;

/// Writes events one after the other, and counts what they add to the state.
struct Author {
    text: Text,
    events: Vec<Event>,
    now: UnixMillis,
    size: Size,
    n_bytes: usize,
    n_calls: usize,
}

impl Author {
    fn new(seed: u64, size: Size) -> Self {
        Self {
            text: Text::new(seed),
            events: Vec::new(),
            now: START,
            size,
            n_bytes: 0,
            n_calls: 0,
        }
    }

    /// Bytes that the state may still grow by.
    fn n_left(&self) -> usize {
        self.size.bytes().saturating_sub(self.n_bytes)
    }

    fn change(&mut self, change: Change) {
        self.now.0 += self.text.below(4_000) as u64 + 1;
        self.events.push(Event {
            seq: self.events.len() as u64 + 1,
            at_ms: self.now,
            change,
        });
    }

    fn open(&mut self) {
        // The frame of the state itself.
        self.n_bytes += 180;
        self.change(Change::StatusChanged {
            status: RunStatus::Running,
        });
        let prompt = self.text.prose(900);
        self.say(Role::System, prompt, Vec::new());
        let items: Vec<_> = (0..5)
            .map(|_| PlanItem {
                text: self.text.sentence(),
                status: PlanStatus::Open,
            })
            .collect();
        self.n_bytes += items
            .iter()
            .map(|item| written(&item.text) + 28)
            .sum::<usize>();
        self.change(Change::PlanReplaced { items });
    }

    /// One question, its tool calls, and the answer; the last turn is short, to end on size.
    fn turn(&mut self, turn: usize) {
        let question = 60 + self.text.below(240);
        let question = self.text.prose(question.min(self.n_left()));
        self.say(Role::User, question, Vec::new());
        for _ in 0..self.text.below(3) {
            if self.n_left() > LARGEST_CALL {
                self.call();
            }
        }
        if turn.is_multiple_of(4) {
            self.note();
        }
        if turn < 5 {
            self.change(Change::PlanItemChanged {
                item: turn,
                status: PlanStatus::Done,
            });
        }
        let answer = 200 + self.text.below(1_400);
        let answer = self.text.answer(answer.min(self.n_left()));
        self.say(Role::Assistant, answer, Vec::new());
    }

    fn say(&mut self, role: Role, content: String, tool_calls: Vec<ToolCall>) {
        self.n_bytes += written(&content) + role.as_str().len() + 26;
        self.change(Change::MessageAdded {
            message: Message {
                role,
                content,
                tool_calls,
            },
        });
    }

    fn call(&mut self) {
        let id = format!("call_{:06}", self.n_calls);
        self.n_calls += 1;
        let (name, arguments) = self.text.tool();
        let length = 150 + self.text.below(1_500);
        let output = self.text.tool_output(length);
        self.n_bytes += id.len() + name.len() + arguments.len() + written(&output) + 110;
        let call = ToolCall {
            id: id.clone(),
            name,
            arguments: Json::parse(arguments).expect("the author writes valid JSON"),
            result: None,
        };
        let thought = self.text.sentence();
        self.say(Role::Assistant, thought, vec![call]);
        let result = ToolResult {
            output,
            failed: self.text.below(20) == 0,
            took_ms: self.text.below(5_000) as u64,
        };
        self.change(Change::ToolCallFinished {
            call_id: id,
            result,
        });
    }

    fn note(&mut self) {
        let payload = format!(r#"{{"tokens":{}}}"#, self.text.below(4_000));
        self.change(Change::Noted {
            kind: "usage".to_owned(),
            payload: Json::parse(payload).expect("the author writes valid JSON"),
        });
    }
}

/// Length of a text between its quotes as JSON.
fn written(text: &str) -> usize {
    let is_escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | b'\n' | b'\t');
    text.len()
        + text
            .as_bytes()
            .iter()
            .filter(|byte| is_escaped(byte))
            .count()
}
