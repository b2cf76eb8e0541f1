//! Schemas that several kinds share.

use super::schema::{Rules, boolean, int64, list, map_of, name, object, one_of, string};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;

/// A value or where to find it.
pub(super) fn value_source() -> JSONSchemaProps {
    object([("value", string()), ("valueFrom", value_from())])
}

/// Where a value is kept.
pub(super) fn value_from() -> JSONSchemaProps {
    object([
        ("secretKeyRef", key_selector()),
        ("configMapKeyRef", key_selector()),
        ("serviceRef", service_ref()),
    ])
}

/// A named value for a template.
pub(super) fn parameter() -> JSONSchemaProps {
    object([
        ("name", name()),
        ("value", string()),
        ("valueFrom", value_from()),
    ])
    .requires(&["name"])
}

/// An HTTP header; its value comes from the object itself or from a Secret.
pub(super) fn header() -> JSONSchemaProps {
    let from_secret = object([("secretKeyRef", key_selector())]);
    let value = object([("value", string()), ("valueFrom", from_secret)]);
    object([("name", name()), ("value", value)]).requires(&["name", "value"])
}

/// Headers for the calls of one kind of resource.
pub(super) fn header_override() -> JSONSchemaProps {
    object([("resourceType", name()), ("headers", list(header()))]).requires(&["resourceType"])
}

/// Another object by name.
pub(super) fn object_ref() -> JSONSchemaProps {
    object([("name", name()), ("namespace", string())]).requires(&["name"])
}

/// The plain Kubernetes label selector.
pub(super) fn label_selector() -> JSONSchemaProps {
    let expression = object([
        ("key", string()),
        ("operator", string()),
        ("values", atomic_list(string())),
    ])
    .requires(&["key", "operator"]);
    JSONSchemaProps {
        x_kubernetes_map_type: Some("atomic".to_owned()),
        ..object([
            ("matchExpressions", atomic_list(expression)),
            ("matchLabels", map_of(string())),
        ])
    }
}

/// The plain Kubernetes conditions, at most one per type.
pub(super) fn conditions() -> JSONSchemaProps {
    let time = JSONSchemaProps {
        format: Some("date-time".to_owned()),
        ..string()
    };
    let generation = JSONSchemaProps {
        minimum: Some(0.0),
        ..int64()
    };
    let condition = object([
        ("type", up_to(316, name())),
        ("status", one_of(&["True", "False", "Unknown"])),
        ("observedGeneration", generation),
        ("lastTransitionTime", time),
        (
            "reason",
            up_to(1024, name()).matching("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
        ),
        ("message", up_to(32_768, string())),
    ])
    .requires(&["lastTransitionTime", "message", "reason", "status", "type"]);
    JSONSchemaProps {
        x_kubernetes_list_type: Some("map".to_owned()),
        x_kubernetes_list_map_keys: Some(vec!["type".to_owned()]),
        ..list(condition)
    }
}

/// How far the controller got with an object's address.
pub(super) fn ready_phase() -> JSONSchemaProps {
    one_of(&["running", "ready", "error"])
}

/// A key of a Secret or of a ConfigMap.
fn key_selector() -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_map_type: Some("atomic".to_owned()),
        ..object([
            ("name", string().or("")),
            ("key", string()),
            ("optional", boolean()),
        ])
        .requires(&["key"])
    }
}

fn service_ref() -> JSONSchemaProps {
    object([
        ("name", string()),
        ("namespace", string()),
        ("port", string()),
        ("path", string()),
    ])
    .requires(&["name"])
}

fn atomic_list(items: JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps {
        x_kubernetes_list_type: Some("atomic".to_owned()),
        ..list(items)
    }
}

fn up_to(max_length: i64, text: JSONSchemaProps) -> JSONSchemaProps {
    JSONSchemaProps {
        max_length: Some(max_length),
        ..text
    }
}
