//! Watches: a response body that follows a table's history.
//!
//! A watcher holds a place in the history, not a queue of its own: publishing costs one entry however many
//! watch. One that falls behind the history is ended, as the API server ends a slow one; it then learns from
//! a 410 that it must list again.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::Server;
use super::failure::Failure;
use super::faults::EventStrike;
use super::json::write_string;
use super::object::{Change, Object, write_decimal};
use super::read::{Asked, Form};
use super::request::Params;
use super::resource::Resource;
use super::selector::Selector;
use super::table::{Event, Expired, Page, Scope};
use super::write::Call;

/// How many frames are fetched under one lock.
const BATCH: usize = 64;

/// How long a quiet watch stays without a bookmark; the API server's interval.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

/// One running watch.
pub(super) struct Watch {
    server: Arc<Server>,
    resource: Arc<Resource>,
    view: View,
    cursor: u64,
    pending: VecDeque<Bytes>,
    /// The version that everything taken so far is complete up to.
    complete_to: u64,
    bookmark: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// While it runs, nothing is delivered: a fault.
    hold: Option<Pin<Box<Sleep>>>,
    /// The epoch of the server in which the watch began; it ends with it.
    epoch: u64,
    is_ended: bool,
}

/// What a watcher sees of each event.
struct View {
    namespace: String,
    selector: Selector,
    form: Form,
}

impl Watch {
    pub(super) fn start(call: &Call<'_>, form: Form, stale: Option<u64>) -> Result<Self, Failure> {
        let Call {
            server,
            resource,
            namespace,
            params,
            ..
        } = *call;
        let view = View {
            namespace: namespace.to_owned(),
            selector: Selector::parse(resource, &params.label_selector, &params.field_selector)?,
            form,
        };
        let asked = asked_by_watch(params)?;
        let timer = |duration| Box::pin(sleep(duration));
        let timeout = params.timeout_seconds.filter(|seconds| *seconds > 0);
        let mut watch = Self {
            server: Arc::clone(server),
            resource: Arc::clone(resource),
            view,
            cursor: 0,
            pending: VecDeque::new(),
            complete_to: 0,
            bookmark: params.bookmarks.then(|| timer(BOOKMARK_INTERVAL)),
            deadline: timeout.map(|seconds| timer(Duration::from_secs(seconds))),
            epoch: server.faults.epoch(),
            hold: None,
            is_ended: false,
        };
        let with_initial = match (params.send_initial_events, asked) {
            (Some(wanted), _) => wanted,
            (None, asked) => matches!(asked, Asked::Newest | Asked::Any),
        };
        let from = match asked {
            Asked::NotOlderThan(version) | Asked::Exactly(version) => Some(version),
            Asked::Newest | Asked::Any => None,
        };
        let started = if with_initial {
            let current = resource.objects.table.version();
            asked.check_reached(current)?;
            let at = stale.map(|stale| stale.max(from.unwrap_or(0)));
            watch.start_with_objects(
                at,
                params.send_initial_events == Some(true) && params.bookmarks,
            )
        } else {
            watch.start_after(from.unwrap_or_else(|| resource.objects.table.version()))
        };
        if let Err(failure) = started {
            // Once the request is understood, a watch answers 200 and tells of errors in its stream.
            watch.end_with(&failure);
        }
        Ok(watch)
    }

    fn start_with_objects(&mut self, at: Option<u64>, with_end_mark: bool) -> Result<(), Failure> {
        let scope = Scope {
            namespace: &self.view.namespace,
            after: None,
            limit: usize::MAX,
        };
        let matches = |object: &Object| self.view.selector.matches(object);
        let page = self
            .resource
            .objects
            .table
            .page_and_cursor(scope, at, &matches);
        let (page, cursor): (Page, u64) =
            page.map_err(|expired| Failure::too_old(at.unwrap_or(0), expired.oldest))?;
        self.cursor = cursor;
        self.complete_to = page.version;
        for object in &page.objects {
            let frame = self.view.frame(object, Change::Added);
            self.pending.push_back(frame);
        }
        if with_end_mark {
            self.pending.push_back(self.bookmark_frame(true));
        }
        Ok(())
    }

    fn start_after(&mut self, version: u64) -> Result<(), Failure> {
        let reached = version.min(self.resource.objects.table.version());
        self.cursor = self
            .resource
            .objects
            .table
            .cursor_after(reached)
            .map_err(|expired| Failure::too_old(version, expired.oldest))?;
        self.complete_to = reached;
        Ok(())
    }

    fn end_with(&mut self, failure: &Failure) {
        self.pending.push_back(failure.watch_frame());
        self.is_ended = true;
    }

