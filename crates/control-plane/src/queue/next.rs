//! Waiting for the next key.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

use super::lease::Lease;
use super::{Shared, State};

/// The future of [`Queue::next`](super::Queue::next).
///
/// It takes a key only in the poll that returns it, so that dropping it loses nothing; a wake-up that it had got goes
/// on to another waiter.
#[derive(Debug)]
#[must_use = "nothing is taken from the queue before this is awaited"]
pub struct Next<'a> {
    shared: &'a Arc<Shared>,
    /// Set from the first poll that found nothing.
    waiter: Option<u32>,
    /// Set while this waiter watches the clock for all.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a> Next<'a> {
    pub(super) fn new(shared: &'a Arc<Shared>) -> Self {
        Self {
            shared,
            waiter: None,
            timer: None,
        }
    }

    /// A key, or the end; else this waiter sleeps, until the given time if it is the watch.
    fn look(&mut self, cx: &Context<'_>) -> Result<Option<Lease>, Option<Instant>> {
        let now = Instant::now().into_std();
        let mut state = self.shared.state.lock();
        if state.is_closed {
            return Ok(None);
        }
        let n_matured = state.order.mature(now);
        let Some(popped) = state.order.pop(now) else {
            let next_due = state.order.next_due();
            let until = state.waiters.sleep(&mut self.waiter, cx.waker(), next_due);
            drop(state);
            self.shared.metrics.added(n_matured);
            return Err(until.map(Instant::from_std));
        };
        if let Some(waiter) = self.waiter.take() {
            state.waiters.leave(waiter);
        }
        State::leave(state);
        self.shared.metrics.added(n_matured);
        self.shared.metrics.popped(popped.waited);
        Ok(Some(Lease::new(self.shared.clone(), popped)))
    }
}

impl Future for Next<'_> {
    type Output = Option<Lease>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A loop over a long queue of short work would otherwise never let go of its thread.
        let progress = ready!(coop::poll_proceed(cx));
        loop {
            let until = match self.look(cx) {
                Ok(lease) => {
                    progress.made_progress();
                    return Poll::Ready(lease);
                }
                Err(until) => until,
            };
            let Some(until) = until else {
                self.timer = None;
                return Poll::Pending;
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        let Some(waiter) = self.waiter else {
            return;
        };
        let mut state = self.shared.state.lock();
        state.waiters.leave(waiter);
        State::leave(state);
    }
}
