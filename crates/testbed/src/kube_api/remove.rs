//! Deleting objects: at once, or by marking those that finalizers still hold.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::failure::Failure;
use super::json::{Json, Members, Number};
use super::metadata;
use super::object::{Change, Meta, Object};
use super::resource::Builtin;
use super::selector::Selector;
use super::table::Scope;
use super::write::Call;

/// The body of a delete request; everything is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DeleteOptions {
    dry_run: Vec<String>,
    propagation_policy: Option<String>,
    preconditions: Option<Preconditions>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Preconditions {
    uid: Option<String>,
    resource_version: Option<String>,
}

/// What a delete did.
#[derive(Debug)]
pub(super) enum Removed {
    /// The object is gone; this was its last state.
    Gone(Arc<Object>),
    /// Finalizers hold it; it is marked.
    Marked(Arc<Object>),
}

impl DeleteOptions {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| {
            Failure::bad_request(format!("delete options could not be decoded: {error}"))
        })
    }

    /// Refuses values that no server knows; which known policy it is makes no difference here.
    fn check(&self, call: &Call<'_>) -> Result<(), Failure> {
        let policies = [
            self.propagation_policy.as_deref(),
            Some(&*call.params.propagation_policy),
        ];
        for policy in policies
            .into_iter()
            .flatten()
            .filter(|policy| !policy.is_empty())
        {
            if !matches!(policy, "Foreground" | "Background" | "Orphan") {
                let message = format!(
                    "Unsupported value: {policy:?}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                );
                return Err(Failure::invalid_options(
                    "DeleteOptions",
                    "propagationPolicy",
                    &message,
                ));
            }
        }
        if self.dry_run.iter().any(|value| value != "All") {
            let message = format!(
                "Unsupported value: {:?}: supported values: \"All\"",
                self.dry_run
            );
            return Err(Failure::invalid_options(
                "DeleteOptions",
                "dryRun",
                &message,
            ));
        }
        Ok(())
    }

    fn is_dry_run(&self, call: &Call<'_>) -> bool {
        call.params.dry_run || self.dry_run.iter().any(|value| value == "All")
    }

    fn check_preconditions(&self, call: &Call<'_>, object: &Object) -> Result<(), Failure> {
        let Some(preconditions) = &self.preconditions else {
            return Ok(());
        };
        let name = object.meta.name();
        if let Some(uid) = preconditions
            .uid
            .as_deref()
            .filter(|uid| **uid != *object.meta.uid)
        {
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
                object.meta.uid
            );
            return Err(Failure::precondition(call.resource, name, &why));
        }
        let version = object.version.to_string();
        let asked = preconditions.resource_version.as_deref();
        if let Some(asked) = asked.filter(|asked| **asked != version) {
            let why = format!(
                "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({version}). The object might have been modified"
            );
            return Err(Failure::precondition(call.resource, name, &why));
        }
        Ok(())
    }
}

impl Call<'_> {
    pub(super) fn delete(&self, options: &DeleteOptions) -> Result<Removed, Failure> {
        options.check(self)?;
        loop {
            let current = self.current()?;
            options.check_preconditions(self, &current)?;
            if let Some(removed) = self.remove(&current, options.is_dry_run(self))? {
                return Ok(removed);
            }
        }
    }

    /// Deletes every selected object and gives their last states.
    pub(super) fn delete_collection(
        &self,
        options: &DeleteOptions,
        selector: &Selector,
    ) -> Result<Vec<Arc<Object>>, Failure> {
        options.check(self)?;
        let scope = Scope {
            namespace: self.namespace,
            after: None,
            limit: usize::MAX,
        };
        let page = self
            .resource
            .objects
            .table
            .page(scope, None, &|object| selector.matches(object))
            .map_err(|expired| Failure::too_old(0, expired.oldest))?;
        for object in &page.objects {
            let one = Call {
                namespace: object.meta.namespace(),
                name: object.meta.name(),
                ..*self
            };
            while let Some(current) = self.resource.objects.table.get(one.namespace, one.name) {
                if current.meta.uid != object.meta.uid {
                    break;
                }
                options.check_preconditions(&one, &current)?;
                if one.remove(&current, options.is_dry_run(self))?.is_some() {
                    break;
                }
            }
        }
        Ok(page.objects)
    }

    /// Removes or marks `current`; `None` if it changed meanwhile.
    fn remove(&self, current: &Arc<Object>, dry_run: bool) -> Result<Option<Removed>, Failure> {
        let head = &self.resource.head;
        let is_namespace = self.resource.builtin == Some(Builtin::Namespace);
        if current.meta.n_finalizers == 0 && !is_namespace {
            if dry_run {
                return Ok(Some(Removed::Gone(Arc::clone(current))));
            }
            let Ok(gone) = self
                .resource
                .objects
                .table
                .remove(head, current, &current.draft())
            else {
                return Ok(None);
            };
            self.server.after_write(self.resource, &gone);
            return Ok(Some(Removed::Gone(gone)));
        }
        if current.meta.deleting {
            return Ok(Some(Removed::Marked(Arc::clone(current))));
        }
        let draft = self.marked(current)?;
        if dry_run {
            let object = draft.build(head, Change::Modified, current.version);
            return Ok(Some(Removed::Marked(Arc::new(object))));
        }
        let Ok(marked) = self.resource.objects.table.replace(head, current, &draft) else {
            return Ok(None);
        };
        self.server.after_write(self.resource, &marked);
        Ok(Some(Removed::Marked(marked)))
    }

    /// `current` with the marks of a deletion that waits.
    fn marked<'o>(&self, current: &'o Object) -> Result<super::object::Draft<'o>, Failure> {
        let json = Json::parse(current.metadata_bytes()).map_err(|error| {
            Failure::internal(&format!("stored metadata does not parse: {error}"))
        })?;
        let mut own = match json {
            Json::Object(members) => members,
            _ => Members::default(),
        };
        own.set("deletionTimestamp", Json::String(self.server.now().into()));
        own.set(
            "deletionGracePeriodSeconds",
            Json::Number(Number::Integer(0)),
        );
        if current.meta.generation > 0 {
            let next = current.meta.generation + 1;
            own.set("generation", Json::Number(Number::Integer(next)));
        }
        let mut draft = current.draft();
        if self.resource.builtin == Some(Builtin::Namespace) {
            own.remove("deletionGracePeriodSeconds");
            draft.status = Cow::Borrowed(br#","status":{"phase":"Terminating"}"#);
            let terminating =
                Json::Object(Members(vec![("phase".into(), Json::string("Terminating"))]));
            draft.fields = self
                .resource
                .fields_with_status(&current.fields, &terminating);
        }
        draft.metadata = Cow::Owned(metadata::open_bytes(&own));
        draft.meta = Arc::new(Meta::read(Arc::clone(&current.meta.key), &own));
        Ok(draft)
    }
}
