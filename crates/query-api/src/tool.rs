//! The Tool: something that an agent can call, over HTTP or at an MCP server.

use crate::text_enum::text_enum;
use crate::value_source::{Header, ObjectRef, Parameter};
use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a tool does, what it takes and how it is called.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Tool",
    plural = "tools",
    namespaced,
    status = "ToolStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "Something that an agent can call."
)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolSpec {
    /// How the tool is called.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ToolType>,
    /// What the tool does, for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments; unset means any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Value>,
    /// Hints about what a call does to the world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ToolAnnotations>,
    /// Set for type `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpTool>,
    /// Set for type `mcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp: Option<McpTool>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

text_enum! {
    /// How a tool is called.
    ToolType {
        /// An HTTP request.
        Http = "http",
        /// A call at an MCP server.
        Mcp = "mcp",
        /// An agent is asked. Only in dialect `Target`.
        Agent = "agent",
        /// A team is asked. Only in dialect `Target`.
        Team = "team",
        /// Part of the controller. Only in dialect `Target`.
        Builtin = "builtin",
    }
}

/// Hints about what a call of a tool does to the world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolAnnotations {
    /// It may destroy something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// Twice does no more than once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It reaches beyond a closed set of things.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
    /// It changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// An HTTP request with places for arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpTool {
    /// The address; `{name}` stands for the argument of that name.
    pub url: String,
    /// The method; the schema's default is GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Digits with `s`, `m` or `h`; a plain string upstream. Unset means 30 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// The template of the body, for POST, PUT and PATCH.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Values for the template in `body`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub body_parameters: Vec<Parameter>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

text_enum! {
    /// An HTTP method.
    HttpMethod {
        /// GET.
        Get = "GET",
        /// POST.
        Post = "POST",
        /// PUT.
        Put = "PUT",
        /// DELETE.
        Delete = "DELETE",
        /// PATCH.
        Patch = "PATCH",
    }
}

/// A tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct McpTool {
    /// The server.
    pub mcp_server_ref: ObjectRef,
    /// The server's name of the tool.
    pub tool_name: String,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What the controller found out about a Tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolStatus {
    /// `Ready`, or empty; not a phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why the state is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}
