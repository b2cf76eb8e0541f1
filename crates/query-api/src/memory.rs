//! The Memory: a service that keeps conversations.

use crate::model::ReadyPhase;
use crate::value_source::{Header, ValueSource};
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a service that keeps conversations is.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Memory",
    plural = "memories",
    namespaced,
    status = "MemoryStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A service that keeps conversations."
)]
#[serde(rename_all = "camelCase", default)]
pub struct MemorySpec {
    /// Its address.
    pub address: ValueSource,
    /// Headers of every request. Only in dialect `Target`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What the controller found out about a Memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MemoryStatus {
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
