//! Creating and changing objects.
//!
//! A change is computed from the current version without a lock and stored only if that version is still the
//! current one; otherwise it is computed again. Merge patches of the status alone and of the metadata alone,
//! which controllers send for every object, parse only that part and copy the others' bytes.

mod create;
mod patch;
mod replace;

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;

use super::Server;
use super::apply;
use super::builtin;
use super::failure::{Cause, Failure};
use super::json::{Json, Members, Number};
use super::metadata;
use super::object::{Change, Draft, Meta, Object};
use super::request::Params;
use super::resource::{Builtin, Resource};
use super::table::Raced;

pub(super) use patch::PatchKind;

/// One request about one object, or about the collection it is to be created in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) server: &'a Arc<Server>,
    pub(super) resource: &'a Arc<Resource>,
    /// Empty in cluster scope.
    pub(super) namespace: &'a str,
    /// Empty when the object is to be created.
    pub(super) name: &'a str,
    pub(super) is_status: bool,
    /// Whether the change keeps its own account of who owns which field.
    pub(super) is_apply: bool,
    pub(super) params: &'a Params<'a>,
}

/// What a write left behind.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) code: StatusCode,
    pub(super) object: Arc<Object>,
}

impl Written {
    fn ok(object: Arc<Object>) -> Self {
        Self {
            code: StatusCode::OK,
            object,
        }
    }
}

pub(super) fn parse_body(body: &[u8]) -> Result<Members<'_>, Failure> {
    match Json::parse(body) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::bad_request(
            "the body of the request is not an object",
        )),
        Err(error) => Err(Failure::bad_request(format!(
            "the body of the request could not be decoded: {error}"
        ))),
    }
}

impl<'a> Call<'a> {
    pub(super) fn not_found(&self) -> Failure {
        Failure::not_found(self.resource, self.name)
    }

    pub(super) fn current(&self) -> Result<Arc<Object>, Failure> {
        self.resource
            .objects
            .table
            .get(self.namespace, self.name)
            .ok_or_else(|| self.not_found())
    }

    /// Prunes, fills in defaults and checks the members that differ from `old`.
    fn shape(
        &self,
        members: &mut Members<'_>,
        old: Option<&Members<'_>>,
        causes: &mut Vec<Cause>,
    ) -> Result<(), Failure> {
        let Some(schema) = &self.resource.schema else {
            return Ok(());
        };
        if self.params.field_validation == "Strict" {
            let unknown = schema.unknown_fields(members);
            if !unknown.is_empty() {
                let list: Vec<String> = unknown
                    .iter()
                    .map(|field| format!("unknown field {field:?}"))
                    .collect();
                let message = format!("strict decoding error: {}", list.join(", "));
                return Err(Failure::bad_request(message));
            }
        }
        schema.prune_root(members);
        let mut root = Json::Object(std::mem::take(members));
        schema.fill_defaults(&mut root);
        if let Json::Object(filled) = root {
            *members = filled;
        }
        schema.check_root(members, old, causes);
        Ok(())
    }

