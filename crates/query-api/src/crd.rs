//! The CustomResourceDefinitions of our kinds, in either dialect.
//!
//! Names come from the types; schemas and columns are written out here, because one type reads two dialects and a derived schema would be that of neither.
//! A test holds both sides together: every path of every schema must be a field of its type.
//! The schemas say what upstream's say as far as we know them, for our own server; against a real one install upstream's own.
//!
//! Two additions of ours to dialect `Targets` are marked in their descriptions: `status.responses[].phase` and `status.conditions`.
//! Without them a failed target could not be told from one that answered, nor the reason of a failure be read.

mod query;

mod kinds;

mod shared;

mod columns;

mod schema;

use self::schema::{Rules, object, string};
use crate::agent::Agent;
use crate::dialect::Dialect;
use crate::execution_engine::ExecutionEngine;
use crate::mcp_server::MCPServer;
use crate::memory::Memory;
use crate::model::Model;
use crate::query::Query;
use crate::team::Team;
use crate::tool::Tool;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, CustomResourceValidation,
    JSONSchemaProps,
};
use kube::CustomResourceExt;

/// The CRDs of all eight kinds, the Query first.
#[must_use]
pub fn crds(dialect: Dialect) -> Vec<CustomResourceDefinition> {
    vec![
        definition::<Query>(query::query(dialect)),
        definition::<Model>(kinds::model(dialect)),
        definition::<Agent>(kinds::agent(dialect)),
        definition::<Team>(kinds::team(dialect)),
        definition::<Tool>(kinds::tool(dialect)),
        definition::<MCPServer>(kinds::mcp_server()),
        definition::<Memory>(kinds::memory(dialect)),
        definition::<ExecutionEngine>(kinds::execution_engine(dialect)),
    ]
}

/// What a CRD says beyond the names.
struct Parts {
    spec: JSONSchemaProps,
    status: JSONSchemaProps,
    columns: Vec<CustomResourceColumnDefinition>,
}

fn definition<K: CustomResourceExt>(parts: Parts) -> CustomResourceDefinition {
    let mut crd = K::crd();
    let root = object([
        ("apiVersion", string()),
        ("kind", string()),
        ("metadata", object([])),
        ("spec", parts.spec),
        ("status", parts.status),
    ])
    .requires(&["spec"]);
    crd.spec.names.list_kind = Some(format!("{}List", crd.spec.names.kind));
    // Each of our kinds has exactly one version.
    for version in &mut crd.spec.versions {
        version.schema = Some(CustomResourceValidation {
            open_api_v3_schema: Some(root.clone()),
        });
        version.additional_printer_columns = Some(parts.columns.clone());
    }
    crd
}
