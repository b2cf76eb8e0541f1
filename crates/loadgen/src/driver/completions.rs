//! A model's own endpoint: OpenAI's chat completions over HTTP, whole or streamed; no control plane in between.
//!
//! What a control plane adds is seen by the difference. Against `plimsoll stub`, whose times are known, it shows
//! what the generator itself measures wrong.

mod reading;

use std::io::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control_plane::transport::{Pool, ReplyBody, causes};
use futures::future::{AbortHandle, BoxFuture, abortable};
use hashbrown::HashMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpStream;

use self::reading::Events;
use crate::driver::{Capabilities, Driver, End, Findings, Setting, Sightings, Start, What};
use crate::error::DriverError;
use crate::outcome::Outcome;

/// Names a question, so that it is known again if it is asked again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// More than any model says in one answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The endpoint, and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletionsConfig {
    /// Ends before `/chat/completions`, such as `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// The model's name.
    pub model: String,
    /// Sent as a bearer; none if unset.
    pub api_key: Option<String>,
    /// Ask for events, so that the first token is seen.
    pub stream: bool,
    /// How long to wait for a first connection.
    pub patience: Duration,
}

/// Drives one endpoint.
pub struct Completions {
    config: CompletionsConfig,
    uri: Uri,
    bearer: Option<HeaderValue>,
    question: Question,
    pool: Pool,
    /// Names the run in the keys of its requests.
    run: Mutex<Arc<str>>,
    asking: Mutex<HashMap<u64, AbortHandle>>,
}

/// The body of every request: all are alike but for a number, so only that is written anew.
struct Question {
    before: Vec<u8>,
    after: Vec<u8>,
}

/// What is asked.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    stream: bool,
    messages: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: &'a str,
}

impl Question {
    fn new(config: &CompletionsConfig) -> Self {
        let body = Body {
            model: &config.model,
            stream: config.stream,
            messages: [Message {
                role: "user",
                content: "Say ahoy to .",
            }],
        };
        let mut before = serde_json::to_vec(&body).expect("strings are JSON");
        // The number comes before the last full stop: whatever the model is called, what is said comes last.
        let place = before.iter().rposition(|byte| *byte == b'.');
        let after = before.split_off(place.expect("it was just written"));
        Self { before, after }
    }

    fn of(&self, number: u64) -> Bytes {
        let mut body = Vec::with_capacity(self.before.len() + self.after.len() + 20);
        body.extend_from_slice(&self.before);
        write!(body, "{number}").expect("memory takes all");
        body.extend_from_slice(&self.after);
        body.into()
    }
}

impl Completions {
    /// A driver that has asked nothing yet.
    ///
    /// # Errors
    /// If the base URL is none, the key cannot stand in a header, or the machine has no certificates for `https`.
    pub fn new(config: CompletionsConfig) -> Result<Self, DriverError> {
        let base_url = config.base_url.trim_end_matches('/');
        let wrong = |reason: String| DriverError::Endpoint {
            place: format!("the model's URL {base_url:?}"),
            reason,
        };
        let uri: Uri = format!("{base_url}/chat/completions")
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
        let pool = Pool::new();
        pool.check(&uri).map_err(|error| wrong(error.to_string()))?;
        let bearer = config.api_key.as_ref().map(|key| {
            let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))?;
            bearer.set_sensitive(true);
            Ok(bearer)
        });
        let bearer = bearer.transpose();
        let bearer =
            bearer.map_err(
                |_: http::header::InvalidHeaderValue| DriverError::Endpoint {
                    place: "the model's key".to_owned(),
                    reason: "it holds characters that no header may hold".to_owned(),
                },
            )?;
        Ok(Self {
            question: Question::new(&config),
            config,
            uri,
            bearer,
            pool,
            run: Mutex::new("".into()),
            asking: Mutex::default(),
        })
    }

    fn request(&self, start: &Start) -> Result<Request<Full<Bytes>>, http::Error> {
        let key = format!("{}-{}", self.run.lock(), start.id);
        let mut request = Request::new(Full::new(self.question.of(start.id)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::try_from(key)?);
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        Ok(request)
    }

    async fn ask(&self, start: &Start, sightings: &Sightings) -> End {
        let request = match self.request(start) {
            Ok(request) => request,
            Err(error) => return End::Failed(error.to_string()),
        };
        let response = match self.pool.request(request).await {
            Ok(response) => response,
            Err(error) => return End::Failed(error.to_string()),
        };
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => return End::DeniedByRate,
            StatusCode::SERVICE_UNAVAILABLE => return End::DeniedByCap,
            StatusCode::OK => {}
            status => return End::Failed(format!("the endpoint answers {status}")),
        }
        sightings.tell(start.id, What::Acknowledged);
        let answer = if self.config.stream {
            streamed(response.into_body(), start, sightings).await
        } else {
            whole(response.into_body()).await
        };
        answer.map_or_else(End::Failed, End::Answered)
    }
}

async fn whole(body: ReplyBody) -> Result<String, String> {
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| causes(&*error))?.to_bytes();
    reading::answer(&body)
}

/// Every event as it comes; the first that says something is the first token.
async fn streamed(
    mut body: ReplyBody,
    start: &Start,
    sightings: &Sightings,
) -> Result<String, String> {
    let mut events = Events::new(MAX_ANSWER_BYTES);
    let mut is_first = true;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| causes(&error))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        events.take(data)?;
        if is_first && events.has_text() {
            is_first = false;
            sightings.tell(start.id, What::FirstToken);
        }
    }
    events.into_answer()
}

impl Driver for Completions {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "completions".to_owned(),
            terminal_rule: match self.config.stream {
                true => "the event [DONE]",
                false => "the end of the reply",
            }
            .to_owned(),
            sees_running: false,
            sees_first_token: self.config.stream,
            counts_executions: false,
            knows_answers: false,
            cancels: true,
        }
    }

    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async {
            *self.run.lock() = setting.run.as_str().into();
            let host = self.uri.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let is_tls = self.uri.scheme_str() == Some("https");
            let port = self.uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
            let connecting = TcpStream::connect((host, port));
            let connected = tokio::time::timeout(self.config.patience, connecting).await;
            let reason = match connected {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no connection within {:?}", self.config.patience),
            };
            Err(DriverError::Unreachable {
                system: format!("the model at {}", self.config.base_url),
                reason,
            })
        })
    }

    fn observe(&self, _: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        Box::pin(async { Ok(()) })
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let asking = pin!(self.ask(start, sightings));
            let (asking, handle) = abortable(asking);
            self.asking.lock().insert(start.id, handle);
            let end = asking.await;
            self.asking.lock().remove(&start.id);
            sightings.tell_end(start.id, end.unwrap_or(End::Cancelled));
        })
    }

    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Some(handle) = self.asking.lock().remove(&start.id) {
                handle.abort();
            }
        })
    }

    fn classify(&self, _: &Start, end: &End) -> Outcome {
        end.outcome(|answer| !answer.is_empty())
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        Box::pin(async { Ok(Findings::default()) })
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        Box::pin(async { Ok(0) })
    }
}