    fn draft_of(&self, key: Arc<str>, own: &Members<'_>, members: &Members<'_>) -> Draft<'static> {
        let mut rest = Vec::with_capacity(512);
        let mut status = Vec::new();
        for (key, value) in &members.0 {
            let part = match &**key {
                "apiVersion" | "kind" | "metadata" => continue,
                "status" => &mut status,
                _ => &mut rest,
            };
            part.push(b',');
            super::json::write_string(part, key);
            part.push(b':');
            value.write(part);
        }
        Draft {
            metadata: Cow::Owned(metadata::open_bytes(own)),
            rest: Cow::Owned(rest),
            status: Cow::Owned(status),
            meta: Arc::new(Meta::read(key, own)),
            fields: self.resource.fields_of(members),
        }
    }

    fn refuse_invalid(&self, causes: &[Cause]) -> Result<(), Failure> {
        match causes {
            [] => Ok(()),
            causes => Err(Failure::invalid(self.resource, self.name, causes)),
        }
    }

    /// Any change: `change` makes the new members from the old ones.
    pub(super) fn update(
        &self,
        change: impl for<'o> Fn(&Object, Members<'o>) -> Result<Members<'o>, Failure>,
    ) -> Result<Written, Failure> {
        self.retrying(|current| {
            let old = stored_members(current)?;
            let new = change(current, old.clone())?;
            let draft = self.draft_update(current, old, new)?;
            self.store(current, &draft)
        })
    }

    /// The next version of `current`, shaped and checked.
    fn draft_update<'o>(
        &self,
        current: &Object,
        mut old: Members<'o>,
        mut new: Members<'o>,
    ) -> Result<Draft<'static>, Failure> {
        self.resource.require_kind(&new)?;
        self.resource.check_envelope(&new)?;
        let mut causes = Vec::new();
        let old_own = metadata::take(&mut old)?;
        let mut own = metadata::take(&mut new)?;
        if self.is_status {
            metadata::normalize(&mut own)?;
            metadata::check_version(self.resource, current, &own)?;
            let owners = own.remove("managedFields");
            own = old_own.clone();
            if self.is_apply {
                own.set_or_remove("managedFields", owners);
            }
            let status = new.remove("status");
            new = old.clone();
            new.set_or_remove("status", status);
        } else {
            metadata::admit_update(self.resource, current, &old_own, &mut own, &mut causes)?;
            if !self.is_apply {
                own.set_or_remove("managedFields", old_own.get("managedFields").cloned());
            }
            if self.resource.has_status {
                new.set_or_remove("status", old.get("status").cloned());
            }
        }
        builtin::prepare(self.resource, &mut new, &mut own, Some(&old), &mut causes)?;
        self.shape(&mut new, Some(&old), &mut causes)?;
        if !causes.is_empty() {
            return Err(Failure::invalid(
                self.resource,
                current.meta.name(),
                &causes,
            ));
        }
        apply::keep_owners_true(self, &old, &new, &old_own, &mut own);
        if self.resource.counts_generations() && self.is_new_generation(&old, &new) {
            let next = current.meta.generation + 1;
            own.set("generation", Json::Number(Number::Integer(next)));
        }
        Ok(self.draft_of(Arc::clone(&current.meta.key), &own, &new))
    }

    /// Whether anything but metadata, and status where that is a subresource, differs.
    fn is_new_generation(&self, old: &Members<'_>, new: &Members<'_>) -> bool {
        let counts = |key: &str| match key {
            "apiVersion" | "kind" | "metadata" => false,
            "status" => !self.resource.has_status,
            _ => true,
        };
        let differs = |one: &Members<'_>, other: &Members<'_>| {
            one.0
                .iter()
                .filter(|(key, _)| counts(key))
                .any(|(key, value)| !other.get(key).is_some_and(|other| other.same(value)))
        };
        differs(old, new) || differs(new, old)
    }

    /// Stores what `draft` says, unless it says nothing new; removes an object whose last finalizer is gone.
    fn store(&self, current: &Arc<Object>, draft: &Draft<'_>) -> Result<Written, Stop> {
        if says_the_same(current, draft) {
            return Ok(Written::ok(Arc::clone(current)));
        }
        let head = &self.resource.head;
        if self.params.dry_run {
            let object = draft.build(head, Change::Modified, current.version);
            return Ok(Written::ok(Arc::new(object)));
        }
        let is_last_finalizer = draft.meta.deleting && draft.meta.n_finalizers == 0;
        let is_namespace = self.resource.builtin == Some(Builtin::Namespace);
        if is_last_finalizer && !is_namespace {
            // Watchers are told the state before; only the answer has the last change.
            let last = current.draft();
            let gone = self.resource.objects.table.remove(head, current, &last)?;
            self.server.after_write(self.resource, &gone);
            let answer = draft.build(head, Change::Modified, current.version);
            return Ok(Written::ok(Arc::new(answer)));
        }
        let object = self.resource.objects.table.replace(head, current, draft)?;
        self.server.after_write(self.resource, &object);
        Ok(Written::ok(object))
    }

    /// Tries again with the then current version as long as others change the object in between.
    fn retrying(
        &self,
        attempt: impl Fn(&Arc<Object>) -> Result<Written, Stop>,
    ) -> Result<Written, Failure> {
        loop {
            let current = self.current()?;
            match attempt(&current) {
                Ok(written) => return Ok(written),
                Err(Stop::Refused(failure)) => return Err(failure),
                Err(Stop::Raced) => {}
            }
        }
    }
}

/// Why a computed change was not stored.
enum Stop {
    Refused(Failure),
    /// Another change came first: compute it again.
    Raced,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<Raced> for Stop {
    fn from(_: Raced) -> Self {
        Self::Raced
    }
}

fn stored(bytes: &[u8]) -> Result<Json<'_>, Failure> {
    Json::parse(bytes)
        .map_err(|error| Failure::internal(&format!("a stored object does not parse: {error}")))
}

fn stored_members(object: &Object) -> Result<Members<'_>, Failure> {
    match stored(object.body_bytes())? {
        Json::Object(members) => Ok(members),
        _ => Err(Failure::internal("a stored object is no object")),
    }
}

fn into_members(root: Json<'_>) -> Result<Members<'_>, Failure> {
    match root {
        Json::Object(members) => Ok(members),
        _ => Err(Failure::unprocessable("the patch does not leave an object")),
    }
}

/// Whether the difference is only in the order of members.
fn says_the_same(current: &Object, draft: &Draft<'_>) -> bool {
    let own = current.draft();
    let whole = |metadata: &[u8]| [metadata, b"}"].concat();
    let member = |part: &[u8]| [b"{\"\":0", part, b"}"].concat();
    is_reordered(&own.metadata, &draft.metadata, whole)
        && is_reordered(&own.rest, &draft.rest, member)
        && is_reordered(&own.status, &draft.status, member)
}

/// Whether two parts of stored text differ in order at most; `complete` makes a JSON object of a part.
///
/// All stored text is compact, so texts that say the same have the same bytes, each as often: only then
/// is it worth parsing them.
fn is_reordered(old: &[u8], new: &[u8], complete: impl Fn(&[u8]) -> Vec<u8>) -> bool {
    if old.len() != new.len() || old == new {
        return old == new;
    }
    let sum = |part: &[u8]| {
        let weigh = |byte: &u8| u64::from(*byte) * u64::from(*byte);
        part.iter().map(weigh).sum::<u64>()
    };
    if sum(old) != sum(new) {
        return false;
    }
    let (old, new) = (complete(old), complete(new));
    match (Json::parse(&old), Json::parse(&new)) {
        (Ok(old), Ok(new)) => old.same(&new),
        _ => false,
    }
}
