//! From a Model object to an endpoint that can be called.

use std::collections::BTreeMap;

use query_api::{
    model::{Model, ModelType},
    value_source::{Header, HeaderOverride, ValueSource},
};

use crate::{
    execution::error::TargetError,
    llm::endpoint::{Endpoint, EndpointSpec},
    resources::values::{Owner, Values},
};

/// Azure's protocol version where a Model names none.
const AZURE_API_VERSION: &str = "2024-06-01";

/// Looks up all values of a Model and prepares its endpoint.
pub(crate) async fn endpoint(
    values: &Values,
    owner: Owner<'_>,
    model: &Model,
) -> Result<Endpoint, TargetError> {
    let spec = &model.spec;
    let config = &spec.config;
    let kind = spec.r#type.as_ref();
    let kind = kind.ok_or_else(|| owner.invalid(&"it has no `type`"))?;
    let lacking = || owner.invalid(&format!("it has type `{kind}` and no `config.{kind}`"));
    let endpoint = match kind {
        ModelType::OpenAi => {
            let config = config.openai.as_ref().ok_or_else(lacking)?;
            let endpoint = EndpointSpec {
                model: values.value(owner, "model", &spec.model).await?.to_string(),
                base_url: base_url(values, owner, &config.base_url).await?,
                api_key: api_key(values, owner, &config.api_key).await?,
                headers: headers(values, owner, &config.headers).await?,
                properties: properties(values, owner, &config.properties).await?,
            };
            Endpoint::openai(&endpoint)
        }
        ModelType::Azure => {
            let config = config.azure.as_ref().ok_or_else(lacking)?;
            let version = config.api_version.as_ref();
            let version = values.optional(owner, "apiVersion", version).await?;
            let endpoint = EndpointSpec {
                model: values.value(owner, "model", &spec.model).await?.to_string(),
                base_url: base_url(values, owner, &config.base_url).await?,
                api_key: api_key(values, owner, &config.api_key).await?,
                headers: headers(values, owner, &config.headers).await?,
                properties: properties(values, owner, &config.properties).await?,
            };
            Endpoint::azure(&endpoint, version.as_deref().unwrap_or(AZURE_API_VERSION))
        }
        ModelType::Bedrock | ModelType::Other(_) => {
            let (namespace, name) = (owner.namespace, owner.name);
            return Err(TargetError::Unsupported {
                what: format!("type `{kind}` of model `{namespace}/{name}`"),
            });
        }
    };
    endpoint.map_err(|error| owner.invalid(&error))
}

/// Headers that a Query adds to the calls of all models.
pub(crate) async fn override_headers(
    values: &Values,
    owner: Owner<'_>,
    overrides: &[HeaderOverride],
) -> Result<Vec<(String, String)>, TargetError> {
    let mut added = Vec::new();
    for one in overrides {
        if one.resource_type.eq_ignore_ascii_case("model") {
            added.extend(headers(values, owner, &one.headers).await?);
        }
    }
    Ok(added)
}

/// The values of headers, by name.
pub(crate) async fn headers(
    values: &Values,
    owner: Owner<'_>,
    headers: &[Header],
) -> Result<Vec<(String, String)>, TargetError> {
    let mut resolved = Vec::with_capacity(headers.len());
    for header in headers {
        let field = format!("header {}", header.name);
        let value = values.value(owner, &field, &header.value).await?;
        resolved.push((header.name.clone(), value.to_string()));
    }
    Ok(resolved)
}

async fn base_url(
    values: &Values,
    owner: Owner<'_>,
    source: &ValueSource,
) -> Result<String, TargetError> {
    Ok(values.value(owner, "baseUrl", source).await?.to_string())
}

async fn api_key(
    values: &Values,
    owner: Owner<'_>,
    source: &ValueSource,
) -> Result<String, TargetError> {
    Ok(values.value(owner, "apiKey", source).await?.to_string())
}

async fn properties(
    values: &Values,
    owner: Owner<'_>,
    properties: &BTreeMap<String, ValueSource>,
) -> Result<BTreeMap<String, String>, TargetError> {
    let mut resolved = BTreeMap::new();
    for (name, source) in properties {
        let field = format!("property {name}");
        let value = values.value(owner, &field, source).await?;
        resolved.insert(name.clone(), value.to_string());
    }
    Ok(resolved)
}
