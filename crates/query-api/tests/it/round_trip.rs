//! Parsed, held as a type and written again, an object is the same by value.

use crate::manifests::{Manifest, manifests};
use query_api::agent::Agent;
use query_api::dialect::Dialect;
use query_api::execution_engine::ExecutionEngine;
use query_api::go_duration::parse_nanos;
use query_api::mcp_server::MCPServer;
use query_api::memory::Memory;
use query_api::model::Model;
use query_api::query::Query;
use query_api::team::Team;
use query_api::tool::Tool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt::Debug;

#[test]
fn every_manifest_survives_its_type() {
    for dialect in Dialect::ALL {
        for manifest in manifests(dialect) {
            check_kind(&manifest);
        }
    }
}

#[test]
fn a_manifest_that_does_not_parse_is_refused_with_line_and_path() {
    let text = "apiVersion: ark.mckinsey.com/v1alpha1\nkind: Query\nmetadata: {name: q}\nspec:\n  input: hello\n  targets:\n  - type: agent\n    name: ada\n  - type: oracle\n    name: pythia\n";
    let error = serde_saphyr::from_str::<Query>(text)
        .expect_err("no such kind of target")
        .to_string();
    assert!(error.contains("line 9"), "{error}");
    assert!(error.contains("`spec.targets[1].type`"), "{error}");
    assert!(error.contains("oracle"), "{error}");
}

fn check_kind(manifest: &Manifest) {
    match manifest.kind() {
        "Query" => check::<Query>(manifest),
        "Model" => check::<Model>(manifest),
        "Agent" => check::<Agent>(manifest),
        "Team" => check::<Team>(manifest),
        "Tool" => check::<Tool>(manifest),
        "MCPServer" => check::<MCPServer>(manifest),
        "Memory" => check::<Memory>(manifest),
        "ExecutionEngine" => check::<ExecutionEngine>(manifest),
        other => panic!("{:?}: kind {other} is not ours", manifest.path),
    }
}

fn check<K: Serialize + DeserializeOwned + Debug + PartialEq>(manifest: &Manifest) {
    let path = &manifest.path;
    let object: K = serde_saphyr::from_str(&manifest.text)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let written = serde_json::to_value(&object).expect("an object is JSON");
    assert_eq!(
        by_value(&written),
        by_value(&manifest.value),
        "{path:?} as YAML"
    );

    let bytes = serde_json::to_vec(&manifest.value).expect("a manifest is JSON");
    let from_bytes: K = serde_json::from_slice(&bytes)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(from_bytes, object, "{path:?} as JSON bytes");
    let from_value: K = serde_json::from_value(manifest.value.clone())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(from_value, object, "{path:?} as a JSON value");

    // Every field of a schema is a field of its type: nothing of a valid manifest is kept as unknown.
    let debug = format!("{object:?}");
    let n_unknown = debug.matches("unknown: {").count() - debug.matches("unknown: {}").count();
    assert_eq!(
        n_unknown > 0,
        manifest.is_from_the_future(),
        "{path:?}: {debug}"
    );
}

/// The value with every duration as its nanoseconds.
fn by_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), field_by_value(name, value)))
            .collect(),
        Value::Array(items) => items.iter().map(by_value).collect(),
        other => other.clone(),
    }
}

fn field_by_value(name: &str, value: &Value) -> Value {
    let is_duration = matches!(name, "ttl" | "timeout" | "pollInterval" | "duration");
    match value.as_str().map(parse_nanos) {
        Some(Ok(nanos)) if is_duration => nanos.into(),
        _ => by_value(value),
    }
}
