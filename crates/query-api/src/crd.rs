//! The CustomResourceDefinitions of our kinds, in either dialect.

use crate::agent::Agent;
use crate::dialect::Dialect;
use crate::execution_engine::ExecutionEngine;
use crate::mcp_server::MCPServer;
use crate::memory::Memory;
use crate::model::Model;
use crate::query::Query;
use crate::team::Team;
use crate::tool::Tool;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The CRDs of all eight kinds.
#[must_use]
pub fn crds(_dialect: Dialect) -> Vec<CustomResourceDefinition> {
    vec![
        Query::crd(),
        Model::crd(),
        Agent::crd(),
        Team::crd(),
        Tool::crd(),
        MCPServer::crd(),
        Memory::crd(),
        ExecutionEngine::crd(),
    ]
}
