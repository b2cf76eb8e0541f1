//! The rules of object metadata: what a client may set, what only the server sets.

use super::failure::{Cause, Failure};
use super::json::{Json, Members, Number};
use super::object::Object;
use super::resource::{Builtin, Resource};
use super::selector::is_label_text;

/// Fields that an update cannot change; the server puts back what was there.
const KEPT: [&str; 7] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
];

/// The known fields whose empty value is the same as their absence.
const COLLECTIONS: [&str; 5] = [
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
];

/// The answer to an object that says it belongs elsewhere than its path.
pub(super) const NAMESPACE_MISMATCH: &str =
    "the namespace of the provided object does not match the namespace sent on the request";

/// Takes the metadata out of an object's members, refusing what is no metadata at all.
pub(super) fn take<'a>(members: &mut Members<'a>) -> Result<Members<'a>, Failure> {
    match members.remove("metadata") {
        None | Some(Json::Null) => Ok(Members::default()),
        Some(Json::Object(metadata)) => Ok(metadata),
        Some(_) => Err(Failure::bad_request(
            "json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta",
        )),
    }
}

/// Drops unknown and empty fields and refuses wrong types, as decoding into the API's own type does.
pub(super) fn normalize(metadata: &mut Members<'_>) -> Result<(), Failure> {
    metadata.0.retain(|(key, value)| {
        let is_empty = match value {
            Json::Null => true,
            Json::Array(items) => items.is_empty(),
            Json::Object(members) => members.0.is_empty(),
            Json::String(text) => text.is_empty(),
            _ => false,
        };
        !is_empty
            && (KEPT.contains(&&**key)
                || COLLECTIONS.contains(&&**key)
                || matches!(&**key, "generateName" | "resourceVersion"))
    });
    for (key, value) in &metadata.0 {
        let fits = match &**key {
            "labels" | "annotations" => value
                .as_object()
                .is_some_and(|map| map.0.iter().all(|(_, value)| value.as_str().is_some())),
            "finalizers" => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item.as_str().is_some())),
            "ownerReferences" | "managedFields" => value.as_array().is_some(),
            "generation" | "deletionGracePeriodSeconds" => {
                matches!(value, Json::Number(Number::Integer(_)))
            }
            _ => value.as_str().is_some(),
        };
        if !fits {
            return Err(Failure::bad_request(format!(
                "json: cannot unmarshal into Go struct field ObjectMeta.metadata.{key}"
            )));
        }
    }
    Ok(())
}

/// Appends what is wrong with labels, annotations and finalizers.
pub(super) fn check(metadata: &Members<'_>, causes: &mut Vec<Cause>) {
    let invalid = |field: &str, value: &str, why: &str| Cause {
        field: format!("metadata.{field}"),
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {}: {why}", Json::string(value).text()),
    };
    const NAME_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    for field in ["labels", "annotations"] {
        for (key, value) in metadata
            .get(field)
            .and_then(Json::as_object)
            .iter()
            .flat_map(|map| &map.0)
        {
            if !is_qualified_name(key) {
                causes.push(invalid(field, key, NAME_RULE));
            }
            let value = value.as_str().unwrap_or_default();
            if field == "labels" && !is_label_text(value, 63) {
                causes.push(invalid(field, value, VALUE_RULE));
            }
        }
    }
    for finalizer in metadata
        .get("finalizers")
        .and_then(Json::as_array)
        .unwrap_or_default()
    {
        let finalizer = finalizer.as_str().unwrap_or_default();
        if !is_qualified_name(finalizer) {
            causes.push(invalid("finalizers", finalizer, NAME_RULE));
        }
    }
}

