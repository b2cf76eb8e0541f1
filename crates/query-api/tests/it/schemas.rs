//! The CRDs are ones that a Kubernetes API server accepts, and say what upstream's say.

use crate::manifests::{is_free, items, problems, schemas};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrBool,
};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use serde_json::json;

#[test]
fn all_schemas_are_structural() {
    for dialect in Dialect::ALL {
        for (kind, schema) in schemas(dialect) {
            check_node(&schema, &kind);
        }
    }
}

#[test]
fn names_versions_and_columns_are_upstream_s() {
    let found: Vec<String> = crds(Dialect::Targets).iter().map(outline).collect();
    assert_eq!(
        found,
        [
            "queries.ark.mckinsey.com Query QueryList v1alpha1: Phase, Duration, Evaluations, Age",
            "models.ark.mckinsey.com Model ModelList v1alpha1: Model, Phase, Type, Age",
            "agents.ark.mckinsey.com Agent AgentList v1alpha1: Model, Age",
            "teams.ark.mckinsey.com Team TeamList v1alpha1: Strategy, Age",
            "tools.ark.mckinsey.com Tool ToolList v1alpha1: Type, State, Age",
            "mcpservers.ark.mckinsey.com MCPServer MCPServerList v1alpha1: Ready, Discovering, Tools, Age",
            "memories.ark.mckinsey.com Memory MemoryList v1alpha1: Phase, Address, Age",
            "executionengines.ark.mckinsey.com ExecutionEngine ExecutionEngineList v1prealpha1: Phase, Address, Age",
        ]
    );
    let found: Vec<String> = crds(Dialect::Target).iter().map(outline).collect();
    assert_eq!(
        found[0],
        "queries.ark.mckinsey.com Query QueryList v1alpha1: Type, Phase, Duration, Age"
    );
    assert_eq!(
        found[2],
        "agents.ark.mckinsey.com Agent AgentList v1alpha1: Model, Available, Age"
    );
}

#[test]
fn every_kind_is_namespaced_with_one_version_and_a_status_of_its_own() {
    for dialect in Dialect::ALL {
        for crd in crds(dialect) {
            let name = &crd.spec.names.kind;
            assert_eq!(crd.spec.scope, "Namespaced", "{name}");
            assert_eq!(crd.spec.versions.len(), 1, "{name}");
            let version = &crd.spec.versions[0];
            assert!(version.served && version.storage, "{name}");
            let subresources = version.subresources.as_ref().expect("subresources");
            assert!(subresources.status.is_some(), "{name}");
            assert!(
                crd.spec
                    .names
                    .short_names
                    .as_ref()
                    .is_none_or(Vec::is_empty),
                "{name}"
            );
            assert!(
                crd.spec.names.categories.as_ref().is_none_or(Vec::is_empty),
                "{name}"
            );
        }
    }
}

#[test]
fn the_dialect_is_read_from_the_schema_of_the_query() {
    for dialect in Dialect::ALL {
        let crds = crds(dialect);
        assert_eq!(Dialect::of_schema(&crds[0]), Some(dialect));
        assert_eq!(Dialect::of_schema(&crds[1]), None, "a Model has no dialect");
    }
    let mut both = crds(Dialect::Target).remove(0);
    let schema = both.spec.versions[0]
        .schema
        .as_mut()
        .and_then(|validation| validation.open_api_v3_schema.as_mut())
        .and_then(|root| root.properties.as_mut()?.get_mut("spec"))
        .and_then(|spec| spec.properties.as_mut())
        .expect("fields of the spec");
    schema.insert("targets".to_owned(), JSONSchemaProps::default());
    assert_eq!(Dialect::of_schema(&both), None, "both fields tell nothing");
}

