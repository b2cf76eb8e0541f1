//! The server behind the client: looks up what a request is about, and answers it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::client::Body;
use parking_lot::RwLock;

use super::Settings;
use super::body::ReplyBody;
use super::clock::Clock;
use super::discovery;
use super::failure::Failure;
use super::faults::{Effect, Faults, Lost, Strike, Subject};
use super::json::Members;
use super::meter::{Counters, Counts, Meter};
use super::read::{self, Form};
use super::remove::{DeleteOptions, Removed};
use super::request::{Params, Target, Verb};
use super::resource::{Builtin, Objects, Resource};
use super::selector::Selector;
use super::table::{Table, Versions};
use super::watch::Watch;
use super::write::{Call, PatchKind, Written};

/// The state that all clients share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    pub(super) faults: Faults,
    versions: Arc<Versions>,
    resources: RwLock<Arc<Vec<Arc<Resource>>>>,
    clock: Clock,
    /// State of the sequence behind uids and generated names; its seed is fixed, so that runs repeat.
    sequence: AtomicU64,
}

impl Server {
    pub(super) fn new(settings: Settings) -> Self {
        let versions = Arc::new(Versions::new());
        let builtin = |kind| Arc::new(Resource::builtin(kind, new_objects(&versions, settings)));
        let resources = Builtin::ALL.into_iter().map(builtin).collect();
        Self {
            settings,
            meter: Meter::default(),
            faults: Faults::new(),
            resources: RwLock::new(Arc::new(resources)),
            versions,
            clock: Clock::default(),
            sequence: AtomicU64::new(0),
        }
    }

    pub(super) fn resources(&self) -> Arc<Vec<Arc<Resource>>> {
        Arc::clone(&self.resources.read())
    }

