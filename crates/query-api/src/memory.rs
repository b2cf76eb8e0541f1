//! The Memory: a service that keeps conversations.

use crate::model::ReadyPhase;
use crate::value_source::{Header, ValueSource};
use crate::wire::{Unknown, wire_object};
use kube::CustomResource;

/// Where a service that keeps conversations is.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
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
pub struct MemorySpec {
    /// Its address.
    pub address: ValueSource,
    /// Headers of every request. Only in dialect `Target`.
    pub headers: Vec<Header>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    MemorySpec in spec {
        "address" => address,
        "headers" => headers,
    }
}

/// What the controller found out about a Memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryStatus {
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
    MemoryStatus in status {
        "lastResolvedAddress" => last_resolved_address,
        "phase" => phase,
        "message" => message,
    }
}
