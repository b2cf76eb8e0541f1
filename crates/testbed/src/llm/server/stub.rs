//! One completion, from the request to its answer.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request::Parts,
};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use super::{
    body::{Body, End, Held, Step},
    connection::Valve,
    entry::Entry,
    ledger::{Ending, Ledger},
    rates::{Rates, Standing},
    settings::Settings,
    slots::{Slot, Slots},
    steps::Plan,
    windows::Windows,
};
use crate::{
    hash::mix,
    llm::{call::Call, playing::Playing, refusal::Refusal, reply::Answer, script::Fault},
    thread_clock::ThreadClock,
};

/// A longer request is refused.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What all connections share.
pub(crate) struct Stub {
    pub(crate) began: Instant,
    pub(crate) playing: RwLock<Arc<Playing>>,
    pub(crate) ledger: Ledger,
    pub(crate) slots: Slots,
    pub(crate) stalls: Arc<Windows>,
    pub(crate) refusals: Windows,
    pub(crate) n_connections: AtomicUsize,
    pub(crate) clocks: Mutex<Vec<ThreadClock>>,
    full_status: u16,
    /// `None` if nothing is counted per minute, so that nobody takes the lock.
    rates: Option<Mutex<Rates>>,
}

/// Tells hyper to close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the stub was told to reset the connection")]
pub(crate) struct Reset;

impl Stub {
    pub(crate) fn new(settings: &Settings) -> Self {
        let began = Instant::now();
        let per_minute = settings.per_minute;
        let is_rated = per_minute.requests.is_some() || per_minute.tokens.is_some();
        Self {
            began,
            playing: RwLock::new(Arc::new(Playing::new(settings.script.clone()))),
            ledger: Ledger::new(settings.window),
            slots: Slots::new(settings.slots, settings.queue),
            stalls: Arc::new(Windows::new(began, &settings.stalls)),
            refusals: Windows::new(began, &settings.refusals),
            n_connections: AtomicUsize::new(0),
            clocks: Mutex::default(),
            full_status: settings.full_status,
            rates: is_rated.then(|| Mutex::new(Rates::new(per_minute))),
        }
    }

