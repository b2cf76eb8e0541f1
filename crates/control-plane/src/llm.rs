//! The client of language models: OpenAI's chat completions, without streaming.
//!
//! One client serves the whole process. It bounds the calls in flight, retries what may pass, and gives a typed
//! error for everything else. Which model a Query means, and with which key, is found by
//! [`resources`](crate::resources); what to say is up to [`agent`](crate::agent).

pub mod completion;
pub mod conversation;
pub mod endpoint;
pub mod error;
pub mod retry;

#[cfg(test)]
mod tests;

use std::{fmt::Display, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    llm::{
        completion::Completion,
        endpoint::Endpoint,
        error::LlmError,
        retry::{RetryPolicy, is_retryable, retry_after},
    },
    transport::{Pool, Reply, Transport},
};

/// The header of every call that names its Query.
pub const QUERY_HEADER: HeaderName = HeaderName::from_static("x-ark-query");

/// The header of every call that names its target.
pub const TARGET_HEADER: HeaderName = HeaderName::from_static("x-ark-target");

/// More than any model says in one answer.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// Calls models. Clones share connections and bounds; a client belongs to the runtime on which it was first used
/// (see [`Pool`]).
#[derive(Debug, Clone)]
pub struct LlmClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: LlmConfig,
    transport: Arc<dyn Transport>,
    slots: Semaphore,
}

/// The bounds of the client.
#[derive(Debug, Clone, PartialEq)]
pub struct LlmConfig {
    /// Calls in flight at once, over all Queries; at least 1. Further ones wait, first come, first served.
    pub max_in_flight: usize,
    /// The longest that one attempt may take. Exceeding it is not retried: the model has had its chance, and the
    /// target's own deadline is near.
    pub request_timeout: Duration,
    /// What happens after a failure.
    pub retry: RetryPolicy,
}

impl Default for LlmConfig {
    /// 512 calls in flight, so that a Query of 256 targets is never held up here; 2 minutes for a call, since a
    /// target has 5.
    fn default() -> Self {
        Self {
            max_in_flight: 512,
            request_timeout: Duration::from_secs(120),
            retry: RetryPolicy::default(),
        }
    }
}

/// One question to a model.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Whom to ask.
    pub endpoint: &'a Endpoint,
    /// The body of the request, from [`Conversation::body`](conversation::Conversation::body).
    pub body: Bytes,
    /// On whose behalf.
    pub trace: &'a Trace,
    /// When the target's time is up: no retry waits beyond it. `None` if it has all the time in the world.
    pub deadline: Option<Instant>,
}

/// The headers that tell a provider, or a stub, whose call it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Trace {
    query: HeaderValue,
    target: HeaderValue,
}

/// What became of a call, and where its time went.
#[derive(Debug)]
pub struct Called {
    /// The answer.
    pub result: Result<Completion, LlmError>,
    /// Spent waiting for a slot, all attempts together.
    pub waited: Duration,
    /// Spent between sending a request and having its reply, all attempts together; pauses between them not counted.
    pub took: Duration,
    /// Requests that were sent.
    pub attempts: u32,
}

impl LlmClient {
    /// A client with connections of its own.
    pub fn new(config: LlmConfig) -> Self {
        Self::over(Arc::new(Pool::new()), config)
    }

    /// A client over given connections.
    pub fn over(transport: Arc<dyn Transport>, mut config: LlmConfig) -> Self {
        config.max_in_flight = config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        let slots = Semaphore::new(config.max_in_flight);
        Self(Arc::new(Inner {
            config,
            transport,
            slots,
        }))
    }

