//! A language model for suites and tests: OpenAI's and Azure's chat completions over loopback HTTP.
//!
//! [`LlmStub`] answers what its [`script::Script`] says and counts who asked. It runs on a thread of its own.
//! It does not stream, and cannot reset connections; it is not meant for hours of load. [`server::LlmServer`] does
//! and is, and plays the same scripts.

pub mod latency;
pub mod script;
pub mod server;

mod call;
mod events;
mod playing;
mod refusal;
mod reply;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::RwLock;
use wiremock::{Request, ResponseTemplate};

use crate::{
    http_stub::{Handler, HttpStub, delayed, ledger::Ledger},
    llm::{
        call::Call,
        playing::Playing,
        refusal::Refusal,
        reply::Answer,
        script::{Fault, Script},
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
    ///
    /// # Panics
    ///
    /// If the script has faults of connections, which wiremock cannot produce.
    pub async fn start(script: Script) -> Self {
        check(&script);
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
    ///
    /// # Panics
    ///
    /// As [`LlmStub::start`].
    pub fn play(&self, script: Script) {
        check(&script);
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

impl Handler for Model {
    fn answer(&self, request: &Request) -> ResponseTemplate {
        if !request.url.path().ends_with("/chat/completions") {
            return refused(&Refusal::no_such_path());
        }
        let call = match Call::read(request.url.path(), &request.headers, &request.body) {
            Ok(call) => call,
            Err(error) => {
                self.ledger.called(None, None);
                return refused(&Refusal::no_request(&error));
            }
        };
        let n_before = self.ledger.called(call.query.as_deref(), call.target);
        let playing = self.playing.read();
        let key = playing.key(&call, n_before);
        if !playing.is_authorized(&request.headers) {
            return refused(&Refusal::wrong_key());
        }
        let answer = Answer::to(&call, playing.reply(&call), playing.script.usage, key);
        let mut latency = playing.first_token(key) + playing.rest(key, answer.n_tokens());
        let response = match playing.fault(&call, key) {
            Some(Fault::Timeout) => return ResponseTemplate::new(504).set_delay(NEVER),
            Some(fault) => match Refusal::by(fault, &call) {
                Some(refusal) => refused(&refusal),
                None => {
                    if let Fault::Stall(stall) = fault {
                        latency += stall;
                    }
                    faulty(fault, answer, &call, key)
                }
            },
            None => {
                self.ledger.answered();
                json(200, answer.whole())
            }
        };
        delayed(response, latency)
    }
}

fn check(script: &Script) {
    for rule in &script.faults {
        let name = rule.fault.name();
        let is_possible = !rule.fault.is_of_connection();
        assert!(
            is_possible,
            "fault {name} takes an LlmServer instead of an LlmStub"
        );
    }
}

fn faulty(fault: Fault, answer: Answer<'_>, call: &Call<'_>, key: u64) -> ResponseTemplate {
    match fault {
        Fault::MalformedJson => {
            let mut body = reply::empty(call, key);
            body.truncate(body.len() / 2);
            json(200, body)
        }
        Fault::NotJson => ResponseTemplate::new(200).set_body_raw(reply::PAGE, "text/html"),
        Fault::EmptyChoices => json(200, reply::empty(call, key)),
        Fault::WrongContentType => {
            ResponseTemplate::new(200).set_body_raw(answer.whole(), "text/plain")
        }
        _ => json(200, answer.whole()),
    }
}

fn refused(refusal: &Refusal) -> ResponseTemplate {
    let response = json(refusal.status, refusal.body());
    match &refusal.retry_after {
        Some(wait) => response.insert_header("retry-after", wait.as_str()),
        None => response,
    }
}

fn json(status: u16, body: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}