    /// The next part of the body; `None` when the watch is over.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let server = Arc::clone(&self.server);
        let _running = server.meter.start();
        if self.epoch != server.faults.epoch() {
            return Poll::Ready(None);
        }
        loop {
            if let Some(hold) = &mut self.hold {
                std::task::ready!(hold.as_mut().poll(context));
                self.hold = None;
            }
            if let Some(frame) = self.pending.pop_front() {
                return Poll::Ready(Some(frame));
            }
            if self.is_ended {
                return Poll::Ready(None);
            }
            let before = self.cursor;
            if self.fetch(context).is_err() {
                self.is_ended = true;
                continue;
            }
            if self.cursor == before && !self.poll_timers(context) {
                return Poll::Pending;
            }
        }
    }

    /// Takes what is new in the history.
    fn fetch(&mut self, context: &Context<'_>) -> Result<(), Expired> {
        let Self {
            server,
            resource,
            view,
            cursor,
            pending,
            ..
        } = self;
        let mut strike = EventStrike::default();
        let take = |event: &Event| {
            let Some(frame) = view.event_frame(&resource.head, event) else {
                return true;
            };
            strike = server.faults.strike_event(&resource.plural, &event.object);
            if strike.drop || strike.expire {
                return false;
            }
            pending.push_back(frame);
            strike.lag.is_none() && pending.len() < BATCH
        };
        self.complete_to = resource.objects.table.read(cursor, context.waker(), take)?;
        self.hold = strike.lag.map(|lag| Box::pin(sleep(lag)));
        if strike.expire {
            self.expire();
        }
        self.is_ended |= strike.drop;
        Ok(())
    }

    /// Ends the watch with a 410.
    pub(super) fn expire(&mut self) {
        let current = self.resource.objects.table.version();
        self.end_with(&Failure::too_old(self.complete_to, current));
    }

    /// Whether a timer had something to say.
    fn poll_timers(&mut self, context: &mut Context<'_>) -> bool {
        let is_due = |timer: &mut Option<Pin<Box<Sleep>>>, context: &mut Context<'_>| {
            timer
                .as_mut()
                .is_some_and(|timer| timer.as_mut().poll(context).is_ready())
        };
        if is_due(&mut self.deadline, context) {
            if self.bookmark.is_some() {
                self.pending.push_back(self.bookmark_frame(false));
            }
            self.is_ended = true;
            return true;
        }
        if is_due(&mut self.bookmark, context) {
            self.pending.push_back(self.bookmark_frame(false));
            self.bookmark = Some(Box::pin(sleep(BOOKMARK_INTERVAL)));
            return true;
        }
        false
    }

    fn bookmark_frame(&self, ends_initial_events: bool) -> Bytes {
        let mut frame = br#"{"type":"BOOKMARK","object":{"kind":"#.to_vec();
        write_string(&mut frame, &self.resource.kind);
        frame.extend_from_slice(br#","apiVersion":"#);
        write_string(&mut frame, &self.resource.api_version);
        frame.extend_from_slice(br#","metadata":{"resourceVersion":""#);
        write_decimal(&mut frame, self.complete_to);
        frame.push(b'"');
        if ends_initial_events {
            frame.extend_from_slice(br#","annotations":{"k8s.io/initial-events-end":"true"}"#);
        }
        frame.extend_from_slice(b"}}}\n");
        Bytes::from(frame)
    }
}

impl View {
    fn frame(&self, object: &Object, change: Change) -> Bytes {
        match self.form {
            Form::Whole => object.frame_for(change),
            Form::MetadataOnly => {
                let mut frame = change.prefix().to_vec();
                self.form.write(object, &mut frame);
                frame.extend_from_slice(b"}\n");
                Bytes::from(frame)
            }
        }
    }

    /// What the event is to this watcher, if anything: an object that comes to match is added, one that
    /// ceases to match is deleted, in the state in which it last matched.
    fn event_frame(&self, head: &[u8], event: &Event) -> Option<Bytes> {
        let object = &event.object;
        if !self.namespace.is_empty() && object.meta.namespace() != self.namespace {
            return None;
        }
        if self.selector.is_empty() {
            return Some(self.frame(object, object.change));
        }
        let is_now = object.change != Change::Deleted && self.selector.matches(object);
        let previous = event
            .previous
            .as_ref()
            .filter(|previous| self.selector.matches(previous));
        match (previous, is_now) {
            (None, false) => None,
            (None, true) => Some(self.frame(object, Change::Added)),
            (Some(_), true) => Some(self.frame(object, Change::Modified)),
            (Some(previous), false) => {
                let last = previous
                    .draft()
                    .build(head, Change::Deleted, object.version);
                Some(self.frame(&last, Change::Deleted))
            }
        }
    }
}

/// The version a watch begins at, refusing combinations of parameters that mean nothing.
fn asked_by_watch(params: &Params<'_>) -> Result<Asked, Failure> {
    let forbidden =
        |why: &str| Failure::invalid_options("ListOptions", "resourceVersionMatch", why);
    match (params.send_initial_events, &*params.version_match) {
        (Some(_), "NotOlderThan") | (None, "") => {}
        (Some(_), _) => {
            return Err(forbidden(
                "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        (None, _) => {
            return Err(forbidden(
                "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
    }
    match &*params.resource_version {
        "" => Ok(Asked::Newest),
        "0" => Ok(Asked::Any),
        text => text.parse().map(Asked::NotOlderThan).map_err(|_| {
            Failure::unexplained(format!(
                "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        }),
    }
}
