//! The rules of the built-in kinds.
//!
//! Their shape is the type of k8s-openapi: a whole object is read into it and written again, which drops
//! unknown fields and refuses wrong types. Only rules that clients can notice are kept beside that.

use k8s_openapi::ByteString;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Secret, Service};
use k8s_openapi::api::events::v1::Event as GroupEvent;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::failure::{Cause, Failure};
use super::json::{Json, Members, Number};
use super::resource::{Builtin, Resource};
use super::schema::{BadPattern, Schema};
use super::selector::is_label_text;

/// Brings an object of a built-in kind into shape and appends what is wrong with it; others pass unchanged.
///
/// `old` is what is stored, without its metadata; `None` for a creation.
pub(super) fn prepare(
    resource: &Resource,
    members: &mut Members<'_>,
    own: &mut Members<'_>,
    old: Option<&Members<'_>>,
    causes: &mut Vec<Cause>,
) -> Result<(), Failure> {
    let Some(builtin) = resource.builtin else {
        return Ok(());
    };
    if builtin == Builtin::Secret {
        fold_string_data(members);
    }
    retype(builtin, members)?;
    match builtin {
        Builtin::Secret => prepare_secret(members, old, causes),
        Builtin::ConfigMap => check_immutable(members, old, &["data", "binaryData"], causes),
        Builtin::Service => prepare_service(members, old, causes),
        Builtin::Namespace => prepare_namespace(members, own),
        Builtin::CustomResourceDefinition => {
            prepare_crd(members, own, causes);
            check_schemas(members, causes);
        }
        Builtin::Event | Builtin::GroupEvent | Builtin::Lease => {}
    }
    Ok(())
}

fn retype(builtin: Builtin, members: &mut Members<'_>) -> Result<(), Failure> {
    let whole = std::mem::take(members);
    let text = Json::Object(whole).to_vec();
    let typed = match builtin {
        Builtin::Namespace => through::<Namespace>(&text),
        Builtin::Secret => through::<Secret>(&text),
        Builtin::ConfigMap => through::<ConfigMap>(&text),
        Builtin::Service => through::<Service>(&text),
        Builtin::Event => through::<Event>(&text),
        Builtin::GroupEvent => through::<GroupEvent>(&text),
        Builtin::Lease => through::<Lease>(&text),
        Builtin::CustomResourceDefinition => through::<CustomResourceDefinition>(&text),
    };
    let typed = typed.map_err(|error| {
        Failure::bad_request(format!("the object could not be decoded: {error}"))
    })?;
    *members = typed;
    members.remove("metadata");
    Ok(())
}

fn through<T: DeserializeOwned + Serialize>(
    text: &[u8],
) -> Result<Members<'static>, serde_json::Error> {
    let mut json = Json::parse(text)?;
    let members = json.make_object();
    // The metadata is checked on its own; the types only want it to be there.
    members.set("metadata", Json::object());
    let typed: T = serde_json::from_slice(&json.to_vec())?;
    let text = serde_json::to_vec(&typed)?;
    Ok(match Json::parse(&text)?.into_owned() {
        Json::Object(members) => members,
        _ => Members::default(),
    })
}

/// `stringData` is a way of writing `data`; it is never read back.
fn fold_string_data(members: &mut Members<'_>) {
    let Some(Json::Object(plain)) = members.remove("stringData") else {
        return;
    };
    if members.get("data").is_none_or(Json::is_null) {
        members.set("data", Json::object());
    }
    let Some(data) = members.get_mut("data").and_then(Json::as_object_mut) else {
        return;
    };
    for (key, value) in plain.0 {
        let Some(text) = value.as_str() else {
            continue;
        };
        let bytes = ByteString(text.as_bytes().to_vec());
        if let Ok(serde_json::Value::String(encoded)) = serde_json::to_value(&bytes) {
            data.set(key, Json::String(encoded.into()));
        }
    }
}

