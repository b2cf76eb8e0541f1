//! Answers that several processes share: what such a place promises.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::PromptKey;

/// A place for answers beyond this process.
///
/// Nothing of it fails or hangs: a place that cannot be reached says so in a bounded time, and whoever asks goes on
/// without it.
pub trait SharedAnswers: Debug + Send + Sync {
    /// The answer to a prompt; or the right to ask, for one process at a time.
    ///
    /// While another process has that right this waits for its answer, but not for ever.
    fn find(&self, key: PromptKey) -> BoxFuture<'_, Found>;

    /// Keeps the answer of whoever had the right to ask, for so many milliseconds from now on.
    fn keep(
        &self,
        key: PromptKey,
        asking: Asking,
        answer: Arc<str>,
        ttl_ms: u64,
    ) -> BoxFuture<'_, ()>;

    /// Gives the right back without an answer.
    fn give_up(&self, key: PromptKey, asking: Asking) -> BoxFuture<'_, ()>;
}

/// What is there of a prompt.
#[derive(Debug)]
pub enum Found {
    /// An answer.
    Answer {
        /// What the model said.
        answer: Arc<str>,
        /// For how many milliseconds it may still be given.
        fresh_for_ms: u64,
    },
    /// None: ask, and then [`keep`](SharedAnswers::keep) or [`give_up`](SharedAnswers::give_up).
    Nothing(Asking),
    /// The place cannot be reached.
    Unreachable,
}

/// The right to ask a question for all processes. One that is dropped, because nobody waits any more, ends by itself.
#[derive(Debug)]
pub struct Asking {
    token: String,
}

impl Asking {
    /// A right under a token that no other has.
    pub fn new(token: String) -> Self {
        Self { token }
    }

    /// What tells this one from others.
    pub fn token(&self) -> &str {
        &self.token
    }
}
