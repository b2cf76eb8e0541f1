//! Where a model is called, and everything about the call that does not change from one to the next.

use std::{collections::BTreeMap, fmt};

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;

/// A model at its provider, ready to be called: every value looked up, every header and the beginning of every body
/// prepared.
#[derive(Clone)]
pub struct Endpoint {
    model: String,
    provider: Provider,
    uri: Uri,
    headers: HeaderMap,
    opening: Vec<u8>,
}

/// Who speaks at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// OpenAI, and whoever imitates it.
    OpenAi,
    /// Azure OpenAI.
    Azure,
}

/// What an endpoint is made of.
#[derive(Debug, Clone, Default)]
pub struct EndpointSpec {
    /// The provider's name of the model.
    pub model: String,
    /// The address, with or without a slash at its end.
    pub base_url: String,
    /// The key; white space around it, as files like to add, is dropped.
    pub api_key: String,
    /// Further headers of every call.
    pub headers: Vec<(String, String)>,
    /// Further members of every body. A value that reads as a JSON number, boolean, array or object is sent as such,
    /// anything else as a string: all values of a Model's properties are strings, and no provider takes a
    /// `max_tokens` in quotes.
    pub properties: BTreeMap<String, String>,
}

/// Why an endpoint cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not an absolute URL of `http` or `https`.
    #[error("its base URL `{0}` is not an http or https URL")]
    BaseUrl(String),
    /// The key has characters that no header may hold.
    #[error("its API key cannot be sent in a header")]
    ApiKey,
    /// A header has characters that none may hold.
    #[error("its header `{0}` cannot be sent")]
    Header(String),
}

impl Endpoint {
    /// A model that speaks OpenAI's protocol.
    pub fn openai(spec: &EndpointSpec) -> Result<Self, EndpointError> {
        let url = format!("{}/chat/completions", base(spec));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, secret(format!("Bearer {}", key(spec)))?);
        Self::new(Provider::OpenAi, spec, &url, headers)
    }

    /// A deployment at Azure; the key goes out as `api-key` and as bearer token, as upstream does.
    pub fn azure(spec: &EndpointSpec, api_version: &str) -> Result<Self, EndpointError> {
        let url = format!(
            "{}/openai/deployments/{}/chat/completions?api-version={api_version}",
            base(spec),
            spec.model,
        );
        let mut headers = HeaderMap::new();
        headers.insert("api-key", secret(key(spec).to_owned())?);
        headers.insert(AUTHORIZATION, secret(format!("Bearer {}", key(spec)))?);
        Self::new(Provider::Azure, spec, &url, headers)
    }

    fn new(
        provider: Provider,
        spec: &EndpointSpec,
        url: &str,
        mut headers: HeaderMap,
    ) -> Result<Self, EndpointError> {
        let not_a_url = || EndpointError::BaseUrl(spec.base_url.clone());
        let uri: Uri = url.parse().map_err(|_| not_a_url())?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
            return Err(not_a_url());
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &spec.headers {
            let bad = || EndpointError::Header(name.clone());
            let header: HeaderName = name.parse().map_err(|_| bad())?;
            let value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
            headers.insert(header, value);
        }
        Ok(Self {
            model: spec.model.clone(),
            provider,
            uri,
            headers,
            opening: opening(spec),
        })
    }

    /// The provider's name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Who speaks at the other end.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The address that is called.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The headers of every call but those that trace it.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Adds or replaces a header, for calls of one Query.
    pub fn with_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// `{"model":"…",…,"messages":[`
    pub(crate) fn opening(&self) -> &[u8] {
        &self.opening
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("model", &self.model)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl Provider {
    /// The value of the `provider` label in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure => "azure",
        }
    }
}

fn base(spec: &EndpointSpec) -> &str {
    spec.base_url.trim().trim_end_matches('/')
}

fn key(spec: &EndpointSpec) -> &str {
    spec.api_key.trim()
}

fn secret(text: String) -> Result<HeaderValue, EndpointError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| EndpointError::ApiKey)?;
    value.set_sensitive(true);
    Ok(value)
}

fn opening(spec: &EndpointSpec) -> Vec<u8> {
    let mut members = serde_json::Map::new();
    members.insert("temperature".into(), 1.into());
    members.insert("n".into(), 1.into());
    for (name, text) in &spec.properties {
        members.insert(name.clone(), typed(text));
    }
    members.insert("model".into(), spec.model.as_str().into());
    members.remove("messages");
    let mut opening = Value::Object(members).to_string().into_bytes();
    opening.pop();
    opening.extend_from_slice(br#","messages":["#);
    opening
}

fn typed(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Null | Value::String(_)) | Err(_) => text.into(),
        Ok(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::conversation::Conversation;

    fn spec() -> EndpointSpec {
        EndpointSpec {
            model: "gpt".into(),
            base_url: "http://stub:80/v1/".into(),
            api_key: "sk-1\n".into(),
            ..EndpointSpec::default()
        }
    }

    #[test]
    fn openai_and_azure_differ_in_path_and_key() {
        let openai = Endpoint::openai(&spec()).unwrap();
        assert_eq!(openai.uri(), "http://stub:80/v1/chat/completions");
        assert_eq!(openai.headers()["authorization"], "Bearer sk-1");
        assert!(!openai.headers().contains_key("api-key"));
        let azure = Endpoint::azure(&spec(), "2024-06-01").unwrap();
        let path =
            "http://stub:80/v1/openai/deployments/gpt/chat/completions?api-version=2024-06-01";
        assert_eq!(azure.uri(), path);
        assert_eq!(azure.headers()["api-key"], "sk-1");
        assert_eq!(azure.headers()["authorization"], "Bearer sk-1");
    }

    #[test]
    fn properties_are_merged_into_the_body_with_their_types() {
        let mut spec = spec();
        for (name, text) in [("temperature", "0.5"), ("user", "ann"), ("max_tokens", "9")] {
            spec.properties.insert(name.into(), text.into());
        }
        let endpoint = Endpoint::openai(&spec).unwrap();
        let mut conversation = Conversation::new();
        conversation.user("hi");
        let body: Value = serde_json::from_slice(&conversation.body(&endpoint, b"")).unwrap();
        let wanted = serde_json::json!({
            "model": "gpt", "temperature": 0.5, "n": 1, "user": "ann", "max_tokens": 9,
            "messages": [{"role": "user", "content": "hi"}],
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_its_name() {
        let with_url = |base_url: &str| {
            Endpoint::openai(&EndpointSpec {
                base_url: base_url.into(),
                ..spec()
            })
            .err()
        };
        for base_url in ["", "stub/v1", "ftp://stub", "http://", "http://a b"] {
            let wanted = EndpointError::BaseUrl(base_url.into());
            assert_eq!(with_url(base_url), Some(wanted));
        }
        let spec = EndpointSpec {
            api_key: "a\nb".into(),
            ..spec()
        };
        assert_eq!(Endpoint::openai(&spec).err(), Some(EndpointError::ApiKey));
    }
}
