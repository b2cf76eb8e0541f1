//! The server as its callers see it, through plain sockets.

mod faults;
mod times;
mod wire;

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use self::wire::{Caller, Ended, chat, get, streamed};
use super::{LlmServer, settings::Settings};
use crate::llm::{
    latency::Latency,
    script::{Reply, Script, ToolCall, Trigger, Usage},
};

const MILLI: Duration = Duration::from_millis(1);

fn server(script: Script) -> LlmServer {
    let settings = Settings {
        script,
        threads: Some(1),
        ..Settings::default()
    };
    LlmServer::start(&settings).expect("a free port")
}

/// The JSON of all events but the last, which is `[DONE]`.
fn events(body: &str) -> Vec<Value> {
    let events = body.split_terminator("\n\n").map(|event| {
        let data = event.strip_prefix("data: ");
        data.unwrap_or_else(|| panic!("an event without data: {event:?}"))
    });
    let mut events: Vec<&str> = events.collect();
    assert_eq!(events.pop(), Some("[DONE]"));
    events
        .into_iter()
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn a_plain_answer_is_the_one_that_the_other_stub_gives() {
    let script = || Script::new().on_turn(1, Reply::Echo);
    let server = server(script());
    let stub = crate::llm::LlmStub::start(script()).await;
    let address = stub.base_url();
    let address = address
        .trim_start_matches("http://")
        .trim_end_matches("/v1");
    for body in [chat(0, "hi"), chat(1, "hello")] {
        let headers = [("x-ark-query", "a/q"), ("x-ark-target", "3")];
        let ours = Caller::open(server.address())
            .await
            .post(&headers, &body)
            .await;
        let theirs = Caller::open(address).await.post(&headers, &body).await;
        let without_id = |body: &str| {
            let mut json: Value = serde_json::from_str(body).expect("JSON");
            json["id"] = Value::Null;
            json
        };
        assert_eq!(without_id(&ours.body), without_id(&theirs.body));
    }
}

#[tokio::test]
async fn a_stream_has_role_pieces_reason_usage_and_end_and_no_length() {
    let server = server(Script::new().otherwise(Reply::Tokens(5)));
    let body = streamed(&chat(0, "hi"), true);
    let reply = Caller::open(server.address()).await.post(&[], &body).await;
    assert!(reply.head.contains("content-type: text/event-stream"));
    assert!(reply.head.contains("transfer-encoding: chunked"));
    assert!(!reply.head.contains("content-length"));
    let events = events(&reply.body);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(
        events
            .iter()
            .all(|event| event["object"] == "chat.completion.chunk")
    );
    let content: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(content, "oar oar oar oar oar ");
    let [.., finish, usage] = &*events else {
        panic!("too few events")
    };
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    assert_eq!(finish["usage"], Value::Null);
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 5);

    let body = streamed(&chat(0, "hi"), false);
    let reply = Caller::open(server.address()).await.post(&[], &body).await;
    assert!(!reply.body.contains("usage"));
}

