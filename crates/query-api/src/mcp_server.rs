//! The MCPServer: a server whose tools become Tool objects.

use crate::go_duration::GoDuration;
use crate::text_enum::text_enum;
use crate::value_source::{Header, ValueSource};
use crate::wire::{Unknown, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;

/// Where a server of tools is and how to speak with it.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "MCPServer",
    plural = "mcpservers",
    namespaced,
    status = "MCPServerStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A server whose tools become Tool objects."
)]
pub struct MCPServerSpec {
    /// Its address.
    pub address: ValueSource,
    /// Headers of every request.
    pub headers: Vec<Header>,
    /// A duration, but a plain string upstream; the schema's default is `30s`.
    pub timeout: Option<String>,
    /// The transport; the schema's default is HTTP.
    pub transport: Option<Transport>,
    /// What the server offers.
    pub description: Option<String>,
    /// How often its tools are listed; the schema's default is one minute.
    pub poll_interval: Option<GoDuration>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    MCPServerSpec in spec {
        "address" => address,
        "headers" => headers,
        "timeout" => timeout,
        "transport" => transport,
        "description" => description,
        "pollInterval" => poll_interval,
    }
}

text_enum! {
    /// How an MCP server is spoken with.
    Transport {
        /// Streamable HTTP.
        Http = "http",
        /// Server-sent events.
        Sse = "sse",
    }
}

/// What the controller found out about an MCPServer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MCPServerStatus {
    /// The address that `address` came to.
    pub resolved_address: Option<String>,
    /// How many tools the server listed.
    pub tool_count: Option<i64>,
    /// `Ready` and `Discovering`.
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    MCPServerStatus in status {
        "resolvedAddress" => resolved_address,
        "toolCount" => tool_count,
        "conditions" => conditions,
    }
}
