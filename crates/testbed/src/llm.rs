//! A language model for suites and tests: OpenAI's and Azure's chat completions over loopback HTTP.
//!
//! [`LlmStub`] answers what its [`script::Script`] says and counts who asked. It runs on a thread of its own.
//! It does not stream, and cannot reset connections; it is not meant for hours of load.

pub mod latency;
pub mod script;

mod call;
mod reply;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use wiremock::{Request, ResponseTemplate};

use crate::{
    hash::{fnv, mix},
    http_stub::{Handler, HttpStub, delayed, ledger::Ledger},
    llm::{
        call::Call,
        script::{Fault, RetryAfter, Script, Trigger},
    },
};

/// The delay of a reply that never comes.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// A running stub. Dropping it closes the socket.
#[derive(Debug)]
pub struct LlmStub {
    server: HttpStub,
    model: Arc<Model>,
}

impl LlmStub {
    /// Starts a stub on a free loopback port.
    pub async fn start(script: Script) -> Self {
        let model = Arc::new(Model {
            playing: RwLock::new(Playing::new(script)),
            ledger: Ledger::default(),
        });
        let server = HttpStub::start(model.clone()).await;
        Self { server, model }
    }

    /// The base URL as a Model's `baseUrl`, for OpenAI and for Azure: without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.uri())
    }

    /// Changes the script from the next request on; counts of calls stay, countdowns of faults start anew.
    pub fn play(&self, script: Script) {
        *self.model.playing.write() = Playing::new(script);
    }

    /// All requests so far, those struck by a fault included.
    pub fn calls(&self) -> usize {
        self.model.ledger.n_calls()
    }

    /// Requests that got an answer (in time or not): neither struck by a fault nor refused.
    pub fn answered(&self) -> usize {
        self.model.ledger.n_answered()
    }

    /// Requests per Query: from the header `x-ark-query`, else from a marker `[query ns/name]` in the last user
    /// message.
    pub fn calls_by_query(&self) -> BTreeMap<String, usize> {
        self.model.ledger.by_query()
    }

    /// Requests per Query and target; `None` where a request named no target.
    pub fn calls_by_target(&self) -> BTreeMap<(String, Option<usize>), usize> {
        self.model.ledger.by_target()
    }

    /// Requests that named no Query, or came after a million different pairs of Query and target.
    pub fn untraced(&self) -> usize {
        self.model.ledger.n_untraced()
    }

    /// Forgets all counts.
    pub fn clear_counts(&self) {
        self.model.ledger.clear();
    }

    /// CPU time that the stub's thread has used so far; zero before its first request.
    pub fn busy(&self) -> Duration {
        self.server.busy()
    }
}

#[derive(Debug)]
struct Model {
    playing: RwLock<Playing>,
    ledger: Ledger,
}

/// A script and how far it is.
#[derive(Debug)]
struct Playing {
    script: Script,
    /// For each fault how often it has struck.
    struck: Vec<AtomicUsize>,
}

impl Handler for Model {
    fn answer(&self, request: &Request) -> ResponseTemplate {
        if !request.url.path().ends_with("/chat/completions") {
            return refusal(404, "no such path", "invalid_request_error", "not_found");
        }
        let call = match Call::read(request) {
            Ok(call) => call,
            Err(error) => {
                self.ledger.called(None, None);
                let message = format!("the body is no chat completion request: {error}");
                return refusal(400, &message, "invalid_request_error", "invalid_json");
            }
        };
        let n_before = self.ledger.called(call.query.as_deref(), call.target);
        let playing = self.playing.read();
        let key = playing.key(&call, n_before, &request.body);
        let script = &playing.script;
        if !is_authorized(request, script.api_key.as_deref()) {
            let message = "incorrect API key provided";
            return refusal(401, message, "invalid_request_error", "invalid_api_key");
        }
        let response = match playing.fault(&call, key) {
            Some(Fault::Timeout) => return ResponseTemplate::new(504).set_delay(NEVER),
            Some(fault) => faulty(fault, &call, key),
            None => {
                self.ledger.answered();
                let mut turns = script.turns.iter().rev();
                let turn = turns.find(|turn| turn.turn == call.turn && call.is_of(&turn.calls));
                let reply = turn.map_or(&script.otherwise, |turn| &turn.reply);
                json(200, reply::completion(&call, reply, script.usage, key))
            }
        };
        delayed(response, script.latency.draw(key))
    }
}