#[tokio::test]
async fn deltas_of_tool_calls_make_the_calls_of_the_script_again() {
    let calls = vec![
        ToolCall::new("weather", &json!({"city": "Kingston upon Hull"})),
        ToolCall::new("clock", &json!({})),
    ];
    let server = server(Script::new().otherwise(Reply::ToolCalls(calls.clone())));
    let body = streamed(&chat(0, "hi"), false);
    let reply = Caller::open(server.address()).await.post(&[], &body).await;
    let mut made: Vec<ToolCall> = Vec::new();
    let events = events(&reply.body);
    for event in &events {
        let delta = &event["choices"][0]["delta"]["tool_calls"][0];
        let Some(arguments) = delta["function"]["arguments"].as_str() else {
            continue;
        };
        let index = delta["index"].as_u64().expect("an index");
        if let Some(name) = delta["function"]["name"].as_str() {
            assert_eq!(index, made.len() as u64);
            assert!(
                delta["id"]
                    .as_str()
                    .is_some_and(|id| id.starts_with("call_"))
            );
            made.push(ToolCall {
                name: name.to_owned(),
                arguments: String::new(),
            });
        }
        made[usize::try_from(index).expect("small")]
            .arguments
            .push_str(arguments);
    }
    assert_eq!(made, calls);
    assert!(events.len() > 6, "arguments come in several pieces");
    let last = events.last().expect("events");
    assert_eq!(last["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn rates_and_slots_deny_with_the_headers_of_providers() {
    let text = "requests_per_minute = 2\ntokens_per_minute = 10000\nusage = { prompt = 1, completion = 2 }";
    let settings = Settings::parse(Path::new("s.toml"), text).expect("right");
    let server = LlmServer::start(&settings).expect("a free port");
    let mut caller = Caller::open(server.address()).await;
    let first = caller.post(&[], &chat(0, "hi")).await;
    assert!(
        first.head.contains("x-ratelimit-remaining-requests: 1"),
        "{}",
        first.head
    );
    assert!(first.head.contains("x-ratelimit-limit-tokens: 10000"));
    caller.post(&[], &chat(0, "hi")).await;
    let denied = caller.post(&[], &chat(0, "hi")).await;
    assert_eq!(denied.status(), 429);
    assert!(denied.head.contains("x-ratelimit-remaining-requests: 0"));
    assert!(denied.head.contains("retry-after: 30") && denied.head.contains("retry-after-ms: "));
    assert!(denied.body.contains("\"code\":\"rate_limit_exceeded\""));
    let tally = server.tally();
    assert_eq!((tally.answered, tally.denied_by_rate), (2, 1));
    assert_eq!((tally.prompt_tokens, tally.completion_tokens), (2, 4));

    let text = "slots = 1\nqueue = 0\nfirst_token = { fixed = \"1h\" }";
    let settings = Settings::parse(Path::new("s.toml"), text).expect("right");
    let server = LlmServer::start(&settings).expect("a free port");
    let mut waiting = Caller::open(server.address()).await;
    waiting.send(&[], &chat(0, "hi")).await;
    while server.tally().calls == 0 {
        tokio::time::sleep(MILLI).await;
    }
    let full = Caller::open(server.address())
        .await
        .post(&[], &chat(0, "hi"))
        .await;
    assert_eq!(full.status(), 503);
    assert!(full.body.contains("server_is_overloaded"));
    // Whoever hangs up gives the slot back and is not counted as answered.
    drop(waiting);
    while server.tally().abandoned == 0 {
        tokio::time::sleep(MILLI).await;
    }
    assert_eq!(server.tally().denied_by_cap, 1);
}

#[tokio::test]
async fn executions_are_known_by_key_query_or_text() {
    let server = server(Script::new());
    let mut caller = Caller::open(server.address()).await;
    let query = [("x-ark-query", "a/q"), ("x-ark-target", "0")];
    caller.post(&query, &chat(0, "hi")).await;
    caller.post(&query, &chat(1, "hi")).await;
    caller.post(&query, &chat(1, "hi")).await;
    caller
        .post(&[("idempotency-key", "k")], &chat(0, "hi"))
        .await;
    caller.post(&[], &chat(0, "hi")).await;
    assert_eq!(server.tally().executions, 4);
    let duplicated = server.duplicated();
    assert_eq!(duplicated.len(), 1);
    assert_eq!(duplicated[0].name, "a/q#0 turn 1");
    let path = "GET /stub/ledger?execution=a/q%230%20turn%201";
    let one: Value = serde_json::from_str(&get(server.address(), path).await.body).expect("JSON");
    assert_eq!(
        one,
        json!({"name": "a/q#0 turn 1", "calls": 2, "answered": 2})
    );
    assert_eq!(
        get(server.address(), "GET /stub/ledger?execution=x")
            .await
            .status(),
        404
    );

    let page = get(server.address(), "GET /stub/ledger").await;
    let page: Value = serde_json::from_str(&page.body).expect("JSON");
    assert_eq!(page["tally"]["answered"], 5);
    assert_eq!(page["recent"][0]["ending"], "answered");
    let metrics = get(server.address(), "GET /metrics").await;
    assert!(metrics.head.contains("text/plain"));
    for line in [
        "llm_stub_calls_total 5\n",
        "llm_stub_outcomes_total{outcome=\"answered\"} 5\n",
        "llm_stub_duplicated_total 1\n",
        "llm_stub_lateness_seconds_bucket{le=\"+Inf\"} 5\n",
    ] {
        assert!(metrics.body.contains(line), "{line:?}: {}", metrics.body);
    }
    get(server.address(), "DELETE /stub/ledger").await;
    assert_eq!(server.tally().calls, 0);
}

#[tokio::test]
async fn wrong_keys_bodies_and_paths_are_refused() {
    let script = Script::new().with_api_key("sk-1").with_usage(Usage::Absent);
    let server = server(script);
    let mut caller = Caller::open(server.address()).await;
    let right = [("authorization", "Bearer sk-1")];
    assert_eq!(caller.post(&right, &chat(0, "hi")).await.status(), 200);
    assert_eq!(caller.post(&[], &chat(0, "hi")).await.status(), 401);
    assert_eq!(caller.post(&right, "{").await.status(), 400);
    assert_eq!(get(server.address(), "GET /nowhere").await.status(), 404);
    assert_eq!(get(server.address(), "GET /health").await.status(), 200);
    assert!(
        get(server.address(), "GET /v1/models")
            .await
            .body
            .contains("stub-model")
    );
    assert_eq!(server.tally().refused, 2);
}

#[tokio::test]
async fn a_stub_that_stops_finishes_what_it_began_and_takes_nothing_new() {
    let server = server(Script::new().with_latency(Latency::Fixed(50 * MILLI)));
    let address = server.address();
    let mut caller = Caller::open(address).await;
    caller.send(&[], &chat(0, "hi")).await;
    while server.tally().calls == 0 {
        tokio::time::sleep(MILLI).await;
    }
    let stopping = tokio::task::spawn_blocking(move || server.stop(Duration::from_secs(60)));
    let reply = caller.receive().await;
    assert_eq!((reply.status(), reply.ended), (200, Ended::Whole));
    assert_eq!(stopping.await.expect("no panic").answered, 1);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[test]
fn the_example_of_the_readme_is_what_it_says() {
    let readme = include_str!("../../../README.md");
    let example = readme.split("```toml\n").nth(1).expect("an example");
    let example = example.split("```").next().expect("it ends");
    let example = example.replace("{ file = \"itl.txt\" }", "{ fixed = \"10ms\" }");
    let settings = Settings::parse(Path::new("README.md"), &example).expect("it parses");
    let script = &settings.script;
    assert_eq!(script.otherwise, Reply::Tokens(120));
    assert_eq!(script.faults[0].trigger, Trigger::Share(0.01));
    assert_eq!(script.turns[0].turn, 0);
    assert_eq!((settings.slots, settings.queue), (Some(16), 100));
    assert_eq!(settings.stalls[0].at, Duration::from_secs(30));
    assert_eq!(settings.refusals[0].lasts, Duration::from_secs(5));
}
