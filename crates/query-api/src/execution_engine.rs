//! The ExecutionEngine: a service that runs agents instead of the controller.

use crate::model::ReadyPhase;
use crate::value_source::ValueSource;
use crate::wire::{Unknown, wire_object};
use kube::CustomResource;
use serde_json::Value;

/// Which engine it is and where it listens; the name `a2a` is reserved.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
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
pub struct ExecutionEngineSpec {
    /// The engine's make.
    pub r#type: Option<String>,
    /// Its address; required in dialect `Targets`.
    pub address: Option<ValueSource>,
    /// What the engine is for.
    pub description: Option<String>,
    /// Where the engine's code comes from. Only in dialect `Target`.
    pub source: Option<Value>,
    /// The JSON schema of the engine's settings. Only in dialect `Target`.
    pub config_schema: Option<Value>,
    /// Whether the engine runs whole agents. Only in dialect `Target`.
    pub is_agentic: Option<bool>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ExecutionEngineSpec in spec {
        "type" => r#type,
        "address" => address,
        "description" => description,
        "source" => source,
        "configSchema" => config_schema,
        "isAgentic" => is_agentic,
    }
}

/// What the controller found out about an ExecutionEngine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutionEngineStatus {
    /// The address that `address` came to, last time it came to one.
    pub last_resolved_address: Option<String>,
    /// How far the controller got.
    pub phase: Option<ReadyPhase>,
    /// Why the phase is what it is.
    pub message: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ExecutionEngineStatus in status {
        "lastResolvedAddress" => last_resolved_address,
        "phase" => phase,
        "message" => message,
    }
}
