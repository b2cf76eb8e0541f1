//! The stub as its callers see it, through a plain socket.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::llm::script::{Calls, Reply, RetryAfter, ToolCall, Trigger, Usage};

struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn content(&self) -> String {
        let json = self.json();
        json["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

async fn post(stub: &LlmStub, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let address = stub.server.uri();
    let address = address.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: stub\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    Response {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

fn chat(assistant_messages: usize, input: &str) -> String {
    let mut messages = vec![json!({"role": "user", "content": input})];
    for _ in 0..assistant_messages {
        messages.push(json!({"role": "assistant", "content": null}));
    }
    json!({"model": "m", "messages": messages}).to_string()
}

async fn ask(stub: &LlmStub, query: &str, target: &str) -> Response {
    let headers = [("x-ark-query", query), ("x-ark-target", target)];
    post(stub, "/v1/chat/completions", &headers, &chat(0, "hi")).await
}

#[tokio::test]
async fn every_call_is_traced_to_its_query_and_target() {
    let stub = LlmStub::start(Script::new()).await;
    assert_eq!(
        ask(&stub, "a/q", "0").await.content(),
        "answer to a/q#0 turn 0"
    );
    ask(&stub, "a/q", "1").await;
    ask(&stub, "a/q", "1").await;
    let marked = chat(0, "hi [query b/q]");
    let azure = "/openai/deployments/d/chat/completions?api-version=1";
    let response = post(&stub, azure, &[], &marked).await;
    assert_eq!(response.json()["model"], "d");
    post(&stub, "/v1/chat/completions", &[], &chat(0, "hi")).await;

    assert_eq!(stub.calls(), 5);
    assert_eq!(stub.answered(), 5);
    assert_eq!(stub.untraced(), 1);
    let by_query = BTreeMap::from([("a/q".to_owned(), 3), ("b/q".to_owned(), 1)]);
    assert_eq!(stub.calls_by_query(), by_query);
    let by_target = BTreeMap::from([
        (("a/q".to_owned(), Some(0)), 1),
        (("a/q".to_owned(), Some(1)), 2),
        (("b/q".to_owned(), None), 1),
    ]);
    assert_eq!(stub.calls_by_target(), by_target);
    stub.clear_counts();
    assert_eq!(stub.calls(), 0);
}

#[tokio::test]
async fn replies_follow_the_turn() {
    let script = Script::new()
        .on_turn(0, Reply::tool_call("clock", &json!({"zone": "UTC"})))
        .on_turn(
            1,
            Reply::ToolCalls(vec![
                ToolCall::new("a", &json!({})),
                ToolCall::new("b", &json!({})),
            ]),
        )
        .otherwise(Reply::Echo);
    let stub = LlmStub::start(script).await;
    let turn = async |n| {
        let body = chat(n, "what time is it?");
        post(&stub, "/v1/chat/completions", &[], &body).await
    };
    let first = turn(0).await.json();
    let call = &first["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "clock");
    assert_eq!(call["function"]["arguments"], r#"{"zone":"UTC"}"#);
    assert_eq!(first["choices"][0]["finish_reason"], "tool_calls");
    let second = turn(1).await.json();
    let calls = second["choices"][0]["message"]["tool_calls"].as_array();
    assert_eq!(calls.map(Vec::len), Some(2));
    assert_eq!(turn(2).await.content(), "what time is it?");
}

#[tokio::test]
async fn usage_is_never_zero_and_the_same_for_the_same_text() {
    let stub = LlmStub::start(Script::new()).await;
    let usage = async || ask(&stub, "a/q", "0").await.json()["usage"].clone();
    let (first, second) = (usage().await, usage().await);
    assert_eq!(first, second);
    let field = |name: &str| first[name].as_i64().unwrap();
    assert!(field("prompt_tokens") > 0 && field("completion_tokens") > 0);
    assert_eq!(
        field("total_tokens"),
        field("prompt_tokens") + field("completion_tokens")
    );
    let (prompt, completion) = (3, 4);
    stub.play(Script::new().with_usage(Usage::Fixed { prompt, completion }));
    assert_eq!(
        ask(&stub, "a/q", "0").await.json()["usage"]["total_tokens"],
        7
    );
}

#[tokio::test]
async fn faults_strike_where_and_when_they_are_told() {
    let script = Script::new()
        .with_fault(
            Fault::Status(500),
            Calls::of_query("a/q").and_target(1),
            Trigger::Next(2),
        )
        .with_fault(
            Fault::EmptyChoices,
            Calls::of_query("a/empty"),
            Trigger::Always,
        )
        .with_fault(Fault::NotJson, Calls::of_query("a/html"), Trigger::Always)
        .with_fault(
            Fault::MalformedJson,
            Calls::of_query("a/broken"),
            Trigger::Always,
        )
        .with_fault(
            Fault::QuotaExhausted,
            Calls::of_model("gone"),
            Trigger::Always,
        );
    let stub = LlmStub::start(script).await;
    assert_eq!(ask(&stub, "a/q", "0").await.status, 200);
    assert_eq!(ask(&stub, "a/q", "1").await.status, 500);
    assert_eq!(ask(&stub, "a/q", "1").await.status, 500);
    assert_eq!(ask(&stub, "a/q", "1").await.status, 200);
    assert_eq!(stub.calls(), 4);
    assert_eq!(stub.answered(), 2);
    assert_eq!(
        ask(&stub, "a/empty", "0").await.json()["choices"],
        json!([])
    );
    assert!(ask(&stub, "a/html", "0").await.body.starts_with("<html>"));
    let broken = ask(&stub, "a/broken", "0").await;
    assert!(serde_json::from_str::<Value>(&broken.body).is_err());
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let retry_after = async |wait| {
        let fault = Fault::RateLimited(wait);
        let script = Script::new().with_fault(fault, Calls::any(), Trigger::Always);
        let stub = LlmStub::start(script).await;
        let response = ask(&stub, "a/q", "0").await;
        assert_eq!(response.status, 429);
        assert_eq!(response.json()["error"]["code"], "rate_limit_exceeded");
        let mut lines = response.head.lines();
        lines.find_map(|line| line.strip_prefix("retry-after: ").map(str::to_owned))
    };
    assert_eq!(retry_after(RetryAfter::Absent).await, None);
    assert_eq!(
        retry_after(RetryAfter::Seconds(7)).await.as_deref(),
        Some("7")
    );
    let date = retry_after(RetryAfter::DateIn(Duration::from_secs(90))).await;
    assert!(date.is_some_and(|date| date.ends_with(" gmt")));
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let stub = LlmStub::start(Script::new().with_api_key("sk-1")).await;
    let status = async |name: &str, value: &str| {
        let headers = [(name, value)];
        let path = "/v1/chat/completions";
        post(&stub, path, &headers, &chat(0, "hi")).await.status
    };
    assert_eq!(status("authorization", "Bearer sk-1").await, 200);
    assert_eq!(status("api-key", "sk-1").await, 200);
    assert_eq!(status("authorization", "Bearer sk-2").await, 401);
    assert_eq!(stub.answered(), 2);
}

#[tokio::test]
async fn a_body_that_is_no_chat_request_is_refused_and_counted() {
    let stub = LlmStub::start(Script::new()).await;
    let path = "/v1/chat/completions";
    assert_eq!(post(&stub, path, &[], "{}").await.status, 400);
    assert_eq!(post(&stub, "/v1/models", &[], "{}").await.status, 404);
    assert_eq!(stub.calls(), 1);
}

/// The n-th call of a target is answered in the same time whatever comes in between.
#[test]
fn keys_do_not_depend_on_the_order_of_arrival() {
    let playing = Playing::new(Script::new());
    let key = |query: &'static str, target, n_before| {
        let call = Call::of(query, target);
        playing.key(&call, n_before)
    };
    let keys = [
        key("a/q", 0, 0),
        key("a/q", 0, 1),
        key("a/q", 1, 0),
        key("b/q", 0, 0),
    ];
    let mut distinct = keys.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), keys.len());
    assert_eq!(key("a/q", 0, 1), keys[1]);
}

#[test]
fn a_share_of_calls_is_struck_at_that_rate() {
    let script = Script::new().with_fault(Fault::Status(500), Calls::any(), Trigger::Share(0.1));
    let playing = Playing::new(script);
    let n_struck = (0..10_000)
        .filter(|n_before| {
            let call = Call::of("a/q", 0);
            let key = playing.key(&call, *n_before);
            playing.fault(&call, key).is_some()
        })
        .count();
    assert!((900..1_100).contains(&n_struck), "{n_struck} of 10000");
}
