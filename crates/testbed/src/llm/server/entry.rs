//! One request's line in the ledger, written when the request is over, however it ends.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    ledger::{Ending, Ledger, Times},
    stub::Stub,
};

/// A line that is still open. Dropped before its answer is whole, it says that the caller went away.
pub(crate) struct Entry {
    stub: Arc<Stub>,
    execution: Arc<str>,
    times: Times,
    arrived: Instant,
    /// What it becomes once the answer is whole.
    planned: Ending,
    is_whole: bool,
}

impl Entry {
    pub(crate) fn open(stub: Arc<Stub>, execution: Arc<str>, arrived: Instant) -> Self {
        let times = Times {
            arrived: arrived - stub.began,
            ..Times::default()
        };
        Self {
            stub,
            execution,
            times,
            arrived,
            planned: Ending::Abandoned,
            is_whole: false,
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.stub.ledger
    }

    /// The call has its slot.
    pub(crate) fn enters(&mut self) {
        self.times.waited = self.arrived.elapsed();
    }

    /// What was drawn for its first token.
    pub(crate) fn draws(&mut self, drawn: std::time::Duration) {
        self.times.drawn = drawn;
    }

    /// Its first token goes out.
    pub(crate) fn begins(&mut self) {
        self.times.first = self.stub.began.elapsed();
    }

    pub(crate) fn plan(&mut self, ending: Ending) {
        self.planned = ending;
    }

    /// All of the answer has been handed to the connection.
    pub(crate) fn close(mut self) {
        self.is_whole = true;
    }

    /// Ends at once.
    pub(crate) fn end(mut self, ending: Ending) {
        self.planned = ending;
        self.is_whole = true;
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let ending = match self.is_whole {
            true => self.planned,
            false => Ending::Abandoned,
        };
        let now = self.stub.began.elapsed();
        self.ledger()
            .ended(&self.execution, self.times, now, ending);
    }
}
