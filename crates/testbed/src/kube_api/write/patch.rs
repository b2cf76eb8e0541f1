//! The three ways to patch: merge, JSON patch, server-side apply.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Call, Stop, Written, into_members, parse_body, stored, stored_members};
use crate::kube_api::apply;
use crate::kube_api::failure::Failure;
use crate::kube_api::json::{Json, Members};
use crate::kube_api::json_patch;
use crate::kube_api::metadata;
use crate::kube_api::object::{Meta, Object};
use crate::kube_api::resource::Resource;
use crate::kube_api::schema::Path;

/// How a request body changes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kube_api) enum PatchKind {
    Merge,
    Json,
    Apply,
}

impl PatchKind {
    pub(in crate::kube_api) fn of(
        resource: &Resource,
        content_type: &str,
    ) -> Result<Self, Failure> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/json-patch+json" => Ok(Self::Json),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            // Strategic merge is read as a plain merge: lists of built-in kinds are replaced as a whole.
            "application/strategic-merge-patch+json" if resource.builtin.is_some() => {
                Ok(Self::Merge)
            }
            _ => Err(Failure::unsupported_media_type(
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
        }
    }
}

impl Call<'_> {
    pub(in crate::kube_api) fn patch(
        &self,
        kind: PatchKind,
        body: &[u8],
    ) -> Result<Written, Failure> {
        match kind {
            PatchKind::Merge => self.retrying(|current| self.merge(current, parse_body(body)?)),
            PatchKind::Json => {
                let operations = json_patch::parse(body)?;
                self.update(|_, old| {
                    let mut root = Json::Object(old);
                    json_patch::apply(&mut root, &operations)?;
                    into_members(root)
                })
            }
            PatchKind::Apply => {
                let call = Call {
                    is_apply: true,
                    ..*self
                };
                apply::apply(&call, body)
            }
        }
    }

    /// A merge patch; of the status alone and of the metadata alone the rest is not parsed.
    fn merge(&self, current: &Arc<Object>, patch: Members<'_>) -> Result<Written, Stop> {
        let is_whole = current.meta.managed || self.resource.builtin.is_some();
        if !is_whole && self.is_status {
            return self.merge_status(current, patch);
        }
        let is_metadata = |(key, _): &(Cow<'_, str>, Json<'_>)| {
            matches!(&**key, "apiVersion" | "kind" | "metadata")
        };
        let is_plain = || {
            let changes = patch.get("metadata").and_then(Json::as_object);
            changes.is_some_and(metadata::changes_collections_only)
        };
        if !is_whole && !current.meta.deleting && patch.0.iter().all(is_metadata) && is_plain() {
            return self.merge_metadata(current, patch);
        }
        let old = stored_members(current)?;
        let mut root = Json::Object(old.clone());
        root.merge(Json::Object(patch));
        let draft = self.draft_update(current, old, into_members(root)?)?;
        self.store(current, &draft)
    }

    /// A merge patch of the status: whatever else it says is ignored.
    fn merge_status(&self, current: &Arc<Object>, mut patch: Members<'_>) -> Result<Written, Stop> {
        self.check_patch(current, &patch)?;
        let Some(change) = patch.remove("status") else {
            return Ok(Written::ok(Arc::clone(current)));
        };
        let old = current.status_bytes();
        let mut status = match old {
            Some(bytes) if !change.is_null() => stored(bytes)?,
            _ => Json::Null,
        };
        status.merge(change);
        let root = self.resource.schema.as_ref();
        let described = root.and_then(|root| root.property("status"));
        if let Some(schema) = described.filter(|_| !status.is_null()) {
            let mut causes = Vec::new();
            schema.prune(&mut status);
            schema.fill_defaults(&mut status);
            schema.check(&status, Path::Field(&Path::Root, "status"), &mut causes);
            self.refuse_invalid(&causes)?;
        } else if described.is_none() && root.is_some() {
            return Ok(Written::ok(Arc::clone(current)));
        }
        let mut bytes = Vec::with_capacity(old.map_or(0, <[u8]>::len) + 256);
        if !status.is_null() {
            bytes.extend_from_slice(br#","status":"#);
            status.write(&mut bytes);
        }
        let mut draft = current.draft();
        draft.status = Cow::Owned(bytes);
        draft.fields = self.resource.fields_with_status(&current.fields, &status);
        self.store(current, &draft)
    }

    /// A merge patch of what clients may freely say in metadata.
    fn merge_metadata(
        &self,
        current: &Arc<Object>,
        mut patch: Members<'_>,
    ) -> Result<Written, Stop> {
        self.check_patch(current, &patch)?;
        let mut own = stored(current.metadata_bytes())?;
        own.merge(patch.remove("metadata").unwrap_or(Json::Null));
        let own = own.make_object();
        metadata::normalize(own)?;
        let mut causes = Vec::new();
        metadata::check(own, &mut causes);
        self.refuse_invalid(&causes)?;
        let mut draft = current.draft();
        draft.metadata = Cow::Owned(metadata::open_bytes(own));
        draft.meta = Arc::new(Meta::read(Arc::clone(&current.meta.key), own));
        self.store(current, &draft)
    }

    /// What a patch says about the object it is meant for must hold.
    fn check_patch(&self, current: &Object, patch: &Members<'_>) -> Result<(), Failure> {
        self.resource.check_envelope(patch)?;
        let Some(own) = patch.get("metadata").and_then(Json::as_object) else {
            return Ok(());
        };
        metadata::check_version(self.resource, current, own)?;
        metadata::check_name(self.name, own)
    }
}
