//! Replacing a whole object, and creating it in its place for the kinds that allow that.

use super::{Call, Written, parse_body};
use crate::kube_api::failure::{Cause, Failure};
use crate::kube_api::json::{Json, Members};
use crate::kube_api::metadata;
use crate::kube_api::object::Object;

impl Call<'_> {
    pub(in crate::kube_api) fn replace(&self, body: &[u8]) -> Result<Written, Failure> {
        let members = parse_body(body)?.into_owned();
        self.resource.check_envelope(&members)?;
        self.check_name(&members)?;
        let is_based = own_text(&members, "resourceVersion").is_some();
        let may_create = self.resource.creates_on_replace() && !self.is_status && !is_based;
        let table = &self.resource.objects.table;
        if may_create && table.get(self.namespace, self.name).is_none() {
            return self.create(body);
        }
        self.update(|current, _| {
            if !is_based && !self.resource.allows_blind_replace() {
                return Err(self.version_required(current));
            }
            metadata::check_uid(self.resource, current, &members)?;
            Ok(members.clone())
        })
    }

    fn check_name(&self, members: &Members<'_>) -> Result<(), Failure> {
        match own_text(members, "name") {
            None => Err(Failure::bad_request("name must be provided")),
            Some(name) if name != self.name => Err(Failure::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                self.name
            ))),
            Some(_) => Ok(()),
        }
    }

    fn version_required(&self, current: &Object) -> Failure {
        let cause = Cause {
            field: "metadata.resourceVersion".to_owned(),
            reason: "FieldValueInvalid",
            message: "Invalid value: 0: must be specified for an update".to_owned(),
        };
        Failure::invalid(self.resource, current.meta.name(), &[cause])
    }
}

/// A text of the metadata; `None` if it is not there or empty, which servers take to be the same.
fn own_text<'m>(members: &'m Members<'_>, name: &str) -> Option<&'m str> {
    let value = members.get("metadata").and_then(|own| own.get(name));
    value.and_then(Json::as_str).filter(|text| !text.is_empty())
}
