//! The server behind the client: looks up what a request is about, and answers it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::client::Body;
use parking_lot::RwLock;

use super::Settings;
use super::body::ReplyBody;
use super::clock::Clock;
use super::failure::Failure;
use super::json::Members;
use super::meter::{Counts, Meter};
use super::object::Object;
use super::read::{self, Asked, Form};
use super::remove::{DeleteOptions, Removed};
use super::request::{Params, Target, Verb};
use super::resource::{Builtin, Resource};
use super::selector::Selector;
use super::table::Versions;
use super::watch::Watch;
use super::write::{Call, PatchKind, Written};

/// The state that all clients share.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) settings: Settings,
    pub(super) meter: Meter,
    versions: Arc<Versions>,
    resources: RwLock<Arc<Vec<Arc<Resource>>>>,
    clock: Clock,
    /// State of the sequence behind uids and generated names; its seed is fixed, so that runs repeat.
    sequence: AtomicU64,
}

impl Server {
    pub(super) fn new(settings: Settings) -> Self {
        let versions = Arc::new(Versions::new());
        let builtin = |kind| Arc::new(Resource::builtin(kind, &versions, settings.history_size));
        let resources = Builtin::ALL.into_iter().map(builtin).collect();
        Self {
            settings,
            meter: Meter::default(),
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

    fn builtin(&self, builtin: Builtin) -> Arc<Resource> {
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
        let Some(found) = namespaces.table.get("", namespace) else {
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

    /// What follows from a stored change: definitions come and go, namespaces are emptied.
    pub(super) fn after_write(&self, resource: &Resource, object: &Object) {
        match resource.builtin {
            Some(Builtin::CustomResourceDefinition) => self.redefine(object),
            _ => {}
        }
    }

    fn redefine(&self, object: &Object) {
        let Ok(crd) = serde_json::from_slice::<CustomResourceDefinition>(object.body_bytes())
        else {
            return;
        };
        let mut resources = self.resources.write();
        let mut next = (**resources).clone();
        let is_other = |resource: &Arc<Resource>| {
            *resource.plural != *crd.spec.names.plural || *resource.group != *crd.spec.group
        };
        let is_gone = object.change == super::object::Change::Deleted;
        next.retain(is_other);
        if !is_gone
            && let Ok(Some(custom)) =
                Resource::custom(&crd, &self.versions, self.settings.history_size)
        {
            next.push(Arc::new(custom));
        }
        *resources = Arc::new(next);
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for resource in self.resources().iter() {
            resource.counters.collect(&resource.plural, &mut counts);
        }
        counts
    }

    pub(super) fn n_objects(&self, plural: &str) -> usize {
        let resources = self.resources();
        let of_plural = resources
            .iter()
            .filter(|resource| *resource.plural == *plural);
        of_plural.map(|resource| resource.table.len()).sum()
    }

    pub(super) fn compact(&self) {
        for resource in self.resources().iter() {
            resource.table.forget_history();
        }
    }
}

/// Answers one request.
pub(super) async fn serve(server: Arc<Server>, request: Request<Body>) -> Response<ReplyBody> {
    let (parts, body) = request.into_parts();
    let body = collect(body).await;
    let _running = server.meter.start();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let reply = match &body {
        Ok(body) => answer(&server, &parts, path, query, body),
        Err(failure) => Err(failure.clone()),
    };
    match reply {
        Ok((code, body)) => respond(code, body, None),
        Err(failure) => respond(
            failure.code,
            ReplyBody::Once(Some(failure.body())),
            failure.retry_after,
        ),
    }
}

/// The whole body; kube sends it in one piece.
async fn collect(mut body: Body) -> Result<Bytes, Failure> {
    const LONGEST: usize = 3 << 20;
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut pieces: Vec<Bytes> = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame =
            frame.map_err(|error| Failure::bad_request(format!("the body broke off: {error}")))?;
        if let Ok(bytes) = frame.into_data() {
            pieces.push(bytes);
        }
    }
    let whole = match pieces.len() {
        1 => pieces.swap_remove(0),
        _ => Bytes::from(pieces.concat()),
    };
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

type Reply = Result<(StatusCode, ReplyBody), Failure>;

fn answer(
    server: &Arc<Server>,
    parts: &http::request::Parts,
    path: &str,
    query: &str,
    body: &[u8],
) -> Reply {
    let Some(target) = Target::parse(path) else {
        return Err(Failure::unknown_path());
    };
    let Some(resource) = server.find(target.group, target.version, target.plural) else {
        return Err(Failure::unknown_path());
    };
    let params = Params::parse(query)?;
    let is_status = match target.subresource {
        None => false,
        Some("status") if resource.has_status => true,
        Some(_) => return Err(Failure::unknown_path()),
    };
    let has_name = target.name.is_some();
    if !resource.namespaced && !target.namespace.is_empty() {
        return Err(Failure::unknown_path());
    }
    let verb =
        Verb::of(&parts.method, has_name, params.watch).ok_or_else(Failure::method_not_allowed)?;
    resource.counters.add(verb, is_status);
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let form = Form::of(text(ACCEPT));
    let call = Call {
        server,
        resource: &resource,
        namespace: target.namespace,
        name: target.name.as_deref().unwrap_or_default(),
        is_status,
        params: &params,
    };
    let object = |code, object: &Object| Ok((code, ReplyBody::Once(Some(form.body(object)))));
    let written = |written: Written| object(written.code, &written.object);
    match verb {
        Verb::Get => {
            let asked = Asked::parse(&params)?;
            asked.check_reached(resource.table.version())?;
            object(StatusCode::OK, &*call.current()?)
        }
        Verb::List => {
            let list = read::list(&resource, target.namespace, &params, form, None)?;
            Ok((StatusCode::OK, ReplyBody::Once(Some(list))))
        }
        Verb::Watch => {
            let watch = Watch::start(server, &resource, target.namespace, &params, form, None)?;
            Ok((StatusCode::OK, ReplyBody::Watch(Box::new(watch))))
        }
        Verb::Create => written(call.create(body)?),
        Verb::Update => written(call.replace(body)?),
        Verb::Patch => {
            let kind = PatchKind::of(&resource, text(CONTENT_TYPE).unwrap_or_default())?;
            written(call.patch(kind, body)?)
        }
        Verb::Delete => {
            let options = DeleteOptions::parse(body)?;
            Ok(match call.delete(&options)? {
                Removed::Gone(gone) => {
                    let status = read::deleted_status(&resource, &gone);
                    (StatusCode::OK, ReplyBody::Once(Some(status)))
                }
                Removed::Marked(marked) => {
                    (StatusCode::OK, ReplyBody::Once(Some(form.body(&marked))))
                }
            })
        }
        Verb::DeleteCollection => {
            let options = DeleteOptions::parse(body)?;
            let selector =
                Selector::parse(&resource, &params.label_selector, &params.field_selector)?;
            let removed = call.delete_collection(&options, &selector)?;
            let list = read::removed_list(&resource, removed, form);
            Ok((StatusCode::OK, ReplyBody::Once(Some(list))))
        }
    }
}
