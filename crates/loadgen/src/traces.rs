//! Every operation as an OpenTelemetry span, sent to a collector by OTLP over HTTP while the run goes on.
//!
//! A span lasts from the intended start to the end, so that what the generator did late is in it; when it was sent,
//! acknowledged, at work, and first answered are its events. Spans wait in a bounded queue: one that finds no place
//! there is dropped and counted, for a slow collector must not slow the load.

mod span;

use std::fmt;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use control_plane::transport::{Pool, Transport as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use k8s_openapi::jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::mpsc;

use crate::error::DriverError;
use crate::run::{Ended, Witness};

/// Spans that wait to be sent: a few seconds of 10,000 operations, at about 1 KB each.
const MOST_WAITING: usize = 1 << 15;

/// Spans of one request.
const MOST_AT_ONCE: usize = 2_048;

/// How long spans are gathered for one request if there are fewer.
const GATHERING: Duration = Duration::from_millis(200);

/// How long a collector has for one request; the default of OpenTelemetry's exporters.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is made in all if the collector says that it may be repeated.
const TRIES: u32 = 3;

/// Before the second try; twice as long before each later one.
const PAUSE: Duration = Duration::from_millis(200);

/// More than any collector says.
const MAX_REPLY_BYTES: usize = 64 * 1024;

/// Sends the operations of one run; told of them as its [`Witness`].
pub struct Traces {
    run: String,
    /// The names of the operations, in the order of the mix.
    operations: Vec<String>,
    /// One moment on both clocks; of the wall clock, since Unix time began.
    epoch: (Instant, Duration),
    sending: Mutex<Sending>,
}

/// The way to the thread that sends.
struct Sending {
    /// Unset once the run is over.
    spans_tx: Option<mpsc::Sender<Span>>,
    n_dropped: u64,
    thread: Option<JoinHandle<Sent>>,
}

/// What came of all spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// How many the collector took.
    pub taken: u64,
    /// How many it did not take, or were never sent because too many waited.
    pub lost: u64,
    /// Why, the first time that it did not take any.
    pub reason: Option<String>,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

impl Traces {
    /// Begins to send to the collector at `endpoint`, a base URL such as `http://127.0.0.1:4318`, on a thread of its own.
    ///
    /// # Errors
    /// If the endpoint is no URL that can be asked, or there is no thread to be had.
    pub fn begin(
        endpoint: &str,
        run: String,
        operations: Vec<String>,
    ) -> Result<Self, DriverError> {
        let wrong = |reason: String| DriverError::Endpoint {
            place: format!("the collector's URL {endpoint:?}"),
            reason,
        };
        let base = endpoint.trim_end_matches('/');
        let uri: Uri = format!("{base}/v1/traces")
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
        let pool = Pool::new();
        pool.check(&uri).map_err(|error| wrong(error.to_string()))?;
        let (spans_tx, spans_rx) = mpsc::channel(MOST_WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let exporter = Exporter {
            pool,
            uri,
            sent: Sent::default(),
        };
        let thread = std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || runtime.block_on(exporter.run(spans_rx)))
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            run,
            operations,
            epoch: (Instant::now(), unix_time()),
            sending: Mutex::new(Sending {
                spans_tx: Some(spans_tx),
                n_dropped: 0,
                thread: Some(thread),
            }),
        })
    }

    /// Waits until all spans are sent, or given up. What ends after this is not sent.
    pub fn finish(&self) -> Sent {
        let (thread, n_dropped) = {
            let mut sending = self.sending.lock();
            sending.spans_tx = None;
            (sending.thread.take(), sending.n_dropped)
        };
        // A panic in it was reported where it happened; a second call finds nothing to wait for.
        let mut sent = thread
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        if n_dropped > 0 {
            sent.lost += n_dropped;
            let reason = || format!("more than {MOST_WAITING} spans waited to be sent");
            sent.reason.get_or_insert_with(reason);
        }
        sent
    }

    /// The wall clock at a moment of the monotonic one, in nanoseconds of Unix time.
    fn unix_nanos(&self, at: Instant) -> u64 {
        let (instant, unix) = self.epoch;
        let unix = match at.checked_duration_since(instant) {
            Some(later) => unix + later,
            None => unix.saturating_sub(instant - at),
        };
        u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Witness for Traces {
    fn ended(&self, ended: &Ended<'_>) {
        let span = self.span(ended);
        let mut sending = self.sending.lock();
        let Some(spans_tx) = &sending.spans_tx else {
            return;
        };
        if spans_tx.try_send(span).is_err() {
            sending.n_dropped += 1;
        }
    }
}

fn unix_time() -> Duration {
    let since = Timestamp::now().duration_since(Timestamp::UNIX_EPOCH);
    since.unsigned_abs()
}

/// The thread that sends.
struct Exporter {
    pool: Pool,
    uri: Uri,
    sent: Sent,
}

impl Exporter {
    async fn run(mut self, mut spans_rx: mpsc::Receiver<Span>) -> Sent {
        let mut spans = Vec::new();
        while spans_rx.recv_many(&mut spans, MOST_AT_ONCE).await > 0 {
            if spans.len() < MOST_AT_ONCE && !spans_rx.is_closed() {
                tokio::time::sleep(GATHERING).await;
                while spans.len() < MOST_AT_ONCE
                    && let Ok(span) = spans_rx.try_recv()
                {
                    spans.push(span);
                }
            }
            let n_spans = spans.len() as u64;
            match self.send(std::mem::take(&mut spans)).await {
                Ok(n_refused) => {
                    let n_refused = n_refused.min(n_spans);
                    self.sent.taken += n_spans - n_refused;
                    self.sent.lost += n_refused;
                    if n_refused > 0 {
                        self.because("the collector rejected some".to_owned());
                    }
                }
                Err(reason) => {
                    self.sent.lost += n_spans;
                    self.because(reason);
                }
            }
        }
        self.sent
    }

    fn because(&mut self, reason: String) {
        self.sent.reason.get_or_insert(reason);
    }

    /// Sends spans, more than once if the collector says that it may be tried again; returns how many it refused.
    async fn send(&self, spans: Vec<Span>) -> Result<u64, String> {
        let body = Bytes::from(request(spans).encode_to_vec());
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            match tokio::time::timeout(TIMEOUT, self.post(body.clone())).await {
                Ok(Ok(n_refused)) => return Ok(n_refused),
                Ok(Err(Refusal { reason, is_final })) if is_final || tries == TRIES => {
                    return Err(reason);
                }
                Err(_) if tries == TRIES => return Err(format!("no reply within {TIMEOUT:?}")),
                Ok(Err(_)) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn post(&self, body: Bytes) -> Result<u64, Refusal> {
        const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
        let finally = |reason: String| Refusal {
            reason,
            is_final: true,
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, PROTOBUF)
            .body(Full::new(body))
            .map_err(|error| finally(error.to_string()))?;
        let reply = self.pool.send(request, MAX_REPLY_BYTES).await;
        let reply = reply.map_err(|error| Refusal {
            reason: error.to_string(),
            is_final: false,
        })?;
        if reply.status != StatusCode::OK {
            return Err(Refusal {
                reason: format!("the collector answers {}", reply.status),
                is_final: !may_be_repeated(reply.status),
            });
        }
        let answer = ExportTraceServiceResponse::decode(reply.body)
            .map_err(|error| finally(format!("the collector's answer is none: {error}")))?;
        let n_refused = answer.partial_success.map_or(0, |part| part.rejected_spans);
        Ok(u64::try_from(n_refused).unwrap_or(0))
    }
}

/// Why a request was not taken.
struct Refusal {
    reason: String,
    /// It would not be taken later either.
    is_final: bool,
}

/// The statuses after which the protocol wants a request repeated (OTLP 1, "Retryable Response Codes").
fn may_be_repeated(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    let of_us = ScopeSpans {
        scope: Some(span::scope()),
        spans,
        ..ScopeSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(span::resource()),
            scope_spans: vec![of_us],
            ..ResourceSpans::default()
        }],
    }
}

#[cfg(test)]
mod tests;
