//! An answer cut into steps, with what a fault does to them.

use std::time::Duration;

use bytes::Bytes;

use super::body::{End, Step};
use crate::llm::{
    call::Call,
    playing::Playing,
    reply::{self, Answer},
    script::Fault,
};

/// The end of a stream.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// What an event begins with.
const FIELD: &[u8] = b"data: ";

/// What it ends with.
const EVENT_END: &[u8] = b"\n\n";

/// What is sent, and how.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
    /// The length that is announced; none for a stream.
    pub(crate) length: Option<u64>,
    pub(crate) content_type: &'static str,
}

impl Plan {
    pub(crate) fn of(
        playing: &Playing,
        call: &Call<'_>,
        answer: Answer<'_>,
        key: u64,
        fault: Option<Fault>,
    ) -> Self {
        if fault == Some(Fault::NotJson) {
            return Self::whole(reply::PAGE.into(), "text/html", None);
        }
        let mut plan = if call.wants_stream {
            Self::stream(playing, call, &answer, key, fault)
        } else {
            let body = match fault {
                Some(Fault::EmptyChoices) => reply::empty(call, key),
                _ => answer.whole(),
            };
            Self::whole(body, "application/json", fault)
        };
        if fault == Some(Fault::WrongContentType) {
            plan.content_type = "text/plain";
        }
        match fault {
            Some(Fault::Cut) => plan.cut(End::Cut),
            Some(Fault::ResetMidway) => plan.cut(End::Reset),
            Some(Fault::StallMidway(pause)) => plan.pause(pause),
            _ => {}
        }
        plan
    }

    fn whole(mut body: Vec<u8>, content_type: &'static str, fault: Option<Fault>) -> Self {
        if matches!(fault, Some(Fault::MalformedJson | Fault::MalformedEvent)) {
            body.truncate(body.len() / 2);
        }
        Self {
            length: Some(body.len() as u64),
            steps: vec![Step::at_once(body)],
            end: End::Complete,
            content_type,
        }
    }

    fn stream(
        playing: &Playing,
        call: &Call<'_>,
        answer: &Answer<'_>,
        key: u64,
        fault: Option<Fault>,
    ) -> Self {
        let mut events = match fault {
            Some(Fault::EmptyChoices) => vec![answer.nothing()],
            _ => answer.events(call.wants_usage),
        };
        let middle = events.len() / 2;
        match fault {
            Some(Fault::MalformedJson) => break_off(&mut events[middle]),
            Some(Fault::MalformedEvent) => unframe(&mut events[middle]),
            _ => {}
        }
        if let (Some(last), true) = (events.last_mut(), fault != Some(Fault::NoDone)) {
            last.extend_from_slice(DONE);
        }
        let steps = events.into_iter().enumerate().map(|(index, event)| Step {
            pause: match index {
                0 => Duration::ZERO,
                _ => playing.gap(key, index - 1),
            },
            bytes: event.into(),
        });
        Self {
            steps: steps.collect(),
            end: End::Complete,
            length: None,
            content_type: "text/event-stream",
        }
    }

    /// Leaves the first half: of the steps, or of the only one.
    fn cut(&mut self, end: End) {
        self.halve();
        self.steps.truncate(self.steps.len() / 2);
        self.end = end;
    }

    /// Waits before the second half.
    fn pause(&mut self, pause: Duration) {
        self.halve();
        let middle = self.steps.len() / 2;
        self.steps[middle].pause += pause;
    }

    /// Makes two steps of an only one.
    fn halve(&mut self) {
        if let [only] = &mut *self.steps {
            let second = only.bytes.split_off(only.bytes.len() / 2);
            self.steps.push(Step::at_once(second));
        }
    }
}

impl Step {
    fn at_once(bytes: impl Into<Bytes>) -> Self {
        Self {
            pause: Duration::ZERO,
            bytes: bytes.into(),
        }
    }
}

/// Takes the second half of the first event's JSON away.
fn break_off(events: &mut Vec<u8>) {
    let end = first_end(events);
    events.drain(end / 2..end);
}

/// Takes the field name and the end of the first event away.
fn unframe(events: &mut Vec<u8>) {
    let end = first_end(events);
    events.drain(end..(end + EVENT_END.len()).min(events.len()));
    events.drain(..FIELD.len());
}

fn first_end(events: &[u8]) -> usize {
    let mut windows = events.windows(EVENT_END.len());
    windows
        .position(|window| window == EVENT_END)
        .unwrap_or(events.len())
}