fn prepare_secret(members: &mut Members<'_>, old: Option<&Members<'_>>, causes: &mut Vec<Cause>) {
    if members.str("type").is_none_or(str::is_empty) {
        members.set("type", Json::string("Opaque"));
    }
    for (key, _) in members
        .get("data")
        .and_then(Json::as_object)
        .iter()
        .flat_map(|data| &data.0)
    {
        let is_key = !key.is_empty()
            && key.len() <= 253
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if !is_key {
            causes.push(Cause {
                field: format!("data[{key}]"),
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {key:?}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"),
            });
        }
    }
    if let Some(old) = old
        && old.str("type") != members.str("type")
    {
        causes.push(immutable("type", members.get("type")));
    }
    check_immutable(members, old, &["data"], causes);
}

/// With `immutable: true` stored, neither that nor the named fields may change.
fn check_immutable(
    members: &Members<'_>,
    old: Option<&Members<'_>>,
    fields: &[&str],
    causes: &mut Vec<Cause>,
) {
    let is_immutable =
        |members: &Members<'_>| matches!(members.get("immutable"), Some(Json::Bool(true)));
    let Some(old) = old.filter(|old| is_immutable(old)) else {
        return;
    };
    let forbidden = |field: &str| Cause {
        field: field.to_owned(),
        reason: "FieldValueForbidden",
        message: "Forbidden: field is immutable when `immutable` is set".to_owned(),
    };
    if !is_immutable(members) {
        causes.push(forbidden("immutable"));
    }
    for field in fields {
        let is_same = match (old.get(field), members.get(field)) {
            (Some(old), Some(new)) => old.same(new),
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            causes.push(forbidden(field));
        }
    }
}

fn immutable(field: &str, value: Option<&Json<'_>>) -> Cause {
    let shown = value.map_or_else(|| "null".to_owned(), Json::text);
    Cause {
        field: field.to_owned(),
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {shown}: field is immutable"),
    }
}

/// Defaults and the check that every Service meets; addresses are not allocated.
fn prepare_service(members: &mut Members<'_>, old: Option<&Members<'_>>, causes: &mut Vec<Cause>) {
    if members.get("spec").is_none() {
        members.set("spec", Json::object());
    }
    if members.get("status").is_none() {
        let mut status = Members::default();
        status.set("loadBalancer", Json::object());
        members.set("status", Json::Object(status));
    }
    let Some(spec) = members.get_mut("spec").and_then(Json::as_object_mut) else {
        return;
    };
    let defaults = [("type", "ClusterIP"), ("sessionAffinity", "None")];
    for (key, value) in defaults {
        if spec.get(key).is_none() {
            spec.set(key, Json::string(value));
        }
    }
    let kept = old
        .and_then(|old| old.get("spec"))
        .and_then(|spec| spec.get("clusterIP"));
    if let (None, Some(kept)) = (spec.get("clusterIP"), kept) {
        spec.set("clusterIP", kept.clone().into_owned());
    }
    let needs_ports =
        spec.str("type") != Some("ExternalName") && spec.str("clusterIP") != Some("None");
    let ports = match spec.get_mut("ports") {
        Some(Json::Array(ports)) => ports,
        _ if needs_ports => {
            causes.push(Cause {
                field: "spec.ports".to_owned(),
                reason: "FieldValueRequired",
                message: "Required value".to_owned(),
            });
            return;
        }
        _ => return,
    };
    for port in ports.iter_mut().filter_map(Json::as_object_mut) {
        if port.get("protocol").is_none() {
            port.set("protocol", Json::string("TCP"));
        }
        if port.get("targetPort").is_none()
            && let Some(number) = port.get("port").cloned()
        {
            port.set("targetPort", number);
        }
    }
}

fn prepare_namespace(members: &mut Members<'_>, own: &mut Members<'_>) {
    const NAME_LABEL: &str = "kubernetes.io/metadata.name";
    let name = own.str("name").unwrap_or_default().to_owned();
    if own.get("labels").is_none() {
        own.set("labels", Json::object());
    }
    if let Some(labels) = own.get_mut("labels").and_then(Json::as_object_mut) {
        labels.set(NAME_LABEL, Json::String(name.into()));
    }
    let phase = match own.get("deletionTimestamp") {
        Some(_) => "Terminating",
        None => "Active",
    };
    if members
        .get("spec")
        .and_then(|spec| spec.get("finalizers"))
        .is_none()
    {
        let mut spec = Members::default();
        spec.set("finalizers", Json::Array(vec![Json::string("kubernetes")]));
        members.set("spec", Json::Object(spec));
    }
    let mut status = Members::default();
    status.set("phase", Json::string(phase));
    members.set("status", Json::Object(status));
}

