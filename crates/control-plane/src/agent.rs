//! The agent loop: ask the model, call the tools it wants, tell it what they said, and ask again.
//!
//! Where we differ from upstream's loop, and why:
//! - The number of turns is capped; upstream goes on until the target's time is up.
//! - A failing or unknown tool is told to the model, which may mend its arguments or do without; upstream fails the
//!   whole Query, and so one slow tool makes a thousand paid model calls worthless. [`OnToolError`] switches.
//! - The built-in tool `terminate` ends a lone agent with its `response` as the answer; upstream reports an error.

mod toolbox;

use query_api::{agent::Agent, query::TokenUsage};
use serde_json::json;

use crate::{
    agent::toolbox::{Outcome, Toolbox},
    execution::{
        Answer,
        error::TargetError,
        run::{ModelName, TargetRun},
    },
    llm::conversation::Conversation,
    resources::Owner,
    template::render,
};

/// The longest name of a response format that providers take.
const MAX_FORMAT_NAME: usize = 64;

/// How agents are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// The most turns of one agent, each of which is one model call.
    pub max_turns: usize,
    /// What a failing tool means.
    pub on_tool_error: OnToolError,
}

/// What a failing tool means for the agent that called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnToolError {
    /// Its model is told.
    #[default]
    TellModel,
    /// The agent fails, as upstream's does.
    FailTarget,
}

impl Default for AgentConfig {
    fn default() -> Self {
        Self {
            max_turns: 32,
            on_tool_error: OnToolError::default(),
        }
    }
}

/// Runs one agent to its answer.
pub(crate) async fn run(run: &TargetRun<'_>, name: &str) -> Result<Answer, TargetError> {
    let agent = run.resources().agent(run.namespace(), name).await?;
    let spec = &agent.spec;
    if let Some(engine) = &spec.execution_engine {
        let what = format!("execution engine `{}` of agent `{name}`", engine.name);
        return Err(TargetError::Unsupported { what });
    }
    let toolbox = Toolbox::load(run, &agent).await?;
    let mut conversation = Conversation::new();
    if let Some(prompt) = prompt(run, name, &agent).await? {
        conversation.system(&prompt);
    }
    run.say_input(&mut conversation).await?;
    let mut closing = toolbox.closing();
    push_response_format(&mut closing, run.namespace(), name, &agent);
    let model = ModelName::of_agent(run.namespace(), spec.model_ref.as_ref());
    let config = &run.config().agent;
    let mut usage = TokenUsage::default();
    for _turn in 0..config.max_turns {
        let asked = run.ask(&model, &conversation, &closing, &spec.overrides);
        let completion = asked.await?;
        usage += completion.usage;
        if completion.tool_calls.is_empty() {
            let content = completion.content;
            return Ok(Answer { content, usage });
        }
        conversation.assistant(&completion, &speaker(name));
        for call in &completion.tool_calls {
            match toolbox.call(run, &call.name, &call.arguments).await {
                Ok(Outcome::Output(output)) => conversation.tool(call, &output),
                Ok(Outcome::Terminated(content)) => return Ok(Answer { content, usage }),
                Err(error) if config.on_tool_error == OnToolError::TellModel => {
                    let told = format!("error: tool `{}` failed: {error}", call.name);
                    conversation.tool(call, &told);
                }
                Err(source) => {
                    let name = call.name.clone();
                    return Err(TargetError::Tool { name, source });
                }
            }
        }
    }
    Err(TargetError::TooManyTurns {
        name: name.to_owned(),
        cap: config.max_turns,
    })
}

/// The system prompt, filled in; `None` if the agent has none.
async fn prompt(
    run: &TargetRun<'_>,
    name: &str,
    agent: &Agent,
) -> Result<Option<String>, TargetError> {
    let Some(prompt) = agent.spec.prompt.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if agent.spec.parameters.is_empty() {
        return Ok(Some(prompt.to_owned()));
    }
    let owner = Owner {
        kind: "agent",
        namespace: run.namespace(),
        name,
    };
    let of_query = run.query_parameters().await?;
    let parameters = run
        .resources()
        .parameters(owner, &agent.spec.parameters, &of_query);
    let parameters = parameters.await?;
    let filled = render(prompt, |path| match path {
        [name] => parameters.get(*name).map(ToString::to_string),
        _ => None,
    });
    let filled = filled.map_err(|error| owner.invalid(&error))?;
    Ok(Some(filled.into_owned()))
}

/// Asks for an answer that meets the agent's output schema, if it has one.
fn push_response_format(closing: &mut Vec<u8>, namespace: &str, name: &str, agent: &Agent) {
    let Some(schema) = &agent.spec.output_schema else {
        return;
    };
    let format_name = format!("namespace-{namespace}-agent-{name}");
    let format_name: String = format_name.chars().take(MAX_FORMAT_NAME).collect();
    let format = json!({
        "type": "json_schema",
        "json_schema": {"name": speaker(&format_name), "schema": schema},
    });
    closing.extend_from_slice(br#","response_format":"#);
    closing.extend_from_slice(format.to_string().as_bytes());
}

/// A name that providers take: no dots, which names of Kubernetes objects may have.
fn speaker(name: &str) -> String {
    name.replace('.', "-")
}
