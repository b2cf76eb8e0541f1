//! The ExecutionEngine: a service that runs agents instead of the controller.

use crate::model::ReadyPhase;
use crate::value_source::ValueSource;
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which engine it is and where it listens; the name `a2a` is reserved.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1prealpha1",
    kind = "ExecutionEngine",
    plural = "executionengines",
    namespaced,
    status = "ExecutionEngineStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A service that runs agents."
)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutionEngineSpec {
    /// The engine's make.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Its address; required in dialect `Targets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<ValueSource>,
    /// What the engine is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the engine's code comes from. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Value>,
    /// The JSON schema of the engine's settings. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Value>,
    /// Whether the engine runs whole agents. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_agentic: Option<bool>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What the controller found out about an ExecutionEngine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExecutionEngineStatus {
    /// The address that `address` came to, last time it came to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_resolved_address: Option<String>,
    /// How far the controller got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<ReadyPhase>,
    /// Why the phase is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}
