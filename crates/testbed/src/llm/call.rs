//! What a stub sees in a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use wiremock::Request;

use crate::http_stub::ledger::{query_header, target_header};
use crate::llm::script::Calls;

/// One request to a stub, read just far enough to answer it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// `model` of the body; for Azure the deployment in the path.
    pub(crate) model: Cow<'a, str>,
    /// `<namespace>/<name>`, from the header or the marker in the last user message.
    pub(crate) query: Option<Cow<'a, str>>,
    /// Index of the target in the spec.
    pub(crate) target: Option<usize>,
    /// The number of assistant messages so far.
    pub(crate) turn: usize,
    /// Raw content of the last user message.
    last_user: Option<&'a RawValue>,
    /// Size of the request.
    pub(crate) n_bytes: usize,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    /// Reads a request; the error says what is wrong with its body.
    pub(crate) fn read(request: &'a Request) -> Result<Self, serde_json::Error> {
        let body: Body<'a> = serde_json::from_slice(&request.body)?;
        let mut turn = 0;
        let mut last_user = None;
        for message in &body.messages {
            match &*message.role {
                "assistant" => turn += 1,
                "user" => last_user = message.content,
                _ => {}
            }
        }
        let mut call = Self {
            model: match azure_deployment(request.url.path()) {
                Some(deployment) => Cow::Borrowed(deployment),
                None => body.model,
            },
            query: query_header(request).map(Cow::Borrowed),
            target: target_header(request),
            turn,
            last_user,
            n_bytes: request.body.len(),
        };
        if call.query.is_none() {
            call.query = marker(&call.input()).map(|query| Cow::Owned(query.to_owned()));
        }
        Ok(call)
    }

    /// A call of one target, with nothing else in it.
    #[cfg(test)]
    pub(crate) fn of(query: &'a str, target: usize) -> Self {
        Self {
            model: Cow::Borrowed("m"),
            query: Some(Cow::Borrowed(query)),
            target: Some(target),
            turn: 0,
            last_user: None,
            n_bytes: 0,
        }
    }

    /// The text of the last user message; parts of another kind than text are left out.
    pub(crate) fn input(&self) -> String {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Content {
            Text(String),
            Parts(Vec<Part>),
        }
        #[derive(Deserialize)]
        struct Part {
            #[serde(default)]
            text: String,
        }
        let content = self
            .last_user
            .and_then(|raw| serde_json::from_str::<Content>(raw.get()).ok());
        match content {
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().map(|part| part.text).collect(),
            None => String::new(),
        }
    }

    /// Whether a rule for these calls applies to this one.
    pub(crate) fn is_of(&self, calls: &Calls) -> bool {
        let model = calls.model.as_deref();
        let query = calls.query.as_deref();
        model.is_none_or(|model| model == self.model)
            && query.is_none_or(|query| self.query.as_deref() == Some(query))
            && (calls.target.is_none() || calls.target == self.target)
    }
}

/// `d` of `…/openai/deployments/d/chat/completions`.
fn azure_deployment(path: &str) -> Option<&str> {
    let (_, rest) = path.split_once("/openai/deployments/")?;
    rest.strip_suffix("/chat/completions")
}

/// `ns/name` of `… [query ns/name] …`.
fn marker(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("[query ")?;
    let (query, _) = rest.split_once(']')?;
    Some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployment_is_taken_from_the_azure_path() {
        let path = "/openai/deployments/gpt-4o/chat/completions";
        assert_eq!(azure_deployment(path), Some("gpt-4o"));
        assert_eq!(azure_deployment("/v1/chat/completions"), None);
    }

    #[test]
    fn marker_names_the_query() {
        assert_eq!(marker("say hi [query team-a/q-1] now"), Some("team-a/q-1"));
        assert_eq!(marker("say hi [query team-a/q-1"), None);
        assert_eq!(marker("say hi"), None);
    }
}
