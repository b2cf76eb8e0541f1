//! HTTP tools for suites and tests: endpoints with scripted answers, on a thread of their own.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use wiremock::{Request, ResponseTemplate};

use crate::http_stub::{
    Handler, HttpStub, delayed,
    ledger::{Ledger, query_header, target_header},
};

/// Requests of which [`ToolStub::recent`] remembers what they said.
const REMEMBERED: usize = 16;

/// One tool's behaviour: plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The path of its URL, from the slash on.
    pub path: String,
    /// The status of its answers.
    pub status: u16,
    /// Their body; `None` sends the request's own body back.
    pub body: Option<String>,
    /// The time to answer.
    pub latency: Duration,
}

/// What a request said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query as they came, still escaped.
    pub target: String,
    /// The headers; those that are not text are left out.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// A running stub. Dropping it closes the socket.
#[derive(Debug)]
pub struct ToolStub {
    server: HttpStub,
    tools: Arc<Tools>,
}

#[derive(Debug)]
struct Tools {
    endpoints: Vec<Running>,
    ledger: Ledger,
    recent: Mutex<VecDeque<Received>>,
}

#[derive(Debug)]
struct Running {
    endpoint: Endpoint,
    n_calls: AtomicUsize,
}

impl Endpoint {
    /// An endpoint that answers 200 with this body at once.
    pub fn new(path: impl Into<String>, body: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            status: 200,
            body: Some(body.into()),
            latency: Duration::ZERO,
        }
    }

    /// An endpoint that sends back what it gets.
    pub fn echo(path: impl Into<String>) -> Self {
        Self {
            body: None,
            ..Self::new(path, "")
        }
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Sets the time to answer.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}

impl ToolStub {
    /// Starts a stub on a free loopback port.
    pub async fn start(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        let running = |endpoint| Running {
            endpoint,
            n_calls: AtomicUsize::new(0),
        };
        let tools = Arc::new(Tools {
            endpoints: endpoints.into_iter().map(running).collect(),
            ledger: Ledger::default(),
            recent: Mutex::default(),
        });
        let server = HttpStub::start(tools.clone()).await;
        Self { server, tools }
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.uri())
    }

    /// All requests so far.
    pub fn calls(&self) -> usize {
        self.tools.ledger.n_calls()
    }

    /// Requests to one path.
    pub fn calls_of(&self, path: &str) -> usize {
        let mut endpoints = self.tools.endpoints.iter();
        let running = endpoints.find(|running| running.endpoint.path == path);
        running.map_or(0, |running| running.n_calls.load(Ordering::Relaxed))
    }

    /// Requests per Query, from the header `x-ark-query`.
    pub fn calls_by_query(&self) -> BTreeMap<String, usize> {
        self.tools.ledger.by_query()
    }

    /// Requests per Query and target.
    pub fn calls_by_target(&self) -> BTreeMap<(String, Option<usize>), usize> {
        self.tools.ledger.by_target()
    }

    /// What the last few requests said, oldest first.
    pub fn recent(&self) -> Vec<Received> {
        self.tools.recent.lock().iter().cloned().collect()
    }

    /// CPU time that the stub's thread has used so far; zero before its first request.
    pub fn busy(&self) -> Duration {
        self.server.busy()
    }
}

impl Handler for Tools {
    fn answer(&self, request: &Request) -> ResponseTemplate {
        self.ledger.called(
            query_header(&request.headers),
            target_header(&request.headers),
        );
        self.remember(request);
        let path = request.url.path();
        let mut endpoints = self.endpoints.iter();
        let Some(running) = endpoints.find(|running| running.endpoint.path == path) else {
            return ResponseTemplate::new(404).set_body_string("no such tool");
        };
        let endpoint = &running.endpoint;
        running.n_calls.fetch_add(1, Ordering::Relaxed);
        let body = match &endpoint.body {
            Some(body) => body.clone().into_bytes(),
            None => request.body.clone(),
        };
        let response = ResponseTemplate::new(endpoint.status).set_body_raw(body, "text/plain");
        delayed(response, endpoint.latency)
    }
}

impl Tools {
    fn remember(&self, request: &Request) {
        let headers = request.headers.iter();
        let headers = headers.filter_map(|(name, value)| {
            let text = value.to_str().ok()?;
            Some((name.to_string(), text.to_owned()))
        });
        let target = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let received = Received {
            method: request.method.to_string(),
            target,
            headers: headers.collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        let mut recent = self.recent.lock();
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(received);
    }
}