#[test]
fn the_rules_of_the_query_are_upstream_s() {
    let older = &schemas(Dialect::Targets)["Query"];
    let valid = json!({"spec": {"input": "hi", "targets": [{"type": "agent", "name": "a"}]}});
    assert_eq!(problems(older, &valid, ""), Vec::<String>::new());
    for (broken, place) in [
        (json!({"spec": {}}), ".spec.input: missing"),
        (json!({"spec": {"input": ""}}), ".spec.input: too short"),
        (
            json!({"spec": {"input": "hi", "target": {}}}),
            ".spec.target: not in the schema",
        ),
        (
            json!({"spec": {"input": "hi", "targets": [{"type": "bot", "name": "a"}]}}),
            ".spec.targets[].type: \"bot\" is not among the values",
        ),
    ] {
        assert_eq!(problems(older, &broken, ""), [place]);
    }
    let newer = &schemas(Dialect::Target)["Query"];
    let messages = json!({"spec": {"type": "messages", "input": [{"role": "user", "content": "hi"}], "target": {"type": "agent", "name": "a"}}});
    assert_eq!(problems(newer, &messages, ""), Vec::<String>::new());

    for schema in [older, newer] {
        let default_of = |part: &str, field: &str| {
            let fields = schema.properties.as_ref().expect("fields")[part]
                .properties
                .as_ref()
                .expect("fields");
            fields[field].default.as_ref().map(|value| value.0.clone())
        };
        assert_eq!(default_of("spec", "ttl"), Some(json!("720h")));
        assert_eq!(default_of("spec", "timeout"), Some(json!("5m")));
        assert_eq!(default_of("spec", "cancel"), None);
        assert_eq!(default_of("status", "phase"), Some(json!("pending")));
    }
}

/// The rules of structural schemas, and ours: no keyword that we have no use for.
fn check_node(schema: &JSONSchemaProps, path: &str) {
    let node = serde_json::to_value(schema).expect("a schema is JSON");
    let keywords = node.as_object().expect("a schema is an object");
    for keyword in [
        "$ref",
        "$schema",
        "id",
        "oneOf",
        "anyOf",
        "allOf",
        "not",
        "definitions",
        "dependencies",
        "patternProperties",
        "additionalItems",
        "uniqueItems",
        "nullable",
        "x-kubernetes-int-or-string",
        "x-kubernetes-embedded-resource",
    ] {
        assert!(!keywords.contains_key(keyword), "{path}: {keyword}");
    }
    match schema.type_.as_deref() {
        None => assert!(is_free(schema), "{path}: no type"),
        Some("object") => {}
        Some("array") => {
            assert!(schema.items.is_some(), "{path}: no items");
            check_list(schema, path);
            check_node(items(schema), &format!("{path}[]"));
        }
        Some("string" | "integer" | "boolean") => {
            assert!(schema.properties.is_none(), "{path}: a scalar with fields");
        }
        Some(other) => panic!("{path}: type {other}"),
    }
    if let Some(format) = &schema.format {
        assert!(
            ["int32", "int64", "date-time"].contains(&format.as_str()),
            "{path}: format {format}"
        );
    }
    if let Some(default) = &schema.default {
        let found = problems(schema, &default.0, path);
        assert!(found.is_empty(), "default: {found:?}");
    }
    assert!(
        schema.properties.is_none() || schema.additional_properties.is_none(),
        "{path}: fields and free keys"
    );
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => check_node(values, &format!("{path}.*")),
        Some(JSONSchemaPropsOrBool::Bool(_)) => panic!("{path}: free keys without a schema"),
        None => {}
    }
    let fields = schema.properties.iter().flatten();
    for name in schema.required.iter().flatten() {
        let is_field = fields.clone().any(|(field, _)| field == name);
        assert!(is_field, "{path}: requires {name}, which is not a field");
    }
    for (name, field) in fields {
        check_node(field, &format!("{path}.{name}"));
    }
}

/// The keys of a list that is a map must be required scalars of its items.
fn check_list(schema: &JSONSchemaProps, path: &str) {
    let keys = schema.x_kubernetes_list_map_keys.iter().flatten();
    let is_map = schema.x_kubernetes_list_type.as_deref() == Some("map");
    assert_eq!(is_map, keys.clone().count() > 0, "{path}: keys of a list");
    for key in keys {
        let required = items(schema).required.iter().flatten();
        assert!(
            required.into_iter().any(|name| name == key),
            "{path}: {key}"
        );
    }
}

fn outline(crd: &CustomResourceDefinition) -> String {
    let names = &crd.spec.names;
    let version = &crd.spec.versions[0];
    let columns: Vec<&str> = version
        .additional_printer_columns
        .iter()
        .flatten()
        .map(|column| column.name.as_str())
        .collect();
    format!(
        "{} {} {} {}: {}",
        crd.metadata.name.as_deref().unwrap_or_default(),
        names.kind,
        names.list_kind.as_deref().unwrap_or_default(),
        version.name,
        columns.join(", ")
    )
}