    /// Answers a request for a completion.
    pub(crate) async fn complete(
        self: Arc<Self>,
        valve: &Arc<Valve>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Reset> {
        let (parts, incoming) = request.into_parts();
        let collected = Limited::new(incoming, MOST_BYTES).collect().await;
        let Ok(content) = collected.map(http_body_util::Collected::to_bytes) else {
            self.ledger.refused();
            let message = format!("the body is longer than {MOST_BYTES} bytes or breaks off");
            let refusal = Refusal::new(413, message, "invalid_request_error", "too_large");
            return Ok(refused(&refusal));
        };
        let arrived = Instant::now();
        let call = match Call::read(parts.uri.path(), &parts.headers, &content) {
            Ok(call) => call,
            Err(error) => {
                self.ledger.refused();
                return Ok(refused(&Refusal::no_request(&error)));
            }
        };
        let execution: Arc<str> = call.execution().into();
        let n_before = self.ledger.called(&execution);
        let entry = Entry::open(self.clone(), execution, arrived);
        self.answer(valve, &parts, &call, n_before, entry).await
    }

    async fn answer(
        &self,
        valve: &Arc<Valve>,
        parts: &Parts,
        call: &Call<'_>,
        n_before: usize,
        mut entry: Entry,
    ) -> Result<Response<Body>, Reset> {
        let playing = self.playing.read().clone();
        let key = mix(playing.key(call, n_before) ^ mix(call.turn as u64));
        if !playing.is_authorized(&parts.headers) {
            entry.end(Ending::Refused);
            return Ok(refused(&Refusal::wrong_key()));
        }
        let fault = playing.fault(call, key);
        let mut drawn = playing.first_token(key);
        if let Some(fault) = fault
            && let Some(response) = self.no_answer(valve, call, fault, drawn).await
        {
            entry.end(Ending::Struck(fault));
            return response;
        }
        let answer = Answer::to(call, playing.reply(call), playing.script.usage, key);
        let standing = match self.take(call, &answer) {
            Ok(standing) => standing,
            Err(response) => {
                entry.end(Ending::DeniedByRate);
                return Ok(*response);
            }
        };
        let Ok(slot) = self.slots.enter().await else {
            entry.end(Ending::DeniedByCap);
            return Ok(refused(&self.full(call)));
        };
        entry.enters();
        if let Some(Fault::Stall(stall)) = fault {
            drawn += stall;
        }
        if !call.wants_stream {
            drawn += playing.rest(key, answer.n_tokens());
        }
        entry.draws(drawn);
        entry.plan(match fault {
            Some(fault) => Ending::Struck(fault),
            None => ending(&answer),
        });
        self.stalls.sleep_until(Instant::now() + drawn).await;
        entry.begins();
        match fault {
            Some(Fault::SlowHead(pause)) => valve.drip_head(pause),
            Some(Fault::Drip(pause)) => valve.drip(pause),
            _ => {}
        }
        let plan = Plan::of(&playing, call, answer, key, fault);
        Ok(self.respond(valve, plan, standing, entry, slot))
    }

    fn respond(
        &self,
        valve: &Arc<Valve>,
        plan: Plan,
        standing: Option<Standing>,
        entry: Entry,
        slot: Slot,
    ) -> Response<Body> {
        let mut steps = plan.steps;
        let is_plain = plan.length.is_some() && plan.end == End::Complete && steps.len() == 1;
        let body = match steps.pop() {
            Some(Step { bytes, .. }) if is_plain => {
                entry.close();
                Body::whole(bytes)
            }
            last => {
                steps.extend(last);
                let held = Held {
                    windows: self.stalls.clone(),
                    valve: valve.clone(),
                    entry: Some(entry),
                    slot,
                };
                Body::paced(steps, plan.end, plan.length, held)
            }
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(plan.content_type));
        if plan.length.is_none() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        for (name, value) in standing.iter().flat_map(Standing::headers) {
            insert(&mut response, name, value);
        }
        response
    }

    /// What comes instead of any answer, if the fault is of that kind.
    async fn no_answer(
        &self,
        valve: &Arc<Valve>,
        call: &Call<'_>,
        fault: Fault,
        drawn: Duration,
    ) -> Option<Result<Response<Body>, Reset>> {
        if fault == Fault::Timeout {
            // Until the caller goes away, which drops this future.
            std::future::pending::<()>().await;
        }
        let refusal = Refusal::by(fault, call);
        if refusal.is_none() && fault != Fault::Reset {
            return None;
        }
        self.stalls.sleep_until(Instant::now() + drawn).await;
        Some(match refusal {
            Some(refusal) => Ok(refused(&refusal)),
            None => {
                valve.reset();
                Err(Reset)
            }
        })
    }

    /// Takes the request from its rates, or says what is answered instead.
    fn take(
        &self,
        call: &Call<'_>,
        answer: &Answer<'_>,
    ) -> Result<Option<Standing>, Box<Response<Body>>> {
        let Some(rates) = &self.rates else {
            return Ok(None);
        };
        let n_tokens = (call.n_bytes() / 4 + answer.n_tokens()) as u64;
        let mut rates = rates.lock();
        let denial = match rates.take(self.began.elapsed(), n_tokens) {
            Ok(standing) => return Ok(Some(standing)),
            Err(denial) => denial,
        };
        let message = denial.message(&call.model);
        let refusal = Refusal::new(429, message, denial.kind, "rate_limit_exceeded");
        let mut response = refused(&refusal);
        for (name, value) in rates.standing().headers().chain(denial.headers()) {
            insert(&mut response, name, value);
        }
        Err(Box::new(response))
    }

    fn full(&self, call: &Call<'_>) -> Refusal {
        if self.full_status == 503 {
            return Refusal::overloaded();
        }
        let message = format!(
            "all slots of {} and places in the queue are taken",
            call.model
        );
        Refusal::new(self.full_status, message, "requests", "rate_limit_exceeded")
    }
}

fn ending(answer: &Answer<'_>) -> Ending {
    let tokens = |figure: fn(&crate::llm::reply::Tokens) -> i64| {
        let figure = answer.usage.as_ref().map_or(0, figure);
        u64::try_from(figure).unwrap_or_default()
    };
    Ending::Answered {
        prompt: tokens(|usage| usage.prompt_tokens),
        completion: tokens(|usage| usage.completion_tokens),
    }
}

pub(super) fn refused(refusal: &Refusal) -> Response<Body> {
    let mut response = json(refusal.status, refusal.body());
    if let Some(wait) = &refusal.retry_after {
        insert(&mut response, "retry-after", wait.clone());
    }
    response
}

pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::whole(body));
    *response.status_mut() = status.try_into().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn insert(response: &mut Response<Body>, name: &'static str, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}
