//! The Agent: a model with a prompt and tools.

use crate::text_enum::text_enum;
use crate::value_source::{HeaderOverride, ObjectRef, Parameter};
use crate::wire::{Unknown, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use serde_json::Value;

/// What an agent is told, which model it uses and which tools it may call.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Agent",
    plural = "agents",
    namespaced,
    status = "AgentStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A model with a prompt and tools."
)]
pub struct AgentSpec {
    /// The system prompt, a template if there are parameters.
    pub prompt: Option<String>,
    /// What the agent is good for, for people and for other agents.
    pub description: Option<String>,
    /// The Model; unset means the one named `default`.
    pub model_ref: Option<ObjectRef>,
    /// Who runs the agent; unset means the controller's own loop.
    pub execution_engine: Option<ObjectRef>,
    /// The tools that it may call.
    pub tools: Vec<AgentTool>,
    /// Values for the template in `prompt`.
    pub parameters: Vec<Parameter>,
    /// The JSON schema that an answer must meet; unset means free text.
    pub output_schema: Option<Value>,
    /// Headers for the calls of models and MCP servers. Only in dialect `Target`.
    pub overrides: Vec<HeaderOverride>,
    /// A pod template for an agent that runs by itself. Only in dialect `Target`.
    pub pod: Option<Value>,
    /// A pod template for an agent that speaks A2A. Only in dialect `Target`.
    pub a2a_pod: Option<Value>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    AgentSpec in spec {
        "prompt" => prompt,
        "description" => description,
        "modelRef" => model_ref,
        "executionEngine" => execution_engine,
        "tools" => tools,
        "parameters" => parameters,
        "outputSchema" => output_schema,
        "overrides" => overrides,
        "pod" => pod,
        "a2aPod" => a2a_pod,
    }
}

/// A tool that an agent may call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentTool {
    /// Where the tool comes from.
    pub r#type: Option<AgentToolType>,
    /// The tool; for the older types always set.
    pub name: Option<String>,
    /// What the agent is told about the tool, instead of the tool's own words. Only in dialect `Target`.
    pub description: Option<String>,
    /// Filters for the tool's answer.
    pub functions: Vec<ToolFunction>,
    /// Another tool with some parameters already given. Only in dialect `Target`.
    pub partial: Option<PartialTool>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    AgentTool {
        "type" => r#type,
        "name" => name,
        "description" => description,
        "functions" => functions,
        "partial" => partial,
    }
}

text_enum! {
    /// Where an agent's tool comes from.
    AgentToolType {
        /// Part of the controller: `noop` or `terminate`.
        BuiltIn = "built-in",
        /// The newer spelling of the same.
        Builtin = "builtin",
        /// A Tool object.
        Custom = "custom",
        /// A tool of an MCP server.
        Mcp = "mcp",
        /// An HTTP call.
        Http = "http",
        /// Another agent.
        Agent = "agent",
        /// A team.
        Team = "team",
    }
}

/// A filter for a tool's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolFunction {
    /// The language of the filter; `jq` is the only one known.
    pub name: String,
    /// The filter.
    pub value: Option<String>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ToolFunction {
        "name" => name,
        "value" => value,
    }
}

/// A tool with some parameters already given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartialTool {
    /// The tool.
    pub name: Option<String>,
    /// The parameters that the model cannot choose.
    pub parameters: Vec<Parameter>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    PartialTool {
        "name" => name,
        "parameters" => parameters,
    }
}

/// What the controller found out about an Agent; empty in dialect `Targets`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentStatus {
    /// `Available`. Only in dialect `Target`.
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    AgentStatus in status {
        "conditions" => conditions,
    }
}
