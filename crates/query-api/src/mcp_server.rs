//! The MCPServer: a server whose tools become Tool objects.

use crate::go_duration::GoDuration;
use crate::text_enum::text_enum;
use crate::value_source::{Header, ValueSource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a server of tools is and how to speak with it.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[serde(rename_all = "camelCase", default)]
pub struct MCPServerSpec {
    /// Its address.
    pub address: ValueSource,
    /// Headers of every request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// A duration, but a plain string upstream; the schema's default is `30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The transport; the schema's default is HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// What the server offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How often its tools are listed; the schema's default is one minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<GoDuration>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MCPServerStatus {
    /// The address that `address` came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_address: Option<String>,
    /// How many tools the server listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_count: Option<i64>,
    /// `Ready` and `Discovering`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}
