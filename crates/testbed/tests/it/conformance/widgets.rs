//! The kinds the suite works on: a widget uses every feature of a definition, a gadget none.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};

const GROUP: &str = "conformance.plimsoll.dev";

pub(crate) fn widget() -> ApiResource {
    resource("Widget", "widgets")
}

pub(crate) fn gadget() -> ApiResource {
    resource("Gadget", "gadgets")
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: "v1".to_owned(),
        api_version: format!("{GROUP}/v1"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// A widget with the given specification.
pub(crate) fn widget_named(name: &str, spec: Value) -> DynamicObject {
    let mut object = DynamicObject::new(name, &widget());
    object.data = Value::Object([("spec".to_owned(), spec)].into_iter().collect());
    object
}

/// A widget that satisfies its schema and is otherwise of no interest.
pub(crate) fn plain(name: &str) -> DynamicObject {
    widget_named(name, json!({"size": 1}))
}

/// A widget that the server is to name.
pub(crate) fn generated(prefix: &str) -> DynamicObject {
    let mut widget = plain("x");
    widget.metadata.name = None;
    widget.metadata.generate_name = Some(prefix.to_owned());
    widget
}

/// What tests say of an object before they create it.
pub(crate) trait Adjectives: Sized {
    /// With these finalizers.
    fn held_by(self, finalizers: &[&str]) -> Self;
    /// With this label and no other.
    fn labelled(self, key: &str, value: &str) -> Self;
}

impl Adjectives for DynamicObject {
    fn held_by(mut self, finalizers: &[&str]) -> Self {
        let finalizers = finalizers.iter().map(ToString::to_string);
        self.metadata.finalizers = Some(finalizers.collect());
        self
    }

    fn labelled(mut self, key: &str, value: &str) -> Self {
        self.metadata.labels = Some([(key.to_owned(), value.to_owned())].into());
        self
    }
}

pub(crate) fn gadget_named(name: &str, data: Value) -> DynamicObject {
    let mut object = DynamicObject::new(name, &gadget());
    object.data = data;
    object
}

pub(crate) fn definitions() -> Vec<CustomResourceDefinition> {
    let widget_version = json!({
        "name": "v1", "served": true, "storage": true,
        "subresources": {"status": {}},
        "selectableFields": [{"jsonPath": ".spec.color"}, {"jsonPath": ".status.phase"}],
        "schema": {"openAPIV3Schema": widget_schema()},
    });
    let gadget_version = json!({
        "name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {
            "type": "object",
            "properties": {
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        }},
    });
    vec![
        definition("Widget", "widgets", &widget_version),
        definition("Gadget", "gadgets", &gadget_version),
    ]
}

fn definition(kind: &str, plural: &str, version: &Value) -> CustomResourceDefinition {
    let names = json!({"kind": kind, "plural": plural, "shortNames": [&plural[..3]]});
    serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }))
    .unwrap()
}

fn widget_schema() -> Value {
    json!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 100},
                    "color": {"type": "string", "enum": ["red", "green", "blue"], "default": "red"},
                    "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
                    "port": {"x-kubernetes-int-or-string": true},
                    "ratio": {"type": "number", "exclusiveMinimum": true, "minimum": 0},
                    "note": {"type": "string", "nullable": true},
                    "mode": {"type": "string", "default": "slow"},
                    "on": {"type": "boolean"},
                    "since": {"type": "string", "format": "date-time"},
                    "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "x-kubernetes-list-type": "set"},
                    "parts": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {
                            "type": "object",
                            "required": ["name"],
                            "properties": {
                                "name": {"type": "string"},
                                "count": {"type": "integer", "default": 1},
                                "owner": {"type": "string"},
                            },
                        },
                    },
                    "steps": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"do": {"type": "string"}, "times": {"type": "integer"}},
                        },
                    },
                    "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "nested": {
                        "type": "object",
                        "default": {},
                        "properties": {"depth": {"type": "integer", "default": 7}},
                    },
                    "either": {
                        "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                    },
                },
            },
            "status": {
                "type": "object",
                "properties": {
                    "phase": {"type": "string", "enum": ["pending", "running", "done"]},
                    "count": {"type": "integer"},
                    "message": {"type": "string"},
                    "observed": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                    "conditions": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["type"],
                        "items": {
                            "type": "object",
                            "required": ["type", "status"],
                            "properties": {
                                "type": {"type": "string"},
                                "status": {"type": "string"},
                                "message": {"type": "string"},
                            },
                        },
                    },
                },
            },
        },
    })
}
