//! One target being run: what models, agents and tools have in common.

use std::{borrow::Cow, collections::BTreeMap, fmt::Display, sync::Arc};

use query_api::{
    query::{InputType, Query, Target, TargetKind},
    tool::{HttpTool, Tool, ToolType},
    value_source::{HeaderOverride, ObjectRef},
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    agent,
    execution::{Answer, error::TargetError, executor::Executor},
    llm::{Call, Trace, completion::Completion, conversation::Conversation, endpoint::Endpoint},
    metrics::ToolCallTimer,
    resources::{Owner, Resources},
    template::render,
    tool::{ToolRequest, error::ToolError},
};

use super::executor::ExecutionConfig;

/// The Model that an agent without a reference uses.
const DEFAULT_MODEL: &str = "default";

/// One target being run.
#[derive(Debug)]
pub(crate) struct TargetRun<'a> {
    executor: &'a Executor,
    namespace: &'a str,
    query: &'a Query,
    trace: Trace,
    deadline: Instant,
}

/// A Model by its full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelName {
    namespace: String,
    name: String,
}

impl ModelName {
    /// The Model that an agent refers to; without a reference the one named `default` beside it.
    pub(crate) fn of_agent(namespace: &str, reference: Option<&ObjectRef>) -> Self {
        let of_reference = reference.and_then(|reference| reference.namespace.as_deref());
        Self {
            namespace: of_reference.unwrap_or(namespace).to_owned(),
            name: reference
                .map_or(DEFAULT_MODEL, |reference| &reference.name)
                .to_owned(),
        }
    }
}

impl<'a> TargetRun<'a> {
    /// The run of target number `index`, which starts now.
    pub(crate) fn new(
        executor: &'a Executor,
        namespace: &'a str,
        query: &'a Query,
        index: usize,
    ) -> Self {
        let name = query.metadata.name.as_deref().unwrap_or_default();
        Self {
            executor,
            namespace,
            query,
            trace: Trace::new(namespace, name, index),
            deadline: Instant::now() + executor.timeout(query),
        }
    }

    /// Runs the target to its answer.
    pub(crate) async fn answer(&self, target: &Target) -> Result<Answer, TargetError> {
        if let Some(memory) = &self.query.spec.memory {
            let what = format!("memory `{}`", memory.name);
            return Err(TargetError::Unsupported { what });
        }
        match target.kind {
            TargetKind::Model => self.model(&target.name).await,
            // The other kinds are boxed, so that a model target's future stays small.
            TargetKind::Agent => Box::pin(agent::run(self, &target.name)).await,
            TargetKind::Tool => Box::pin(self.tool(&target.name)).await,
            TargetKind::Team => Err(TargetError::Unsupported {
                what: format!("team `{}`", target.name),
            }),
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        self.namespace
    }

    pub(crate) fn resources(&self) -> &Resources {
        self.executor.resources()
    }

    pub(crate) fn config(&self) -> &ExecutionConfig {
        self.executor.config()
    }

    /// The values of the Query's parameters.
    pub(crate) async fn query_parameters(&self) -> Result<BTreeMap<String, Arc<str>>, TargetError> {
        let parameters = &self.query.spec.parameters;
        let none = BTreeMap::new();
        self.resources()
            .parameters(self.owner(), parameters, &none)
            .await
    }

    /// Adds what the user says.
    pub(crate) async fn say_input(
        &self,
        conversation: &mut Conversation,
    ) -> Result<(), TargetError> {
        if self.query.spec.r#type == Some(InputType::Messages) {
            let Value::Array(messages) = &self.query.spec.input else {
                return Err(invalid_query(&"its input is not a list of messages"));
            };
            for message in messages {
                conversation.raw(message);
            }
            return Ok(());
        }
        conversation.user(&self.input().await?);
        Ok(())
    }

    /// Asks a model, once more with a fresh key if it refuses the one that was cached.
    pub(crate) async fn ask(
        &self,
        model: &ModelName,
        conversation: &Conversation,
        closing: &[u8],
        overrides: &[HeaderOverride],
    ) -> Result<Completion, TargetError> {
        let ModelName { namespace, name } = model;
        let endpoint = self.resources().endpoint(namespace, name).await?;
        let refused = match self.call(&endpoint, conversation, closing, overrides).await {
            Err(TargetError::Llm(error)) if is_unauthorized(&error) => error,
            result => return result,
        };
        self.resources().forget(namespace, name);
        let fresh = Box::pin(self.resources().endpoint(namespace, name)).await?;
        if fresh.headers() == endpoint.headers() {
            return Err(refused.into());
        }
        Box::pin(self.call(&fresh, conversation, closing, overrides)).await
    }

