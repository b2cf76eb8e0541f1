//! Creating objects.

use std::sync::Arc;

use http::StatusCode;

use super::{Call, Written, parse_body};
use crate::kube_api::builtin;
use crate::kube_api::failure::{Cause, Failure};
use crate::kube_api::json::{Json, Members, Number};
use crate::kube_api::metadata;
use crate::kube_api::object::{Change, Draft};

impl Call<'_> {
    pub(in crate::kube_api) fn create(&self, body: &[u8]) -> Result<Written, Failure> {
        let mut members = parse_body(body)?;
        self.resource.require_kind(&members)?;
        self.resource.check_envelope(&members)?;
        let mut own = metadata::take(&mut members)?;
        metadata::normalize(&mut own)?;
        if own
            .str("resourceVersion")
            .is_some_and(|version| !version.is_empty())
        {
            let message = "resourceVersion should not be set on objects to be created";
            return Err(Failure::unexplained(message));
        }
        if !self.is_apply {
            own.remove("managedFields");
        }
        self.admit_namespace(&mut own)?;
        let given_name = own.str("name").unwrap_or_default().to_owned();
        let prefix = own.str("generateName").unwrap_or_default().to_owned();
        if self.resource.has_status {
            members.remove("status");
        }
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let name = match (&*given_name, &*prefix) {
                ("", "") => String::new(),
                ("", prefix) => self.server.generate_name(prefix),
                (name, _) => name.to_owned(),
            };
            let draft = self.draft_new(members.clone(), own.clone(), &name)?;
            if self.params.dry_run {
                if self
                    .resource
                    .objects
                    .table
                    .get(self.namespace, &name)
                    .is_some()
                {
                    return Err(Failure::already_exists(self.resource, &name));
                }
                let object = Arc::new(draft.build(&self.resource.head, Change::Added, 0));
                return Ok(Written {
                    code: StatusCode::CREATED,
                    object,
                });
            }
            if let Some(object) = self
                .resource
                .objects
                .table
                .insert(&self.resource.head, &draft)
            {
                self.server.after_write(self.resource, &object);
                return Ok(Written {
                    code: StatusCode::CREATED,
                    object,
                });
            }
            if !given_name.is_empty() {
                return Err(Failure::already_exists(self.resource, &name));
            }
        }
        Err(Failure::already_exists(self.resource, &prefix))
    }

    fn admit_namespace(&self, own: &mut Members<'_>) -> Result<(), Failure> {
        let given = own.str("namespace").unwrap_or_default();
        if !given.is_empty() && given != self.namespace {
            return Err(Failure::bad_request(metadata::NAMESPACE_MISMATCH));
        }
        if self.resource.namespaced {
            if self.namespace.is_empty() {
                return Err(Failure::bad_request(
                    "an empty namespace may not be set during creation",
                ));
            }
            self.server
                .admit_into_namespace(self.resource, self.namespace, own)?;
            own.set("namespace", Json::String(self.namespace.to_owned().into()));
        }
        Ok(())
    }

    /// The first version of an object, shaped and checked.
    fn draft_new(
        &self,
        mut members: Members<'_>,
        mut own: Members<'_>,
        name: &str,
    ) -> Result<Draft<'static>, Failure> {
        let mut causes = Vec::new();
        if name.is_empty() {
            causes.push(Cause {
                field: "metadata.name".to_owned(),
                reason: "FieldValueRequired",
                message: "Required value: name or generateName is required".to_owned(),
            });
        } else if let Some(why) = metadata::name_error(self.resource, name) {
            causes.push(Cause {
                field: "metadata.name".to_owned(),
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {name:?}: {why}"),
            });
        }
        metadata::check(&own, &mut causes);
        own.set("name", Json::String(name.to_owned().into()));
        own.set("uid", Json::String(self.server.new_uid().into()));
        own.set("creationTimestamp", Json::String(self.server.now().into()));
        for key in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "resourceVersion",
        ] {
            own.remove(key);
        }
        let generation = self
            .resource
            .counts_generations()
            .then_some(Json::Number(Number::Integer(1)));
        own.set_or_remove("generation", generation);
        builtin::prepare(self.resource, &mut members, &mut own, None, &mut causes)?;
        self.shape(&mut members, None, &mut causes)?;
        if !causes.is_empty() {
            return Err(Failure::invalid(self.resource, name, &causes));
        }
        let key = match self.namespace {
            "" => name.to_owned(),
            namespace => format!("{namespace}/{name}"),
        };
        Ok(self.draft_of(key.into(), &own, &members))
    }
}