/// Checks the names and completes them; a definition is established at once.
fn prepare_crd(members: &mut Members<'_>, own: &mut Members<'_>, causes: &mut Vec<Cause>) {
    let name = own.str("name").unwrap_or_default().to_owned();
    let created = own.str("creationTimestamp").unwrap_or_default().to_owned();
    let Some(spec) = members.get_mut("spec").and_then(Json::as_object_mut) else {
        return;
    };
    let group = spec.str("group").unwrap_or_default().to_owned();
    let stored_versions: Vec<Json<'static>> = spec
        .get("versions")
        .and_then(Json::as_array)
        .unwrap_or_default()
        .iter()
        .filter(|version| matches!(version.get("storage"), Some(Json::Bool(true))))
        .filter_map(|version| version.get("name").cloned().map(Json::into_owned))
        .collect();
    if stored_versions.len() != 1 {
        causes.push(Cause {
            field: "spec.versions".to_owned(),
            reason: "FieldValueInvalid",
            message: "Invalid value: must have exactly one version marked as storage version"
                .to_owned(),
        });
    }
    if spec.get("conversion").is_none() {
        let mut conversion = Members::default();
        conversion.set("strategy", Json::string("None"));
        spec.set("conversion", Json::Object(conversion));
    }
    let Some(names) = spec.get_mut("names").and_then(Json::as_object_mut) else {
        return;
    };
    let kind = names.str("kind").unwrap_or_default().to_owned();
    let plural = names.str("plural").unwrap_or_default().to_owned();
    if names.str("singular").is_none_or(str::is_empty) {
        names.set("singular", Json::String(kind.to_lowercase().into()));
    }
    if names.str("listKind").is_none_or(str::is_empty) {
        names.set("listKind", Json::String(format!("{kind}List").into()));
    }
    if name != format!("{plural}.{group}") || !is_label_text(&plural, 63) {
        causes.push(Cause {
            field: "metadata.name".to_owned(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {name:?}: must be spec.names.plural+\".\"+spec.group"),
        });
    }
    let accepted = Json::Object(names.clone()).into_owned();
    let condition = |kind: &'static str, reason: &'static str, message: &'static str| {
        let mut condition = Members::default();
        condition.set("type", Json::string(kind));
        condition.set("status", Json::string("True"));
        condition.set("reason", Json::string(reason));
        condition.set("message", Json::string(message));
        condition.set("lastTransitionTime", Json::String(created.clone().into()));
        Json::Object(condition)
    };
    let mut status = Members::default();
    status.set(
        "conditions",
        Json::Array(vec![
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition(
                "Established",
                "InitialNamesAccepted",
                "the initial names have been accepted",
            ),
        ]),
    );
    status.set("acceptedNames", accepted);
    status.set("storedVersions", Json::Array(stored_versions));
    members.set("status", Json::Object(status));
    if own.get("generation").is_none() {
        own.set("generation", Json::Number(Number::Integer(1)));
    }
}

/// Every version needs a schema, and one that compiles.
fn check_schemas(members: &Members<'_>, causes: &mut Vec<Cause>) {
    let versions = members.get("spec").and_then(|spec| spec.get("versions"));
    let versions = versions.and_then(Json::as_array).unwrap_or_default();
    for (index, version) in versions.iter().enumerate() {
        let field = format!("spec.versions[{index}].schema.openAPIV3Schema");
        let schema = version
            .get("schema")
            .and_then(|schema| schema.get("openAPIV3Schema"));
        let Some(schema) = schema else {
            causes.push(Cause {
                field,
                reason: "FieldValueRequired",
                message: "Required value: schemas are required".to_owned(),
            });
            continue;
        };
        let props = serde_json::from_slice::<JSONSchemaProps>(&schema.to_vec());
        if let Some(Err(BadPattern(why))) = props.ok().map(|props| Schema::compile(&props)) {
            causes.push(Cause {
                field,
                reason: "FieldValueInvalid",
                message: format!(
                    "Invalid value: must be a valid regular expression, but isn't: {why}"
                ),
            });
        }
    }
}
