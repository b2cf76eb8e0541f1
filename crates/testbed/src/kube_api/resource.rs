//! The kinds a server knows: the built-in ones and those that CRDs add.

mod kinds;

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionVersion,
};

use super::failure::{Cause, Failure};
use super::json::{Json, Members, write_string};
use super::meter::Counters;
use super::object::Fields;
use super::schema::{BadPattern, Schema};
use super::table::Table;

pub(super) use kinds::Builtin;

/// One kind in one version, with its objects.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) group: Box<str>,
    pub(super) version: Box<str>,
    /// Group and version as objects write them.
    pub(super) api_version: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) list_kind: Box<str>,
    pub(super) plural: Box<str>,
    pub(super) singular: Box<str>,
    pub(super) short_names: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) has_status: bool,
    pub(super) builtin: Option<Builtin>,
    /// Of a custom resource; built-in kinds have types instead.
    pub(super) schema: Option<Schema>,
    selectable: Vec<Selectable>,
    no_fields: Fields,
    /// `{"apiVersion":…,"kind":…,"metadata":`, the constant beginning of every object.
    pub(super) head: Box<[u8]>,
    /// Shared by the versions of a definition that change while the server runs.
    pub(super) objects: Arc<Objects>,
}

/// The objects of a kind, and how often they were asked for.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) table: Table,
    pub(super) counters: Counters,
}

/// A field that field selectors may name.
#[derive(Debug)]
struct Selectable {
    /// As selectors write it: `status.phase`.
    name: Box<str>,
    steps: Vec<Box<str>>,
}

impl Resource {
    pub(super) fn builtin(builtin: Builtin, objects: Arc<Objects>) -> Self {
        let [group, version, kind, plural] = builtin.names();
        Self {
            group: group.into(),
            version: version.into(),
            api_version: api_version(group, version),
            kind: kind.into(),
            list_kind: format!("{kind}List").into(),
            plural: plural.into(),
            singular: kind.to_lowercase().into(),
            short_names: builtin
                .short_names()
                .iter()
                .map(ToString::to_string)
                .collect(),
            categories: Vec::new(),
            namespaced: builtin.is_namespaced(),
            has_status: builtin.has_status(),
            builtin: Some(builtin),
            schema: None,
            selectable: builtin
                .selectable()
                .iter()
                .map(|path| Selectable::parse(path))
                .collect(),
            no_fields: Fields::default(),
            head: head(group, version, kind),
            objects,
        }
    }

    /// The storage version of what `crd` defines, if that version is served.
    ///
    /// Other versions are not served: conversion is not part of the stand-in.
    pub(super) fn custom(
        crd: &CustomResourceDefinition,
        objects: Arc<Objects>,
    ) -> Result<Option<Self>, BadPattern> {
        let spec = &crd.spec;
        let Some(version) = spec
            .versions
            .iter()
            .find(|version| version.storage && version.served)
        else {
            return Ok(None);
        };
        let props = version
            .schema
            .as_ref()
            .and_then(|schema| schema.open_api_v3_schema.as_ref());
        let names = &spec.names;
        let kind = names.kind.as_str();
        Ok(Some(Self {
            group: spec.group.as_str().into(),
            version: version.name.as_str().into(),
            api_version: api_version(&spec.group, &version.name),
            kind: kind.into(),
            list_kind: names
                .list_kind
                .clone()
                .unwrap_or_else(|| format!("{kind}List"))
                .into(),
            plural: names.plural.as_str().into(),
            singular: names
                .singular
                .clone()
                .unwrap_or_else(|| kind.to_lowercase())
                .into(),
            short_names: names.short_names.clone().unwrap_or_default(),
            categories: names.categories.clone().unwrap_or_default(),
            namespaced: spec.scope == "Namespaced",
            has_status: has_status(version),
            builtin: None,
            schema: props.map(Schema::compile).transpose()?,
            selectable: version
                .selectable_fields
                .iter()
                .flatten()
                .map(|field| Selectable::parse(&field.json_path))
                .collect(),
            no_fields: Fields::default(),
            head: head(&spec.group, &version.name, kind),
            objects,
        }))
    }