    /// Asks a model, again if need be.
    pub async fn complete(&self, call: &Call<'_>) -> Called {
        let mut waited = Duration::ZERO;
        let mut took = Duration::ZERO;
        let mut attempts = 0;
        let result = loop {
            let asked = Instant::now();
            let slot = self.0.slots.acquire().await;
            let sent = Instant::now();
            let attempt = self.attempt(call).await;
            drop(slot);
            let now = Instant::now();
            waited += sent - asked;
            took += now - sent;
            attempts += 1;
            let failure = match attempt {
                Ok(completion) => break Ok(completion),
                Err(failure) => failure,
            };
            match self.wait_after(&failure, attempts - 1, call, now) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break Err(failure.error),
            }
        };
        Called {
            result,
            waited,
            took,
            attempts,
        }
    }

    /// Calls in flight right now.
    pub fn in_flight(&self) -> usize {
        self.0.config.max_in_flight - self.0.slots.available_permits()
    }

    /// The connections, for those who call something else than models.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.0.transport
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Completion, Failure> {
        let send = self.0.transport.send(call.request(), MAX_REPLY_BYTES);
        let timeout = self.0.config.request_timeout;
        let model = || call.endpoint.model().to_owned();
        match tokio::time::timeout(timeout, send).await {
            Ok(Ok(reply)) => read(&reply, model),
            Ok(Err(source)) => Err(Failure::passing(LlmError::Unreachable {
                model: model(),
                address: call
                    .endpoint
                    .uri()
                    .authority()
                    .map_or_else(String::new, ToString::to_string),
                source,
            })),
            Err(_) => Err(Failure::last(LlmError::TimedOut {
                model: model(),
                after: timeout,
            })),
        }
    }

    fn wait_after(
        &self,
        failure: &Failure,
        n_retries: u32,
        call: &Call<'_>,
        now: Instant,
    ) -> Option<Duration> {
        if !failure.may_pass {
            return None;
        }
        let left = call.deadline.map(|deadline| deadline - now);
        let policy = &self.0.config.retry;
        policy.wait(n_retries, call.trace, failure.retry_after, left)
    }
}

impl Call<'_> {
    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri().clone();
        *request.headers_mut() = self.endpoint.headers().clone();
        self.trace.write(request.headers_mut());
        request
    }
}

impl Trace {
    /// The trace of target number `target` of a Query.
    ///
    /// Names of Kubernetes objects are always fit for a header; anything else is sent as `invalid`.
    pub fn new(namespace: impl Display, name: impl Display, target: usize) -> Self {
        let query = HeaderValue::try_from(format!("{namespace}/{name}"));
        Self {
            query: query.unwrap_or(HeaderValue::from_static("invalid")),
            target: HeaderValue::from(target),
        }
    }

    /// Adds the headers.
    pub fn write(&self, headers: &mut http::HeaderMap) {
        headers.insert(QUERY_HEADER, self.query.clone());
        headers.insert(TARGET_HEADER, self.target.clone());
    }
}

/// An attempt that brought no answer.
struct Failure {
    error: LlmError,
    may_pass: bool,
    retry_after: Option<Duration>,
}

impl Failure {
    fn last(error: LlmError) -> Self {
        Self {
            error,
            may_pass: false,
            retry_after: None,
        }
    }

    fn passing(error: LlmError) -> Self {
        Self {
            error,
            may_pass: true,
            retry_after: None,
        }
    }
}

fn read(reply: &Reply, model: impl Fn() -> String) -> Result<Completion, Failure> {
    let status = reply.status;
    if !status.is_success() {
        let code = completion::error_code(&reply.body);
        return Err(Failure {
            may_pass: is_retryable(status, code.as_deref()),
            retry_after: retry_after(&reply.headers, jiff::Timestamp::now()),
            error: LlmError::Refused {
                model: model(),
                status,
                code,
                excerpt: reply.excerpt(),
            },
        });
    }
    let error = match completion::read(&reply.body) {
        Ok(Some(completion)) => return Ok(completion),
        _ if reply.is_cut => LlmError::TooLarge {
            model: model(),
            status,
            limit: MAX_REPLY_BYTES,
            excerpt: reply.excerpt(),
        },
        Ok(None) => LlmError::EmptyChoices {
            model: model(),
            status,
            excerpt: reply.excerpt(),
        },
        Err(error) => LlmError::Malformed {
            model: model(),
            status,
            reason: error.to_string(),
            excerpt: reply.excerpt(),
        },
    };
    Err(Failure::last(error))
}