    /// Times the call of a tool until the guard is dropped.
    pub(crate) fn tool_call_started<'t>(
        &'t self,
        name: &'t str,
        kind: &'t ToolType,
    ) -> ToolCallTimer<'t> {
        let metrics = self.executor.metrics();
        metrics.tool_call_started(name, kind.as_str())
    }

    /// Calls an HTTP tool. The caller times it, who knows what else belongs to the call.
    pub(crate) async fn call_tool(
        &self,
        name: &str,
        http: &HttpTool,
        arguments: &Map<String, Value>,
    ) -> Result<String, ToolError> {
        let owner = Owner {
            kind: "tool",
            namespace: self.namespace,
            name,
        };
        let lookup = |error: TargetError| ToolError::Value(Box::new(error));
        let headers = self
            .resources()
            .headers(owner, &http.headers)
            .await
            .map_err(lookup)?;
        let of_query = self.query_parameters().await.map_err(lookup)?;
        let parameters = &http.body_parameters;
        let body_values = self
            .resources()
            .parameters(owner, parameters, &of_query)
            .await;
        let request = ToolRequest {
            tool: http,
            arguments,
            headers: &headers,
            body_values: &body_values.map_err(lookup)?,
            trace: &self.trace,
        };
        self.executor.tools().call(&request).await
    }

    async fn model(&self, name: &str) -> Result<Answer, TargetError> {
        let mut conversation = Conversation::new();
        self.say_input(&mut conversation).await?;
        let model = ModelName {
            namespace: self.namespace.to_owned(),
            name: name.to_owned(),
        };
        let completion = self.ask(&model, &conversation, b"", &[]).await?;
        Ok(Answer {
            content: completion.content,
            usage: completion.usage,
        })
    }

    async fn tool(&self, name: &str) -> Result<Answer, TargetError> {
        let tool = self.resources().tool(self.namespace, name).await?;
        let http = http_of(self.namespace, name, &tool)?;
        let input = self.input().await?;
        let arguments = match serde_json::from_str(&input) {
            Ok(Value::Object(arguments)) => arguments,
            _ => Map::from_iter([("input".to_owned(), Value::from(&*input))]),
        };
        let _timer = self.tool_call_started(name, &ToolType::Http);
        let output = self.call_tool(name, http, &arguments).await;
        let content = output.map_err(|source| TargetError::Tool {
            name: name.to_owned(),
            source,
        })?;
        Ok(Answer {
            content,
            ..Answer::default()
        })
    }

    /// The input as text: literal without parameters, else a template.
    async fn input(&self) -> Result<Cow<'_, str>, TargetError> {
        let input = self.query.spec.input_text();
        if self.query.spec.parameters.is_empty() {
            return Ok(input);
        }
        let parameters = Box::pin(self.query_parameters()).await?;
        let filled = render(&input, |path| match path {
            [name] => parameters.get(*name).map(ToString::to_string),
            _ => None,
        });
        let filled = filled.map_err(|error| invalid_query(&error))?.into_owned();
        Ok(Cow::Owned(filled))
    }

    async fn call(
        &self,
        endpoint: &Endpoint,
        conversation: &Conversation,
        closing: &[u8],
        overrides: &[HeaderOverride],
    ) -> Result<Completion, TargetError> {
        let body = conversation.body(endpoint, closing);
        let of_query = &self.query.spec.overrides;
        let own;
        let endpoint = if overrides.is_empty() && of_query.is_empty() {
            endpoint
        } else {
            own = Box::pin(self.overridden(endpoint, &[overrides, of_query])).await?;
            &own
        };
        let call = Call {
            endpoint,
            body,
            trace: &self.trace,
            deadline: Some(self.deadline),
        };
        let provider = endpoint.provider().as_str();
        let metrics = self.executor.metrics();
        let timer = metrics.llm_call_started(endpoint.model(), provider);
        let called = self.executor.llm().complete(&call).await;
        timer.ended(called.took);
        Ok(called.result?)
    }

    /// The endpoint with the headers that an agent and then the Query add.
    async fn overridden(
        &self,
        endpoint: &Endpoint,
        overrides: &[&[HeaderOverride]],
    ) -> Result<Endpoint, TargetError> {
        let mut endpoint = endpoint.clone();
        for overrides in overrides {
            let headers = self
                .resources()
                .model_headers(self.owner(), overrides)
                .await?;
            for (name, value) in headers {
                let bad = || invalid_query(&format!("its header `{name}` cannot be sent"));
                let header = name.parse().map_err(|_| bad())?;
                endpoint.with_header(header, value.trim().parse().map_err(|_| bad())?);
            }
        }
        Ok(endpoint)
    }

    fn owner(&self) -> Owner<'_> {
        Owner {
            kind: "query",
            namespace: self.namespace,
            name: self.query.metadata.name.as_deref().unwrap_or_default(),
        }
    }
}

/// What an HTTP tool says of its calls; an error if the tool is no such one.
pub(crate) fn http_of<'t>(
    namespace: &str,
    name: &str,
    tool: &'t Tool,
) -> Result<&'t HttpTool, TargetError> {
    if let Some(kind) = tool
        .spec
        .r#type
        .as_ref()
        .filter(|kind| **kind != ToolType::Http)
    {
        let what = format!("{kind} tool `{name}`");
        return Err(TargetError::Unsupported { what });
    }
    let owner = Owner {
        kind: "tool",
        namespace,
        name,
    };
    let http = tool.spec.http.as_ref();
    http.ok_or_else(|| owner.invalid(&"it has no `http`"))
}

fn is_unauthorized(error: &crate::llm::error::LlmError) -> bool {
    error.status() == Some(http::StatusCode::UNAUTHORIZED)
}

fn invalid_query(reason: &dyn Display) -> TargetError {
    TargetError::InvalidQuery {
        reason: reason.to_string(),
    }
}
