//! A model's own endpoint: OpenAI's chat completions over HTTP, whole or streamed; no control plane in between.
//!
//! What a control plane adds is seen by the difference. Against `plimsoll stub`, whose times are known, it shows
//! what the generator itself measures wrong.

mod reading;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use control_plane::transport::{Pool, causes};
use futures::future::{AbortHandle, BoxFuture, abortable};
use hashbrown::HashMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpStream;

use self::reading::Events;
use crate::driver::{Capabilities, Driver, End, Findings, Setting, Sightings, Start, What};
use crate::error::DriverError;
use crate::outcome::Outcome;

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
    pool: Pool,
    /// Names the run in the keys of its requests.
    run: Mutex<Arc<str>>,
    asking: Mutex<HashMap<u64, AbortHandle>>,
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
            config,
            uri,
            bearer,
            pool,
            run: Mutex::new("".into()),
            asking: Mutex::default(),
        })
    }

    fn request(&self, start: &Start) -> Result<Request<Full<Bytes>>, http::Error> {
        let run = self.run.lock().clone();
        let question = format!("Say ahoy to {}.", start.id);
        let body = Body {
            model: &self.config.model,
            stream: self.config.stream,
            messages: [Message {
                role: "user",
                content: &question,
            }],
        };
        let body = serde_json::to_vec(&body).expect("strings are JSON");
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("idempotency-key", format!("{run}-{}", start.id));
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        request.body(Full::new(Bytes::from(body)))
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

async fn whole(body: Incoming) -> Result<String, String> {
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| causes(&*error))?.to_bytes();
    reading::answer(&body)
}

/// Every event as it comes; the first that says something is the first token.
async fn streamed(
    mut body: Incoming,
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
            let (asking, handle) = abortable(self.ask(start, sightings));
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