/// Checks what an update says about itself against the stored version, and puts back what it may not change.
///
/// The resourceVersion is taken out: the store gives the next one.
pub(super) fn admit_update<'a>(
    resource: &Resource,
    current: &Object,
    old: &Members<'a>,
    new: &mut Members<'a>,
    causes: &mut Vec<Cause>,
) -> Result<(), Failure> {
    normalize(new)?;
    check_version(resource, current, new)?;
    check_name(current.meta.name(), new)?;
    if new.get("namespace").is_some() && new.str("namespace") != old.str("namespace") {
        return Err(Failure::bad_request(NAMESPACE_MISMATCH));
    }
    if let Some(uid) = new
        .get("uid")
        .filter(|uid| uid.as_str() != Some(&current.meta.uid))
    {
        causes.push(Cause {
            field: "metadata.uid".to_owned(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {}: field is immutable", uid.text()),
        });
    }
    for key in KEPT {
        new.set_or_remove(key, old.get(key).cloned());
    }
    if current.meta.deleting {
        refuse_new_finalizers(old, new, causes);
    }
    check(new, causes);
    Ok(())
}

/// Refuses a replacement of another incarnation of the object.
pub(super) fn check_uid(
    resource: &Resource,
    current: &Object,
    members: &Members<'_>,
) -> Result<(), Failure> {
    let own = members.get("metadata");
    let uid = own.and_then(|own| own.get("uid")).and_then(Json::as_str);
    match uid {
        Some(uid) if !uid.is_empty() && uid != &*current.meta.uid => {
            let stored = &current.meta.uid;
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {stored}"
            );
            Err(Failure::conflict(resource, current.meta.name(), &why))
        }
        _ => Ok(()),
    }
}

/// Refuses an update based on another version of the object.
pub(super) fn check_version(
    resource: &Resource,
    current: &Object,
    metadata: &Members<'_>,
) -> Result<(), Failure> {
    let given = metadata.str("resourceVersion").unwrap_or_default();
    match given.parse::<u64>() {
        _ if given.is_empty() => Ok(()),
        Ok(version) if version == current.version => Ok(()),
        Ok(_) => Err(Failure::modified_meanwhile(resource, current.meta.name())),
        Err(_) => Err(Failure::unexplained(format!(
            "strconv.ParseUint: parsing {given:?}: invalid syntax"
        ))),
    }
}

/// Refuses an object or a patch that names another object than its path.
pub(super) fn check_name(name: &str, metadata: &Members<'_>) -> Result<(), Failure> {
    match metadata.str("name") {
        Some(given) if given != name => Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        ))),
        _ => Ok(()),
    }
}

/// Whether a merge patch of metadata says nothing but what clients may say freely.
pub(super) fn changes_collections_only(patch: &Members<'_>) -> bool {
    let is_free = |key: &str| {
        matches!(
            key,
            "labels" | "annotations" | "finalizers" | "ownerReferences"
        )
    };
    patch.0.iter().all(|(key, value)| match &**key {
        "resourceVersion" | "name" => value.as_str().is_some(),
        key => is_free(key),
    })
}

fn refuse_new_finalizers(old: &Members<'_>, new: &Members<'_>, causes: &mut Vec<Cause>) {
    let list = |metadata: &Members<'_>| -> Vec<String> {
        let items = metadata
            .get("finalizers")
            .and_then(Json::as_array)
            .unwrap_or_default();
        items
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect()
    };
    let before = list(old);
    let added: Vec<String> = list(new)
        .into_iter()
        .filter(|finalizer| !before.contains(finalizer))
        .collect();
    if !added.is_empty() {
        causes.push(Cause {
            field: "metadata.finalizers".to_owned(),
            reason: "FieldValueForbidden",
            message: format!(
                "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
            ),
        });
    }
}

/// The metadata object without its closing brace, ready to be given a resourceVersion.
pub(super) fn open_bytes(metadata: &Members<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(384);
    out.push(b'{');
    for (key, value) in &metadata.0 {
        if key == "resourceVersion" {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        super::json::write_string(&mut out, key);
        out.push(b':');
        value.write(&mut out);
    }
    out
}

/// Why `name` cannot name an object of `resource`, if it cannot.
pub(super) fn name_error(resource: &Resource, name: &str) -> Option<String> {
    const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    let is_label = |text: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let end = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
        let bytes = text.as_bytes();
        bytes.iter().copied().all(inner) && end(bytes.first()) && end(bytes.last())
    };
    let (longest, is_valid, rule) = match resource.builtin {
        Some(Builtin::Namespace) => (63, is_label(name), LABEL),
        Some(Builtin::Service) => (
            63,
            is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase()),
            LABEL_1035,
        ),
        _ => (253, name.split('.').all(is_label), SUBDOMAIN),
    };
    if name.len() > longest {
        return Some(format!("must be no more than {longest} bytes"));
    }
    (!is_valid).then(|| rule.to_owned())
}

fn is_qualified_name(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').unwrap_or(("x", key));
    !prefix.is_empty() && is_label_text(prefix, 253) && !name.is_empty() && is_label_text(name, 63)
}