    pub(super) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let resources = self.resources.read();
        let is_it = |resource: &&Arc<Resource>| {
            *resource.plural == *plural
                && *resource.group == *group
                && *resource.version == *version
        };
        resources.iter().find(is_it).cloned()
    }

    pub(super) fn builtin(&self, builtin: Builtin) -> Arc<Resource> {
        let resources = self.resources.read();
        let found = resources
            .iter()
            .find(|resource| resource.builtin == Some(builtin));
        Arc::clone(found.expect("built-in resources are there from the start"))
    }

    /// Installs a definition as if it came through the API.
    pub(super) fn install(self: &Arc<Self>, crd: &CustomResourceDefinition) {
        let resource = self.builtin(Builtin::CustomResourceDefinition);
        let params = Params::default();
        let call = Call {
            server: self,
            resource: &resource,
            namespace: "",
            name: "",
            is_status: false,
            is_apply: false,
            params: &params,
        };
        let body = serde_json::to_vec(crd).expect("a definition serialises");
        if let Err(failure) = call.create(&body) {
            panic!("the definition cannot be installed: {failure:?}");
        }
    }

    pub(super) fn now(&self) -> String {
        self.clock.now()
    }

    pub(super) fn new_uid(&self) -> String {
        let (high, low) = (self.random(), self.random());
        let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// `prefix` and five characters, cut so that the name stays short enough.
    pub(super) fn generate_name(&self, prefix: &str) -> String {
        const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        const LONGEST_PREFIX: usize = 58;
        let mut random = self.random();
        let mut name: String = prefix.chars().take(LONGEST_PREFIX).collect();
        for _ in 0..5 {
            name.push(char::from(ALPHABET[(random % 27) as usize]));
            random /= 27;
        }
        name
    }

    /// SplitMix64.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self
            .sequence
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Refuses objects in namespaces that are missing or going, where that is asked for.
    pub(super) fn admit_into_namespace(
        &self,
        resource: &Resource,
        namespace: &str,
        own: &Members<'_>,
    ) -> Result<(), Failure> {
        if !self.settings.strict_namespaces {
            return Ok(());
        }
        let namespaces = self.builtin(Builtin::Namespace);
        let Some(found) = namespaces.objects.table.get("", namespace) else {
            return Err(Failure::not_found(&namespaces, namespace));
        };
        if found.meta.deleting {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            return Err(Failure::forbidden(
                resource,
                own.str("name").unwrap_or_default(),
                &why,
            ));
        }
        Ok(())
    }

    /// Room for the objects of one more kind.
    pub(super) fn new_objects(&self) -> Arc<Objects> {
        new_objects(&self.versions, self.settings)
    }

    /// Changes the kinds that are served; what `change` returns is served no more and its watches end.
    pub(super) fn change_resources(
        &self,
        change: impl FnOnce(&mut Vec<Arc<Resource>>) -> Option<Arc<Resource>>,
    ) {
        let mut resources = self.resources.write();
        let mut next = (**resources).clone();
        let gone = change(&mut next);
        *resources = Arc::new(next);
        drop(resources);
        if let Some(gone) = gone {
            gone.objects.table.end_watches();
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for resource in self.resources().iter() {
            resource
                .objects
                .counters
                .collect(&resource.plural, &mut counts);
        }
        counts
    }

    pub(super) fn n_objects(&self, plural: &str) -> usize {
        let resources = self.resources();
        let of_plural = resources
            .iter()
            .filter(|resource| *resource.plural == *plural);
        of_plural.map(|resource| resource.objects.table.len()).sum()
    }

    pub(super) fn drop_watches(&self) {
        self.faults.start_epoch();
        for resource in self.resources().iter() {
            resource.objects.table.wake_all();
        }
    }

    pub(super) fn compact(&self) {
        for resource in self.resources().iter() {
            resource.objects.table.forget_history();
        }
    }
}

fn new_objects(versions: &Arc<Versions>, settings: Settings) -> Arc<Objects> {
    Arc::new(Objects {
        table: Table::new(Arc::clone(versions), settings.history_size),
        counters: Counters::default(),
    })
}

/// The connection broke before an answer came; only by a fault.
#[derive(Debug, thiserror::Error)]
#[error("connection closed before the answer was complete")]
pub(super) struct Disconnected;

/// Answers one request.
pub(super) async fn serve(
    server: Arc<Server>,
    request: Request<Body>,
) -> Result<Response<ReplyBody>, Disconnected> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await;
    let (route, strike) = {
        let _running = server.meter.start();
        let route = Route::find(&server, &parts);
        let strike = match &route {
            Ok(Some(route)) => server.faults.strike(&route.subject()),
            _ => Strike::default(),
        };
        (route, strike)
    };
    if let Some(latency) = strike.latency {
        tokio::time::sleep(latency).await;
    }
    let _running = server.meter.start();
    let reply = match (route, body) {
        (Ok(Some(route)), Ok(body)) => route.answer(&server, &parts, &body, &strike),
        (Ok(None), _) => discovery::answer(&server, &parts),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    };
    let reply = match strike.lost {
        Some(Lost::Disconnect) => return Err(Disconnected),
        Some(Lost::InternalError) => Err(Failure::internal("the answer was lost")),
        Some(Lost::Timeout) => Err(Failure::timeout()),
        None => reply,
    };
    Ok(match reply {
        Ok((code, body)) => respond(code, body, None),
        Err(failure) => respond(
            failure.code,
            ReplyBody::Once(Some(failure.body())),
            failure.retry_after,
        ),
    })
}

/// The whole body; kube sends it in one piece.
async fn collect(mut body: Body) -> Result<Bytes, Failure> {
    const LONGEST: usize = 3 << 20;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut whole = Bytes::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame =
            frame.map_err(|error| Failure::bad_request(format!("the body broke off: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            whole = match whole.is_empty() {
                true => bytes,
                false => Bytes::from([whole, bytes].concat()),
            };
        }
        if body.is_end_stream() {
            break;
        }
    }
    if whole.len() > LONGEST {
        let message = format!("Request entity too large: limit is {LONGEST}");
        return Err(Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            message,
        ));
    }
    Ok(whole)
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
        resource.objects.counters.add(verb, is_status);
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
