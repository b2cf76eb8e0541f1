//! The Model: a language model at a provider, and how to reach it.

use crate::go_duration::GoDuration;
use crate::text_enum::text_enum;
use crate::value_source::{Header, ValueSource};
use crate::wire::{Unknown, plain_fields, wire_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use std::collections::BTreeMap;

/// Which model, at whom, and with which key.
#[derive(CustomResource, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "ark.mckinsey.com",
    version = "v1alpha1",
    kind = "Model",
    plural = "models",
    namespaced,
    status = "ModelStatus",
    schema = "disabled",
    derive = "Default",
    derive = "PartialEq",
    doc = "A language model at a provider."
)]
pub struct ModelSpec {
    /// The provider's name of the model.
    pub model: ValueSource,
    /// The protocol that the provider speaks; unset is invalid where the schema asks for it.
    pub r#type: Option<ModelType>,
    /// The provider's address and key, under the name of the type.
    pub config: ModelConfig,
    /// How often the controller asks the model whether it is there. Only in dialect `Target`.
    pub poll_interval: Option<GoDuration>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ModelSpec in spec {
        "model" => model,
        "type" => r#type,
        "config" => config,
        "pollInterval" => poll_interval,
    }
}

text_enum! {
    /// The protocol of a model's provider.
    ModelType {
        /// OpenAI chat completions, and whoever imitates them.
        OpenAi = "openai",
        /// Azure OpenAI.
        Azure = "azure",
        /// Amazon Bedrock.
        Bedrock = "bedrock",
    }
}

/// The provider's settings; only the field named by the type is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelConfig {
    /// Set for type `openai`.
    pub openai: Option<OpenAiConfig>,
    /// Set for type `azure`.
    pub azure: Option<AzureConfig>,
    /// Set for type `bedrock`.
    pub bedrock: Option<BedrockConfig>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ModelConfig {
        "openai" => openai,
        "azure" => azure,
        "bedrock" => bedrock,
    }
}

/// Where an OpenAI-like provider is and what every call carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenAiConfig {
    /// The address to which `/chat/completions` is appended.
    pub base_url: ValueSource,
    /// The bearer token.
    pub api_key: ValueSource,
    /// Further headers of every call. Only in dialect `Target`.
    pub headers: Vec<Header>,
    /// Further members of every request's body; their values are strings.
    pub properties: BTreeMap<String, ValueSource>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    OpenAiConfig {
        "baseUrl" => base_url,
        "apiKey" => api_key,
        "headers" => headers,
        "properties" => properties,
    }
}

/// Where an Azure OpenAI resource is and what every call carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AzureConfig {
    /// The address of the resource.
    pub base_url: ValueSource,
    /// The key.
    pub api_key: ValueSource,
    /// The version of the protocol; unset means the controller's default.
    pub api_version: Option<ValueSource>,
    /// Further headers of every call. Only in dialect `Target`.
    pub headers: Vec<Header>,
    /// Further members of every request's body; their values are strings.
    pub properties: BTreeMap<String, ValueSource>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    AzureConfig {
        "baseUrl" => base_url,
        "apiKey" => api_key,
        "apiVersion" => api_version,
        "headers" => headers,
        "properties" => properties,
    }
}

/// Which Bedrock account and model, and the bounds of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BedrockConfig {
    /// The region; unset means the environment's.
    pub region: Option<ValueSource>,
    /// Another address than the region's. Only in dialect `Target`.
    pub base_url: Option<ValueSource>,
    /// The account's key; unset means the environment's.
    pub access_key_id: Option<ValueSource>,
    /// The account's secret; unset means the environment's.
    pub secret_access_key: Option<ValueSource>,
    /// The token of a temporary account.
    pub session_token: Option<ValueSource>,
    /// The model by its full resource name; wins over the spec's `model`.
    pub model_arn: Option<ValueSource>,
    /// The longest answer in tokens, 1 to 100000.
    pub max_tokens: Option<i64>,
    /// A decimal number from 0 to 1, as text.
    pub temperature: Option<String>,
    /// Further members of every request's body; their values are strings.
    pub properties: BTreeMap<String, ValueSource>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    BedrockConfig {
        "region" => region,
        "baseUrl" => base_url,
        "accessKeyId" => access_key_id,
        "secretAccessKey" => secret_access_key,
        "sessionToken" => session_token,
        "modelArn" => model_arn,
        "maxTokens" => max_tokens,
        "temperature" => temperature,
        "properties" => properties,
    }
}

/// What the controller found out about a Model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelStatus {
    /// How far the probe got; unset before it. Only in dialect `Targets`.
    pub phase: Option<ReadyPhase>,
    /// The address that `baseUrl` came to.
    pub resolved_address: Option<String>,
    /// Why the phase is what it is.
    pub message: Option<String>,
    /// `ModelAvailable`. Only in dialect `Target`.
    pub conditions: Vec<Condition>,
    /// Fields that this version does not know, as they came.
    pub unknown: Unknown,
}

wire_object! {
    ModelStatus in status {
        "phase" => phase,
        "resolvedAddress" => resolved_address,
        "message" => message,
        "conditions" => conditions,
    }
}

text_enum! {
    /// How far the controller got with an object's address.
    ReadyPhase {
        /// It is being looked up or probed.
        Running = "running",
        /// It can be used.
        Ready = "ready",
        /// It cannot be used; the message says why.
        Error = "error",
    }
}

plain_fields! {
    ModelConfig: |config| *config == ModelConfig::default(),
}
