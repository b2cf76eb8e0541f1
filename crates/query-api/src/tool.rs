//! The Tool: something that an agent can call, over HTTP or at an MCP server.

use crate::text_enum::text_enum;
use crate::value_source::{Header, ObjectRef, Parameter};
use crate::wire::{Unknown, wire_object};
use kube::CustomResource;
use serde_json::Value;

/// What a tool does, what it takes and how it is called.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
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
pub struct ToolSpec {
    /// How the tool is called.
    pub r#type: Option<ToolType>,
    /// What the tool does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments; unset means any object.
    pub input_schema: Option<Value>,
    /// Hints about what a call does to the world.
    pub annotations: Option<ToolAnnotations>,
    /// Set for type `http`.
    pub http: Option<HttpTool>,
    /// Set for type `mcp`.
    pub mcp: Option<McpTool>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ToolSpec in spec {
        "type" => r#type,
        "description" => description,
        "inputSchema" => input_schema,
        "annotations" => annotations,
        "http" => http,
        "mcp" => mcp,
    }
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolAnnotations {
    /// It may destroy something.
    pub destructive_hint: Option<bool>,
    /// Twice does no more than once.
    pub idempotent_hint: Option<bool>,
    /// It reaches beyond a closed set of things.
    pub open_world_hint: Option<bool>,
    /// It changes nothing.
    pub read_only_hint: Option<bool>,
    /// A name for people.
    pub title: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ToolAnnotations {
        "destructiveHint" => destructive_hint,
        "idempotentHint" => idempotent_hint,
        "openWorldHint" => open_world_hint,
        "readOnlyHint" => read_only_hint,
        "title" => title,
    }
}

/// An HTTP request with places for arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpTool {
    /// The address; `{name}` stands for the argument of that name.
    pub url: String,
    /// The method; the schema's default is GET.
    pub method: Option<HttpMethod>,
    /// Headers of the request.
    pub headers: Vec<Header>,
    /// Digits with `s`, `m` or `h`; a plain string upstream. Unset means 30 seconds.
    pub timeout: Option<String>,
    /// The template of the body, for POST, PUT and PATCH.
    pub body: Option<String>,
    /// Values for the template in `body`.
    pub body_parameters: Vec<Parameter>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    HttpTool {
        "url" => url,
        "method" => method,
        "headers" => headers,
        "timeout" => timeout,
        "body" => body,
        "bodyParameters" => body_parameters,
    }
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct McpTool {
    /// The server.
    pub mcp_server_ref: ObjectRef,
    /// The server's name of the tool.
    pub tool_name: String,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    McpTool {
        "mcpServerRef" => mcp_server_ref,
        "toolName" => tool_name,
    }
}

/// What the controller found out about a Tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolStatus {
    /// `Ready`, or empty; not a phase.
    pub state: Option<String>,
    /// Why the state is what it is.
    pub message: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ToolStatus in status {
        "state" => state,
        "message" => message,
    }
}