    /// `plural.group`, or the plural alone in the core group.
    pub(super) fn qualified(&self) -> String {
        match &*self.group {
            "" => self.plural.to_string(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// `Kind.group`, or the kind alone in the core group.
    pub(super) fn qualified_kind(&self) -> String {
        match &*self.group {
            "" => self.kind.to_string(),
            group => format!("{}.{group}", self.kind),
        }
    }

    /// Whether `metadata.generation` counts changes of the specification.
    pub(super) fn counts_generations(&self) -> bool {
        matches!(self.builtin, None | Some(Builtin::CustomResourceDefinition))
    }

    /// Whether a replacement without resourceVersion overwrites whatever is there.
    pub(super) fn allows_blind_replace(&self) -> bool {
        !matches!(
            self.builtin,
            None | Some(Builtin::CustomResourceDefinition | Builtin::Lease)
        )
    }

    /// Whether a replacement of a missing object creates it.
    pub(super) fn creates_on_replace(&self) -> bool {
        matches!(
            self.builtin,
            Some(Builtin::Lease | Builtin::Event | Builtin::GroupEvent)
        )
    }

    /// Whether a delete answers with the object that is gone instead of a status.
    pub(super) fn answers_with_removed(&self) -> bool {
        matches!(self.builtin, Some(Builtin::Service | Builtin::Namespace))
    }

    pub(super) fn selectable_index(&self, name: &str) -> Option<usize> {
        self.selectable
            .iter()
            .position(|field| &*field.name == name)
    }

    /// The values of the selectable fields of an object given by its members.
    pub(super) fn fields_of(&self, members: &Members<'_>) -> Fields {
        if self.selectable.is_empty() {
            return Arc::clone(&self.no_fields);
        }
        let value = |field: &Selectable| {
            let (first, below) = field.steps.split_first()?;
            Some(text_at(members.get(first)?, below))
        };
        self.selectable
            .iter()
            .map(|field| value(field).unwrap_or_default())
            .collect()
    }

    /// The values after only the status changed.
    pub(super) fn fields_with_status(&self, old: &Fields, status: &Json<'_>) -> Fields {
        if !self.selectable.iter().any(Selectable::is_in_status) {
            return Arc::clone(old);
        }
        let updated = self.selectable.iter().zip(old.iter()).map(|(field, old)| {
            if field.is_in_status() {
                text_at(status, &field.steps[1..])
            } else {
                old.clone()
            }
        });
        updated.collect()
    }

    /// Refuses an object that does not say what it is; the types of built-in kinds know.
    pub(super) fn require_kind(&self, members: &Members<'_>) -> Result<(), Failure> {
        if self.builtin.is_some() || members.str("kind").is_some_and(|kind| !kind.is_empty()) {
            return Ok(());
        }
        Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): Object 'Kind' is missing",
            self.kind
        )))
    }

    /// Refuses an envelope that says another kind or version than the path.
    pub(super) fn check_envelope(&self, members: &Members<'_>) -> Result<(), Failure> {
        let given = members.str("apiVersion").unwrap_or_default();
        let expected = &*self.api_version;
        if !given.is_empty() && given != expected {
            return Err(Failure::bad_request(format!(
                "the API version in the data ({given}) does not match the expected API version ({expected})"
            )));
        }
        let kind = members.str("kind").unwrap_or_default();
        if kind.is_empty() || kind == &*self.kind {
            return Ok(());
        }
        if self.builtin.is_some() {
            return Err(Failure::bad_request(format!(
                "the kind in the data ({kind}) does not match the expected kind ({})",
                self.kind
            )));
        }
        let cause = Cause {
            field: "kind".to_owned(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {kind:?}: must be {}", self.kind),
        };
        let name = members
            .get("metadata")
            .and_then(|own| own.get("name"))
            .and_then(Json::as_str);
        Err(Failure::invalid(self, name.unwrap_or_default(), &[cause]))
    }
}

impl Selectable {
    fn parse(path: &str) -> Self {
        let name = path.trim_start_matches('.');
        Self {
            name: name.into(),
            steps: name.split('.').map(Into::into).collect(),
        }
    }

    fn is_in_status(&self) -> bool {
        self.steps.first().is_some_and(|step| &**step == "status")
    }
}

fn has_status(version: &CustomResourceDefinitionVersion) -> bool {
    version
        .subresources
        .as_ref()
        .is_some_and(|subresources| subresources.status.is_some())
}

fn text_at(value: &Json<'_>, steps: &[Box<str>]) -> Box<str> {
    let mut place = value;
    for step in steps {
        match place.get(step) {
            Some(next) => place = next,
            None => return Box::default(),
        }
    }
    match place {
        Json::String(text) => text.as_ref().into(),
        Json::Number(_) | Json::Bool(_) => place.text().into(),
        _ => Box::default(),
    }
}

fn api_version(group: &str, version: &str) -> Box<str> {
    match group {
        "" => version.into(),
        group => format!("{group}/{version}").into(),
    }
}

fn head(group: &str, version: &str, kind: &str) -> Box<[u8]> {
    let mut head = br#"{"apiVersion":"#.to_vec();
    write_string(&mut head, &api_version(group, version));
    head.extend_from_slice(br#","kind":"#);
    write_string(&mut head, kind);
    head.extend_from_slice(br#","metadata":"#);
    head.into()
}