impl Playing {
    fn new(script: Script) -> Self {
        let struck = script.faults.iter().map(|_| AtomicUsize::new(0)).collect();
        Self { script, struck }
    }

    /// A number that is the same in every run for the n-th call of a target, whatever else arrives in between.
    ///
    /// A call that names no Query is known by its text alone.
    fn key(&self, call: &Call<'_>, n_before: usize, body: &[u8]) -> u64 {
        let mut key = mix(self.script.seed);
        match &call.query {
            Some(query) => key = fnv(key, query.as_bytes()),
            None => key = fnv(key, body),
        }
        key = mix(key ^ call.target.map_or(u64::MAX, |target| target as u64));
        mix(key ^ n_before as u64)
    }

    /// The first fault that strikes this call.
    fn fault(&self, call: &Call<'_>, key: u64) -> Option<Fault> {
        let rules = self.script.faults.iter().zip(&self.struck).enumerate();
        for (index, (rule, struck)) in rules {
            if !call.is_of(&rule.calls) {
                continue;
            }
            let strikes = match rule.trigger {
                Trigger::Always => true,
                Trigger::Share(share) => unit(mix(key ^ mix(index as u64 + 1))) < share,
                Trigger::Next(n_calls) => struck.load(Ordering::Relaxed) < n_calls,
            };
            if strikes {
                struck.fetch_add(1, Ordering::Relaxed);
                return Some(rule.fault);
            }
        }
        None
    }
}

fn faulty(fault: Fault, call: &Call<'_>, key: u64) -> ResponseTemplate {
    match fault {
        Fault::RateLimited(retry_after) => {
            let message = format!("rate limit reached for {}", call.model);
            let response = refusal(429, &message, "requests", "rate_limit_exceeded");
            match retry_after {
                RetryAfter::Absent => response,
                RetryAfter::Seconds(seconds) => {
                    response.insert_header("retry-after", seconds.to_string())
                }
                RetryAfter::DateIn(wait) => response.insert_header("retry-after", date_in(wait)),
            }
        }
        Fault::QuotaExhausted => {
            let message = "you exceeded your current quota";
            refusal(429, message, "insufficient_quota", "insufficient_quota")
        }
        Fault::Status(status) => {
            let message = format!("the stub was told to answer {status}");
            refusal(status, &message, "server_error", "server_error")
        }
        Fault::Timeout => ResponseTemplate::new(504).set_delay(NEVER),
        Fault::MalformedJson => {
            let mut body = reply::empty(call, key);
            body.truncate(body.len() / 2);
            json(200, body)
        }
        Fault::NotJson => ResponseTemplate::new(200)
            .set_body_raw("<html><body>Bad gateway</body></html>", "text/html"),
        Fault::EmptyChoices => json(200, reply::empty(call, key)),
    }
}

fn refusal(status: u16, message: &str, kind: &str, code: &str) -> ResponseTemplate {
    json(status, reply::error(message, kind, code))
}

fn json(status: u16, body: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

fn is_authorized(request: &Request, wanted: Option<&str>) -> bool {
    let header = |name: &str| request.headers.get(name)?.to_str().ok();
    let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let Some(wanted) = wanted else {
        return true;
    };
    bearer == Some(wanted) || header("api-key") == Some(wanted)
}

/// An HTTP date this long from now.
fn date_in(wait: Duration) -> String {
    use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
    let date = Timestamp::now().checked_add(wait).ok();
    date.and_then(|date| {
        DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&date)
            .ok()
    })
    .expect("a script waits for less than a thousand years")
}

/// A number in 0..1 from 64 well-mixed bits.
#[expect(
    clippy::cast_precision_loss,
    reason = "53 bits are all that a float holds, and all that is taken"
)]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
