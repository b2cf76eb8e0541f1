//! One request from its arrival to its answer.
//!
//! The future is small and does its work when it is first polled, on the task of whoever asked; only a body that
//! comes in pieces and an injected latency make it wait.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use kube::client::Body;

use super::body::ReplyBody;
use super::discovery;
use super::failure::Failure;
use super::faults::{Effect, Lost, Strike, Subject};
use super::read::{self, Form};
use super::remove::{DeleteOptions, Removed};
use super::request::{Params, Target, Verb};
use super::resource::Resource;
use super::selector::Selector;
use super::server::Server;
use super::watch::Watch;
use super::write::{Call, PatchKind, Written};

/// The connection broke before an answer came; only by a fault.
#[derive(Debug, thiserror::Error)]
#[error("connection closed before the answer was complete")]
pub(super) struct Disconnected;

type Answered = Result<Response<ReplyBody>, Disconnected>;

/// The answer to one request.
pub(super) struct Answer {
    server: Arc<Server>,
    state: State,
}

#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is the usual one: boxing it is what this type avoids"
)]
enum State {
    Asked(Request<Body>),
    /// The request has to wait for something.
    Waiting(BoxFuture<'static, Answered>),
    Answered,
}

impl Answer {
    pub(super) fn new(server: Arc<Server>, request: Request<Body>) -> Self {
        Self {
            server,
            state: State::Asked(request),
        }
    }
}

impl Future for Answer {
    type Output = Answered;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        let this = self.get_mut();
        if let State::Asked(_) = &this.state
            && let State::Asked(request) = std::mem::replace(&mut this.state, State::Answered)
        {
            let (parts, body) = request.into_parts();
            let whole = whole(&body, context);
            let strike = strike(&this.server, &parts);
            if let (Some(body), None) = (&whole, strike.latency) {
                return Poll::Ready(answer(&this.server, &parts, body.as_deref(), &strike));
            }
            let server = Arc::clone(&this.server);
            this.state = State::Waiting(Box::pin(async move {
                tokio::time::sleep(strike.latency.unwrap_or_default()).await;
                let body = match whole {
                    Some(body) => body,
                    None => collect(body).await,
                };
                answer(&server, &parts, body.as_deref(), &strike)
            }));
        }
        match &mut this.state {
            State::Waiting(late) => late.as_mut().poll(context),
            State::Asked(_) | State::Answered => panic!("polled after it was answered"),
        }
    }
}

/// The body if it is there in one piece, as kube makes it; `None` if it is a stream.
fn whole(body: &Body, context: &mut Context<'_>) -> Option<Result<Bytes, Failure>> {
    if body.is_end_stream() {
        return Some(Ok(Bytes::new()));
    }
    // Only a body of one piece can be copied.
    let mut body = body.try_clone()?;
    match Pin::new(&mut body).poll_frame(context) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().ok().map(check_length),
        _ => None,
    }
}

async fn collect(mut body: Body) -> Result<Bytes, Failure> {
    let mut pieces = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| broken(&error.to_string()))?;
        if let Ok(bytes) = frame.into_data() {
            pieces.push(bytes);
        }
    }
    check_length(Bytes::from(pieces.concat()))
}

fn broken(why: &str) -> Failure {
    Failure::bad_request(format!("the body of the request could not be read: {why}"))
}

fn check_length(body: Bytes) -> Result<Bytes, Failure> {
    const LONGEST: usize = 3 << 20;
    if body.len() <= LONGEST {
        return Ok(body);
    }
    let message = format!("Request entity too large: limit is {LONGEST}");
    let code = StatusCode::PAYLOAD_TOO_LARGE;
    Err(Failure::new(code, "RequestEntityTooLarge", message))
}

/// The faults that strike a request, if any are armed.
fn strike(server: &Server, parts: &Parts) -> Strike {
    if !server.faults.are_armed() {
        return Strike::default();
    }
    match Route::find(server, parts) {
        Ok(Some(route)) => server.faults.strike(&route.subject()),
        _ => Strike::default(),
    }
}

fn answer(
    server: &Arc<Server>,
    parts: &Parts,
    body: Result<&[u8], &Failure>,
    strike: &Strike,
) -> Answered {
    let _running = server.meter.start();
    let reply = match (Route::find(server, parts), body) {
        (Ok(Some(route)), Ok(body)) => {
            route
                .resource
                .objects
                .counters
                .add(route.verb, route.is_status);
            route.answer(server, parts, body, strike)
        }
        (Ok(None), _) => discovery::answer(server, parts),
        (Err(failure), _) => Err(failure),
        (_, Err(failure)) => Err(failure.clone()),
    };
    let reply = match strike.lost {
        Some(Lost::Disconnect) => return Err(Disconnected),
        Some(Lost::InternalError) => Err(Failure::internal("the answer was lost")),
        Some(Lost::Timeout) => Err(Failure::timeout()),
        None => reply,
    };
    Ok(match reply {
        Ok((code, body)) => respond(code, body, None),
        Err(failure) => {
            let body = ReplyBody::Once(Some(failure.body()));
            respond(failure.code, body, failure.retry_after)
        }
    })
}

