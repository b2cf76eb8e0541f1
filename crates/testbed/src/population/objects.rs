//! What a Query needs, from adjectives: Models, Agents, Tools and Secrets.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, SecretKeySelector};
use kube::api::ObjectMeta;
use query_api::agent::{Agent, AgentSpec, AgentTool, AgentToolType};
use query_api::model::{Model, ModelConfig, ModelSpec, ModelType, OpenAiConfig};
use query_api::tool::{HttpMethod, HttpTool, Tool, ToolSpec, ToolType};
use query_api::value_source::{ObjectRef, ValueFrom, ValueSource};
use serde_json::Value;
use std::collections::BTreeMap;

/// The entry of a Secret under which our Models look for their key.
pub const KEY_OF_SECRET: &str = "token";

/// Begins a Model of this name, of type `openai`, in namespace `default`.
pub fn model(name: &str) -> ModelBuilder {
    let config = ModelConfig {
        openai: Some(OpenAiConfig::default()),
        ..ModelConfig::default()
    };
    let spec = ModelSpec {
        model: literal("stub-model"),
        r#type: Some(ModelType::OpenAi),
        config,
        ..ModelSpec::default()
    };
    let mut model = Model::new(name, spec);
    model.metadata.namespace = Some("default".to_owned());
    ModelBuilder { model }
}

/// Begins an Agent of this name, with the Model `default`, in namespace `default`.
pub fn agent(name: &str) -> AgentBuilder {
    let mut agent = Agent::new(name, AgentSpec::default());
    agent.metadata.namespace = Some("default".to_owned());
    AgentBuilder { agent }
}

/// Begins an HTTP Tool of this name, in namespace `default`, that takes any object.
pub fn tool(name: &str) -> ToolBuilder {
    let spec = ToolSpec {
        r#type: Some(ToolType::Http),
        http: Some(HttpTool::default()),
        ..ToolSpec::default()
    };
    let mut tool = Tool::new(name, spec);
    tool.metadata.namespace = Some("default".to_owned());
    ToolBuilder { tool }
}

/// Begins a Secret of this name, in namespace `default`, with a key for a Model.
pub fn secret(name: &str) -> SecretBuilder {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some("default".to_owned()),
        ..ObjectMeta::default()
    };
    let secret = Secret {
        metadata,
        ..Secret::default()
    };
    SecretBuilder { secret }.with_entry(KEY_OF_SECRET, "stub-key")
}

/// A Model in the making.
#[derive(Clone, Debug)]
#[must_use = "a Model comes out of `build`"]
pub struct ModelBuilder {
    model: Model,
}

impl ModelBuilder {
    /// Puts it into this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.model.metadata.namespace = Some(namespace.to_owned());
        self
    }

    /// Stands at this address, to which `/chat/completions` is appended.
    pub fn at(mut self, base_url: &str) -> Self {
        self.openai().base_url = literal(base_url);
        self
    }

    /// Is called so by its provider.
    pub fn called(mut self, name: &str) -> Self {
        self.model.spec.model = literal(name);
        self
    }

    /// Takes its key from this Secret of its namespace.
    pub fn with_key_in(mut self, secret: &str) -> Self {
        self.openai().api_key = ValueSource {
            value_from: Some(ValueFrom {
                secret_key_ref: Some(SecretKeySelector {
                    name: secret.to_owned(),
                    key: KEY_OF_SECRET.to_owned(),
                    optional: None,
                }),
                ..ValueFrom::default()
            }),
            ..ValueSource::default()
        };
        self
    }

    /// Has its key in itself, so that no Secret is read.
    pub fn with_key(mut self, key: &str) -> Self {
        self.openai().api_key = literal(key);
        self
    }

    /// The Model.
    #[must_use]
    pub fn build(self) -> Model {
        self.model
    }

    fn openai(&mut self) -> &mut OpenAiConfig {
        self.model.spec.config.openai.get_or_insert_default()
    }
}

