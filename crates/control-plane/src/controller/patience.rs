//! How often, and after what delay, a request that failed for a while is repeated.

use tokio_util::sync::CancellationToken;

use super::api::Failure;
use super::config::Retries;

/// The patience of a pass with one request.
///
/// While the server wants to be left alone the worker slot stays taken: that is the back-pressure it asks for.
pub(super) struct Patience<'a> {
    retries: Retries,
    n_attempts: u32,
    abandon: &'a CancellationToken,
}

impl<'a> Patience<'a> {
    /// Patience that ends early once `abandon` is cancelled.
    pub(super) fn new(retries: Retries, abandon: &'a CancellationToken) -> Self {
        Self {
            retries,
            n_attempts: 0,
            abandon,
        }
    }

    /// Sends a request until it succeeds, fails for good or has used up the patience.
    pub(super) async fn spend_on<T, F>(mut self, send: impl Fn() -> F) -> Result<T, Failure>
    where
        // No `AsyncFn`: the compiler cannot tell that its futures may be sent to another thread.
        F: Future<Output = Result<T, Failure>>,
    {
        loop {
            match send().await {
                Err(failure) if self.lasts(&failure).await => {}
                sent => return sent,
            }
        }
    }

    /// Waits for the time to repeat a request that failed like this; false if it is not to be repeated.
    async fn lasts(&mut self, failure: &Failure) -> bool {
        self.n_attempts += 1;
        let Failure::Passing { retry_after, .. } = failure else {
            return false;
        };
        if self.n_attempts >= self.retries.max_attempts {
            return false;
        }
        let delay = retry_after.unwrap_or(self.retries.backoff.delay(self.n_attempts));
        tokio::select! {
            () = tokio::time::sleep(delay) => true,
            () = self.abandon.cancelled() => false,
        }
    }
}
