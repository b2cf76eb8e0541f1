//! What the stub answers about itself, beside completions.
//!
//! None of it waits for a slot, is counted, or stands still in a stall.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, header::CONTENT_TYPE};
use hyper::body::Incoming;
use query_api::go_duration::GoDuration;
use serde::Serialize;

use super::{
    body::Body,
    connection::Valve,
    stub::{Reset, Stub, json, refused},
    tally::{Execution, Recent, Tally},
    windows::Window,
};
use crate::llm::refusal::Refusal;

/// The ledger as a whole.
#[derive(Serialize)]
struct Page {
    tally: Tally,
    duplicated: Vec<Execution>,
    recent: Vec<Recent>,
}

impl Stub {
    /// Answers any request.
    pub(crate) async fn serve(
        self: Arc<Self>,
        valve: Arc<Valve>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Reset> {
        valve.open();
        let path = request.uri().path();
        if path.ends_with("/chat/completions") {
            return self.complete(&valve, request).await;
        }
        let query = request.uri().query().unwrap_or_default();
        Ok(match (request.method(), path) {
            (&Method::GET, "/health") => json(200, "{\"status\":\"ok\"}"),
            (&Method::GET, "/metrics") => self.metrics(),
            (&Method::GET, "/v1/models") => json(200, MODELS),
            (&Method::GET, "/stub/ledger") => self.page(query),
            (&Method::DELETE, "/stub/ledger") => {
                self.ledger.clear();
                json(200, "{}")
            }
            (&Method::POST, "/stub/stall") => self.stall(query),
            _ => refused(&Refusal::no_such_path()),
        })
    }

    /// The ledger, or with `?execution=<name>` one execution of it.
    fn page(&self, query: &str) -> Response<Body> {
        let Some(name) = parameter(query, "execution") else {
            return written(&Page {
                tally: self.tally(),
                duplicated: self.ledger.duplicated(),
                recent: self.ledger.recent(),
            });
        };
        match self.ledger.execution(&name) {
            Some(execution) => written(&execution),
            None => {
                let message = format!("no execution {name:?}: never called, or forgotten");
                let refusal = Refusal::new(404, message, "invalid_request_error", "not_found");
                refused(&refusal)
            }
        }
    }

    fn metrics(&self) -> Response<Body> {
        let mut response = json(200, self.tally().to_prometheus());
        let text = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        response
    }

    /// `?lasts=2s`, and `&in=10s` if not at once.
    fn stall(&self, query: &str) -> Response<Body> {
        let time = |name| parameter(query, name).map(|text| text.parse::<GoDuration>());
        let wait = time("in").unwrap_or(Ok(GoDuration::from_secs(0)));
        let (Some(Ok(lasts)), Ok(wait)) = (time("lasts"), wait) else {
            let message = "say how long, such as POST /stub/stall?lasts=2s&in=10s";
            let refusal = Refusal::new(400, message, "invalid_request_error", "invalid_stall");
            return refused(&refusal);
        };
        self.stalls.add(Window {
            at: self.began.elapsed() + wait.0,
            lasts: lasts.0,
        });
        json(200, "{}")
    }
}

/// The models that there are; any other name is answered, too.
const MODELS: &str = "{\"object\":\"list\",\"data\":[{\"id\":\"stub-model\",\"object\":\"model\",\"created\":0,\"owned_by\":\"stub\"}]}";

fn written(value: &impl Serialize) -> Response<Body> {
    let body = serde_json::to_vec(value).expect("a tree of strings and numbers is JSON");
    json(200, Bytes::from(body))
}

/// The value of a parameter, unescaped; `None` if it is not there.
fn parameter(query: &str, wanted: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| *name == wanted)?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, first) {
            (Some(byte), _) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (None, b'+') => {
                bytes.push(b' ');
                rest = after;
            }
            (None, other) => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_unescaped() {
        let query = "a=1&execution=default%2Fq%230+turn%200&b=100%";
        assert_eq!(
            parameter(query, "execution").as_deref(),
            Some("default/q#0 turn 0")
        );
        assert_eq!(parameter(query, "b").as_deref(), Some("100%"));
        assert_eq!(parameter(query, "c"), None);
    }
}
