//! What a stub sees in a request.

use std::borrow::Cow;

use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    hash::{FNV_BASIS, fnv},
    http_stub::ledger::{query_header, target_header},
    llm::script::Calls,
};

/// The header in which a caller wishes for a fault.
const WISH_HEADER: &str = "x-stub-fault";

/// The header by which a caller tells a repeated request from a new one.
const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// The longest name of an execution that is kept as it is.
const LONGEST_NAME: usize = 256;

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
    /// The answer is to come in events.
    pub(crate) wants_stream: bool,
    /// The last event is to carry the token figures.
    pub(crate) wants_usage: bool,
    /// What the caller wishes to go wrong.
    wish: Option<&'a str>,
    /// The caller's own name for this execution.
    idempotency: Option<&'a str>,
    body: &'a [u8],
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
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
    pub(crate) fn read(
        path: &'a str,
        headers: &'a HeaderMap,
        content: &'a [u8],
    ) -> Result<Self, serde_json::Error> {
        let body: Body<'a> = serde_json::from_slice(content)?;
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
            model: match azure_deployment(path) {
                Some(deployment) => Cow::Borrowed(deployment),
                None => body.model,
            },
            query: query_header(headers).map(Cow::Borrowed),
            target: target_header(headers),
            turn,
            last_user,
            wants_stream: body.stream.unwrap_or_default(),
            wants_usage: body
                .stream_options
                .is_some_and(|options| options.include_usage),
            wish: text(headers, WISH_HEADER),
            idempotency: text(headers, IDEMPOTENCY_HEADER),
            body: content,
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
            wants_stream: false,
            wants_usage: false,
            wish: None,
            idempotency: None,
            body: b"",
        }
    }

    /// Size of the request.
    pub(crate) fn n_bytes(&self) -> usize {
        self.body.len()
    }

    /// A number for the text of the request.
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        fnv(seed, self.body)
    }

    /// What must not be executed twice: the caller's idempotency key, else one turn of a target of a Query, else the
    /// request's own text.
    pub(crate) fn execution(&self) -> String {
        let name = match (self.idempotency, &self.query, self.target) {
            (Some(key), _, _) => format!("key {key}"),
            (None, Some(query), Some(target)) => format!("{query}#{target} turn {}", self.turn),
            (None, Some(query), None) => format!("{query} turn {}", self.turn),
            (None, None, _) => return format!("text {:016x}", self.hash(FNV_BASIS)),
        };
        if name.len() <= LONGEST_NAME {
            return name;
        }
        format!("long {:016x}", fnv(FNV_BASIS, name.as_bytes()))
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
        let wish = calls.wish.as_deref();
        model.is_none_or(|model| model == self.model)
            && query.is_none_or(|query| self.query.as_deref() == Some(query))
            && (calls.target.is_none() || calls.target == self.target)
            && wish.is_none_or(|wish| self.wish == Some(wish))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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
