//! The manifests together show every field of every kind in both dialects.

use crate::manifests::{child, items, manifests, problems, schemas};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use query_api::dialect::Dialect;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The schemas that stand in several places, such as a value source, by their text; shown once they are shown.
type Shared = BTreeMap<String, String>;

#[test]
fn every_manifest_is_valid_in_its_dialect() {
    for dialect in Dialect::ALL {
        let schemas = schemas(dialect);
        for manifest in manifests(dialect) {
            if manifest.is_from_the_future() {
                continue;
            }
            let schema = &schemas[manifest.kind()];
            let found = problems(schema, &manifest.value, "");
            assert!(found.is_empty(), "{:?}: {found:#?}", manifest.path);
        }
    }
}

#[test]
fn every_field_of_every_kind_occurs_in_some_manifest() {
    for dialect in Dialect::ALL {
        let mut shared = Shared::new();
        let mut wanted = BTreeSet::new();
        let schemas = schemas(dialect);
        for (kind, schema) in &schemas {
            collect(schema, kind, &mut shared, &mut wanted);
        }
        let mut shown = BTreeSet::new();
        for manifest in manifests(dialect) {
            let kind = manifest.kind();
            mark(&schemas[kind], &manifest.value, kind, &shared, &mut shown);
        }
        let missing: Vec<&String> = wanted.difference(&shown).collect();
        assert!(wanted.len() > 150, "the walk lost its way");
        assert!(missing.is_empty(), "dialect {dialect}: {missing:#?}");
    }
}

/// Notes every field below `path`; a schema that was met before counts under the path where it was met first.
fn collect(
    schema: &JSONSchemaProps,
    path: &str,
    shared: &mut Shared,
    wanted: &mut BTreeSet<String>,
) {
    if schema.items.is_some() {
        collect(items(schema), &format!("{path}[]"), shared, wanted);
    }
    if schema.additional_properties.is_some() {
        let values = child(schema, "*").expect("free keys have a schema");
        collect(values, &format!("{path}.*"), shared, wanted);
    }
    let Some(fields) = &schema.properties else {
        return;
    };
    let text = text_of(schema);
    if shared.contains_key(&text) {
        return;
    }
    shared.insert(text, path.to_owned());
    for (name, field) in fields {
        let path = format!("{path}.{name}");
        collect(field, &path, shared, wanted);
        wanted.insert(path);
    }
}

/// Notes every field that a value has, under the same paths.
fn mark(
    schema: &JSONSchemaProps,
    value: &Value,
    path: &str,
    shared: &Shared,
    shown: &mut BTreeSet<String>,
) {
    for item in value.as_array().into_iter().flatten() {
        mark(items(schema), item, &format!("{path}[]"), shared, shown);
    }
    let path = shared.get(&text_of(schema)).map_or(path, String::as_str);
    for (name, value) in value.as_object().into_iter().flatten() {
        let Some(field) = child(schema, name) else {
            continue;
        };
        let step = if schema.properties.is_some() {
            name
        } else {
            "*"
        };
        let path = format!("{path}.{step}");
        mark(field, value, &path, shared, shown);
        shown.insert(path);
    }
}

fn text_of(schema: &JSONSchemaProps) -> String {
    serde_json::to_string(schema).expect("a schema is JSON")
}
