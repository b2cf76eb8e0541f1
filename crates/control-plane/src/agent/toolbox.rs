//! The tools of one agent: what its model is told about them, and what is called in their name.

use std::sync::Arc;

use query_api::{
    agent::{Agent, AgentTool, AgentToolType},
    tool::{Tool, ToolType},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    execution::{
        error::TargetError,
        run::{TargetRun, http_of},
    },
    tool::error::ToolError,
};

/// The tools of one agent.
#[derive(Debug, Default)]
pub(crate) struct Toolbox {
    tools: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    description: Option<String>,
    schema: Option<Value>,
    callee: Callee,
}

#[derive(Debug)]
enum Callee {
    Noop,
    Terminate,
    Http(Arc<Tool>),
}

/// What came of a tool call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its output.
    Output(String),
    /// The agent is to end with this answer.
    Terminated(String),
}

#[derive(Serialize)]
struct Definition<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    parameters: Value,
}

impl Toolbox {
    /// Loads the tools of an agent; one that cannot be called fails the agent before its model is asked anything.
    pub(crate) async fn load(run: &TargetRun<'_>, agent: &Agent) -> Result<Self, TargetError> {
        let mut tools = Vec::with_capacity(agent.spec.tools.len());
        for tool in &agent.spec.tools {
            tools.push(entry(run, tool).await?);
        }
        Ok(Self { tools })
    }

    /// `,"tools":[…]` for the body of a request; empty if there are none.
    pub(crate) fn closing(&self) -> Vec<u8> {
        if self.tools.is_empty() {
            return Vec::new();
        }
        let definitions: Vec<Definition<'_>> = self.tools.iter().map(Entry::definition).collect();
        let mut closing = br#","tools":"#.to_vec();
        serde_json::to_writer(&mut closing, &definitions)
            .expect("definitions are JSON, and a vector takes all bytes");
        closing
    }

    /// Calls a tool with the arguments that the model wrote.
    pub(crate) async fn call(
        &self,
        run: &TargetRun<'_>,
        name: &str,
        arguments: &str,
    ) -> Result<Outcome, ToolError> {
        let entry = self.tools.iter().find(|entry| entry.name == name);
        // What the model made up is not counted either: its names would be without bound.
        let entry = entry.ok_or(ToolError::Unknown)?;
        let _timer = run.tool_call_started(name, entry.callee.kind());
        match &entry.callee {
            Callee::Noop => Ok(Outcome::Output(arguments.to_owned())),
            Callee::Terminate => {
                let arguments = object(arguments)?;
                let response = arguments.get("response").and_then(Value::as_str);
                let response = response.unwrap_or_default().to_owned();
                Ok(Outcome::Terminated(response))
            }
            Callee::Http(tool) => {
                let http = http_of(run.namespace(), name, tool);
                let http = http.map_err(|error| ToolError::Value(Box::new(error)))?;
                let output = run.call_tool(name, http, &object(arguments)?).await;
                output.map(Outcome::Output)
            }
        }
    }
}

impl Callee {
    fn kind(&self) -> &'static ToolType {
        match self {
            Self::Noop | Self::Terminate => &ToolType::Builtin,
            Self::Http(_) => &ToolType::Http,
        }
    }
}

impl Entry {
    fn definition(&self) -> Definition<'_> {
        let any_object = || json!({"type": "object", "properties": {}});
        Definition {
            r#type: "function",
            function: Function {
                name: &self.name,
                description: self.description.as_deref(),
                parameters: self.schema.clone().unwrap_or_else(any_object),
            },
        }
    }
}

/// The arguments as an object; a model that needs none may write nothing.
fn object(arguments: &str) -> Result<Map<String, Value>, ToolError> {
    if arguments.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(arguments).map_err(|error| ToolError::Arguments(error.to_string()))
}

async fn entry(run: &TargetRun<'_>, tool: &AgentTool) -> Result<Entry, TargetError> {
    let name = tool.name.clone().unwrap_or_default();
    let unsupported = |what: String| Err(TargetError::Unsupported { what });
    if tool.partial.is_some() {
        return unsupported(format!("partial tool `{name}`"));
    }
    if let Some(function) = tool.functions.first() {
        return unsupported(format!("filter `{}` of tool `{name}`", function.name));
    }
    let kind = tool.r#type.as_ref();
    let mut entry = match kind {
        Some(AgentToolType::BuiltIn | AgentToolType::Builtin) => built_in(name)?,
        None | Some(AgentToolType::Custom | AgentToolType::Http) => {
            let object = run.resources().tool(run.namespace(), &name).await?;
            custom(name, object)?
        }
        Some(kind) => return unsupported(format!("{kind} tool `{name}`")),
    };
    entry.description = tool.description.clone().or(entry.description);
    Ok(entry)
}

fn built_in(name: String) -> Result<Entry, TargetError> {
    match &*name {
        "noop" => Ok(Entry {
            description: Some("Does nothing and returns its arguments.".to_owned()),
            schema: Some(json!({
                "type": "object",
                "properties": {"message": {"type": "string"}},
            })),
            callee: Callee::Noop,
            name,
        }),
        "terminate" => Ok(Entry {
            description: Some("Ends the conversation with a final response.".to_owned()),
            schema: Some(json!({
                "type": "object",
                "properties": {"response": {"type": "string"}},
                "required": ["response"],
            })),
            callee: Callee::Terminate,
            name,
        }),
        _ => Err(TargetError::Unsupported {
            what: format!("built-in tool `{name}`"),
        }),
    }
}

fn custom(name: String, tool: Arc<Tool>) -> Result<Entry, TargetError> {
    match &tool.spec.r#type {
        Some(ToolType::Builtin) => built_in(name),
        _ => {
            let namespace = tool.metadata.namespace.as_deref().unwrap_or_default();
            http_of(namespace, &name, &tool)?;
            Ok(Entry {
                name,
                description: tool.spec.description.clone(),
                schema: tool.spec.input_schema.clone(),
                callee: Callee::Http(tool),
            })
        }
    }
}