fn respond(code: StatusCode, body: ReplyBody, retry_after: Option<u32>) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) type Reply = Result<(StatusCode, ReplyBody), Failure>;

/// What a request is about, once it is known to be about a resource.
struct Route<'a> {
    target: Target<'a>,
    resource: Arc<Resource>,
    params: Params<'a>,
    verb: Verb,
    is_status: bool,
}

impl<'a> Route<'a> {
    /// `None` if the path is of no resource at all, but perhaps of discovery.
    fn find(server: &Server, parts: &'a Parts) -> Result<Option<Self>, Failure> {
        let Some(target) = Target::parse(parts.uri.path()) else {
            return Ok(None);
        };
        let resource = server
            .find(target.group, target.version, target.plural)
            .ok_or_else(Failure::unknown_path)?;
        let params = Params::parse(parts.uri.query().unwrap_or_default())?;
        let is_status = match target.subresource {
            None => false,
            Some("status") if resource.has_status => true,
            Some(_) => return Err(Failure::unknown_path()),
        };
        if !resource.namespaced && !target.namespace.is_empty() {
            return Err(Failure::unknown_path());
        }
        let verb = Verb::of(&parts.method, target.name.is_some(), params.watch)
            .ok_or_else(Failure::method_not_allowed)?;
        Ok(Some(Self {
            target,
            resource,
            params,
            verb,
            is_status,
        }))
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            verb: self.verb,
            plural: &self.resource.plural,
            is_status: self.is_status,
            namespace: self.target.namespace,
            name: self.target.name.as_deref().unwrap_or_default(),
        }
    }

    fn answer(&self, server: &Arc<Server>, parts: &Parts, body: &[u8], strike: &Strike) -> Reply {
        let Self {
            target,
            resource,
            params,
            ..
        } = self;
        let name = target.name.as_deref().unwrap_or_default();
        match strike.refusal {
            Some(Effect::Conflict) => return Err(Failure::modified_meanwhile(resource, name)),
            Some(Effect::TooManyRequests(seconds)) => {
                return Err(Failure::too_many_requests(seconds));
            }
            Some(_) => return Err(Failure::internal("a fault was asked for")),
            None => {}
        }
        let text = |name| {
            let value = parts.headers.get(name);
            value.and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let form = Form::of(text(ACCEPT));
        let call = Call {
            server,
            resource,
            namespace: target.namespace,
            name,
            is_status: self.is_status,
            is_apply: false,
            params,
        };
        let once = |bytes| Ok((StatusCode::OK, ReplyBody::Once(Some(bytes))));
        let written = |written: Written| {
            let body = ReplyBody::Once(Some(form.body(&written.object)));
            Ok((written.code, body))
        };
        let stale = strike
            .stale
            .map(|changes| resource.objects.table.version_before(changes));
        match self.verb {
            Verb::Get => once(form.body(&*read::get(&call, stale)?)),
            Verb::List => once(read::list(&call, form, stale)?),
            Verb::Watch => {
                let mut watch = Watch::start(&call, form, stale)?;
                if strike.expire_start {
                    watch.expire();
                }
                Ok((StatusCode::OK, ReplyBody::Watch(Box::new(watch))))
            }
            Verb::Create => written(call.create(body)?),
            Verb::Update => written(call.replace(body)?),
            Verb::Patch => {
                let kind = PatchKind::of(resource, text(CONTENT_TYPE).unwrap_or_default())?;
                written(call.patch(kind, body)?)
            }
            Verb::Delete => match call.delete(&DeleteOptions::parse(body)?)? {
                Removed::Gone(gone) if resource.answers_with_removed() => once(form.body(&gone)),
                Removed::Gone(gone) => once(read::deleted_status(resource, &gone)),
                Removed::Marked(marked) => once(form.body(&marked)),
            },
            Verb::DeleteCollection => {
                let options = DeleteOptions::parse(body)?;
                let selector =
                    Selector::parse(resource, &params.label_selector, &params.field_selector)?;
                let removed = call.delete_collection(&options, &selector)?;
                once(read::removed_list(resource, removed, form))
            }
        }
    }
}