/// An Agent in the making.
#[derive(Clone, Debug)]
#[must_use = "an Agent comes out of `build`"]
pub struct AgentBuilder {
    agent: Agent,
}

impl AgentBuilder {
    /// Puts it into this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.agent.metadata.namespace = Some(namespace.to_owned());
        self
    }

    /// Is told this.
    pub fn with_prompt(mut self, prompt: &str) -> Self {
        self.agent.spec.prompt = Some(prompt.to_owned());
        self
    }

    /// Uses this Model of its namespace.
    pub fn with_model(mut self, name: &str) -> Self {
        self.agent.spec.model_ref = Some(ObjectRef {
            name: name.to_owned(),
            namespace: None,
        });
        self
    }

    /// May call this Tool of its namespace.
    pub fn with_tool(mut self, name: &str) -> Self {
        self.agent.spec.tools.push(AgentTool {
            r#type: Some(AgentToolType::Custom),
            name: Some(name.to_owned()),
            ..AgentTool::default()
        });
        self
    }

    /// May call this tool, which is part of the controller.
    pub fn with_built_in(mut self, name: &str) -> Self {
        self.agent.spec.tools.push(AgentTool {
            r#type: Some(AgentToolType::BuiltIn),
            name: Some(name.to_owned()),
            ..AgentTool::default()
        });
        self
    }

    /// Carries this label, by which a selector may find it.
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        let labels = self.agent.metadata.labels.get_or_insert_default();
        labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The Agent.
    #[must_use]
    pub fn build(self) -> Agent {
        self.agent
    }
}

/// A Tool in the making.
#[derive(Clone, Debug)]
#[must_use = "a Tool comes out of `build`"]
pub struct ToolBuilder {
    tool: Tool,
}

impl ToolBuilder {
    /// Puts it into this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.tool.metadata.namespace = Some(namespace.to_owned());
        self
    }

    /// Is called at this address, in which `{name}` stands for an argument.
    pub fn at(mut self, url: &str) -> Self {
        self.http().url = url.to_owned();
        self
    }

    /// Is called by POST with this body, a template.
    pub fn posting(mut self, body: &str) -> Self {
        self.http().method = Some(HttpMethod::Post);
        self.http().body = Some(body.to_owned());
        self
    }

    /// Takes so long at most; digits with `s`, `m` or `h`.
    pub fn with_timeout(mut self, timeout: &str) -> Self {
        self.http().timeout = Some(timeout.to_owned());
        self
    }

    /// Does this, in words for the model.
    pub fn described(mut self, text: &str) -> Self {
        self.tool.spec.description = Some(text.to_owned());
        self
    }

    /// Takes arguments of this JSON schema.
    pub fn taking(mut self, schema: Value) -> Self {
        self.tool.spec.input_schema = Some(schema);
        self
    }

    /// The Tool.
    #[must_use]
    pub fn build(self) -> Tool {
        self.tool
    }

    fn http(&mut self) -> &mut HttpTool {
        self.tool.spec.http.get_or_insert_default()
    }
}

/// A Secret in the making.
#[derive(Clone, Debug)]
#[must_use = "a Secret comes out of `build`"]
pub struct SecretBuilder {
    secret: Secret,
}

impl SecretBuilder {
    /// Puts it into this namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.secret.metadata.namespace = Some(namespace.to_owned());
        self
    }

    /// Holds this value under this name; as bytes, for no server turns `stringData` into them here.
    pub fn with_entry(mut self, name: &str, value: &str) -> Self {
        let entries = self.secret.data.get_or_insert_with(BTreeMap::new);
        entries.insert(name.to_owned(), ByteString(value.as_bytes().to_vec()));
        self
    }

    /// The Secret.
    #[must_use]
    pub fn build(self) -> Secret {
        self.secret
    }
}

fn literal(value: &str) -> ValueSource {
    ValueSource {
        value: value.to_owned(),
        ..ValueSource::default()
    }
}
