//! From an HTTP tool and its arguments to a request, without network.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header::CONTENT_TYPE};
use http_body_util::Full;
use query_api::tool::{HttpMethod, HttpTool};
use serde_json::{Map, Value};

use crate::{
    template::{TemplateError, render},
    tool::error::ToolError,
};

/// Builds the request of one call.
///
/// `{name}` in the URL becomes the argument of that name, escaped for a query; a place without an argument is an
/// error. POST, PUT and PATCH carry the tool's body template, in which `.input` is the arguments' object and any
/// other name a body parameter.
pub(crate) fn request(
    tool: &HttpTool,
    arguments: &Map<String, Value>,
    headers: &[(String, String)],
    body_values: &BTreeMap<String, Arc<str>>,
) -> Result<Request<Full<Bytes>>, ToolError> {
    let url = url(&tool.url, arguments)?;
    let uri: Uri = url.parse().map_err(|_| ToolError::Url(url.clone()))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
        return Err(ToolError::Url(url));
    }
    let method = method(tool);
    let has_body = matches!(method, Method::POST | Method::PUT | Method::PATCH);
    let body = match &tool.body {
        Some(template) if has_body => body(template, arguments, body_values)?,
        _ => Bytes::new(),
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    if has_body {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
    }
    for (name, value) in headers {
        let bad = || ToolError::Header(name.clone());
        let header: HeaderName = name.parse().map_err(|_| bad())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| bad())?;
        request.headers_mut().insert(header, value);
    }
    Ok(request)
}

fn method(tool: &HttpTool) -> Method {
    match &tool.method {
        None | Some(HttpMethod::Get) => Method::GET,
        Some(HttpMethod::Post) => Method::POST,
        Some(HttpMethod::Put) => Method::PUT,
        Some(HttpMethod::Delete) => Method::DELETE,
        Some(HttpMethod::Patch) => Method::PATCH,
        Some(HttpMethod::Other(text)) => Method::from_bytes(text.as_bytes()).unwrap_or_default(),
    }
}

fn url(template: &str, arguments: &Map<String, Value>) -> Result<String, ToolError> {
    let mut url = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, place)) = rest.split_once('{') {
        url.push_str(literal);
        let (name, after) = place
            .split_once('}')
            .ok_or_else(|| ToolError::Url(template.to_owned()))?;
        let argument = arguments.get(name);
        let argument = argument.ok_or_else(|| ToolError::ArgumentMissing(name.to_owned()))?;
        push_escaped(&mut url, &text(argument));
        rest = after;
    }
    url.push_str(rest);
    Ok(url)
}

fn body(
    template: &str,
    arguments: &Map<String, Value>,
    values: &BTreeMap<String, Arc<str>>,
) -> Result<Bytes, TemplateError> {
    let filled = render(template, |path| match path {
        ["input"] => serde_json::to_string(arguments).ok(),
        ["input", first, rest @ ..] => {
            let argument = arguments.get(*first)?;
            let member = rest
                .iter()
                .try_fold(argument, |value, name| value.get(name));
            member.map(text)
        }
        [name] => values.get(*name).map(ToString::to_string),
        _ => None,
    })?;
    Ok(Bytes::from(filled.into_owned()))
}

/// A string as it is, anything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Escapes as Go's `url.QueryEscape` does: a space becomes a plus.
fn push_escaped(url: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            b' ' => url.push('+'),
            _ => write!(url, "%{byte:02X}").expect("a String takes all text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments() -> Map<String, Value> {
        let arguments = json!({"city": "Kingston upon Hull & Ä", "days": 3, "deep": {"x": [1]}});
        arguments.as_object().cloned().unwrap()
    }

    #[test]
    fn arguments_are_escaped_into_the_url() {
        let check = |template: &str, wanted: Option<&str>| {
            assert_eq!(
                url(template, &arguments()).ok().as_deref(),
                wanted,
                "{template}"
            );
        };
        check(
            "http://t/w?c={city}&d={days}",
            Some("http://t/w?c=Kingston+upon+Hull+%26+%C3%84&d=3"),
        );
        check("http://t/plain", Some("http://t/plain"));
        check("http://t/{nothing}", None);
        check("http://t/{city", None);
    }

    #[test]
    fn a_body_sees_the_arguments_and_the_parameters() {
        let tool = HttpTool {
            url: "http://t/".into(),
            method: Some(HttpMethod::Post),
            body: Some("{{.input.days}} {{.input.deep.x}} {{.unit}} {{.input}}".into()),
            ..HttpTool::default()
        };
        let values = BTreeMap::from([("unit".to_owned(), Arc::from("C"))]);
        let one = json!({"days": 3, "deep": {"x": [1]}})
            .as_object()
            .cloned()
            .unwrap();
        let request = super::request(&tool, &one, &[], &values).unwrap();
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        let wanted = r#"3 [1] C {"days":3,"deep":{"x":[1]}}"#;
        let body = futures::executor::block_on(http_body_util::BodyExt::collect(request));
        assert_eq!(body.unwrap().to_bytes(), wanted);
    }

    #[test]
    fn a_get_carries_headers_and_no_body() {
        let tool = HttpTool {
            url: "http://t/".into(),
            body: Some("{{.nonsense}}".into()),
            ..HttpTool::default()
        };
        let headers = [("X-Key".to_owned(), "k\n".to_owned())];
        let request = request(&tool, &Map::new(), &headers, &BTreeMap::new()).unwrap();
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.headers()["x-key"], "k");
        assert!(!request.headers().contains_key(CONTENT_TYPE));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let refused = |url: &str, header: &str| {
            let tool = HttpTool {
                url: url.into(),
                ..HttpTool::default()
            };
            let headers = [(header.to_owned(), "v".to_owned())];
            let request = request(&tool, &Map::new(), &headers, &BTreeMap::new());
            request.err().map(|error| error.to_string())
        };
        let not_a_url = Some("its URL `file:///etc` is not an http or https URL".to_owned());
        assert_eq!(refused("file:///etc", "x"), not_a_url);
        let bad_header = Some("its header `a b` cannot be sent".to_owned());
        assert_eq!(refused("http://t", "a b"), bad_header);
    }
}
