//! The body of an answer: whole, or in steps that come when they are due.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream::unfold};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::{connection::Valve, entry::Entry, slots::Slot, windows::Windows};

type Steps = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// What hyper sends.
pub(crate) enum Body {
    /// All at once; `None` once it has been handed over.
    Whole(Option<Bytes>),
    /// In steps. Its length if it is announced.
    Paced(Steps, Option<u64>),
}

/// One piece of a body.
#[derive(Debug)]
pub(crate) struct Step {
    /// The time since the step before it.
    pub(crate) pause: Duration,
    pub(crate) bytes: Bytes,
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Complete,
    /// The connection is closed.
    Cut,
    /// The connection is reset.
    Reset,
}

/// What a body holds as long as it lasts.
pub(crate) struct Held {
    pub(crate) windows: Arc<Windows>,
    pub(crate) valve: Arc<Valve>,
    /// Written into the ledger before the last step goes out, so that no caller knows more than the ledger; or when
    /// the body is dropped. `None` once it is written.
    pub(crate) entry: Option<Entry>,
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) slot: Slot,
}

impl Body {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// A body whose steps come from now on.
    pub(crate) fn paced(steps: Vec<Step>, end: End, length: Option<u64>, held: Held) -> Self {
        let pace = Pace {
            steps: steps.into_iter(),
            due: Instant::now(),
            end: Some(end),
            held,
        };
        Self::Paced(unfold(pace, Pace::step).boxed(), length)
    }
}

struct Pace {
    steps: std::vec::IntoIter<Step>,
    /// When the last step was due.
    due: Instant,
    /// `None` once it has been reached.
    end: Option<End>,
    held: Held,
}

impl Pace {
    async fn step(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if let Some(Step { pause, bytes }) = self.steps.next() {
            self.due = self.held.windows.sleep_until(self.due + pause).await;
            // Of a body with a length hyper asks for no more than that.
            if self.steps.as_slice().is_empty() && self.end == Some(End::Complete) {
                self.close();
            }
            return Some((Ok(bytes), self));
        }
        let end = self.end.take()?;
        self.close();
        if end == End::Complete {
            return None;
        }
        // hyper sends what it has when it is told to wait, and drops it when it is told of an error.
        tokio::task::yield_now().await;
        if end == End::Reset {
            self.held.valve.reset();
        }
        let error = io::Error::from(io::ErrorKind::ConnectionAborted);
        Some((Err(error), self))
    }

    fn close(&mut self) {
        if let Some(entry) = self.held.entry.take() {
            entry.close();
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Paced(steps, _) => {
                let frame = |step: io::Result<Bytes>| step.map(Frame::data);
                steps.poll_next_unpin(cx).map(|step| step.map(frame))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Paced(_, Some(length)) => SizeHint::with_exact(*length),
            Self::Paced(_, None) => SizeHint::default(),
        }
    }
}
