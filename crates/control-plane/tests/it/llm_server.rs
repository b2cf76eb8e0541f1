//! Our client of language models against the stub for load: what it makes of answers, faults and denials.

use std::time::Duration;

use control_plane::llm::{
    Call, Called, LlmClient, LlmConfig, Trace, conversation::Conversation, endpoint::Endpoint,
    endpoint::EndpointSpec, retry::RetryPolicy,
};
use serde_json::json;
use testbed::llm::{
    script::{Calls, Fault, Reply, RetryAfter, Script, Trigger},
    server::{LlmServer, rates::PerMinute, settings::Settings},
};

fn server(script: Script) -> LlmServer {
    let settings = Settings {
        script,
        threads: Some(1),
        ..Settings::default()
    };
    LlmServer::start(&settings).expect("a free port")
}

/// Asks once for target 0 of `a/q`, by a client whose own back-off is over before a test notices.
async fn ask(server: &LlmServer) -> Called {
    let client = LlmClient::new(LlmConfig {
        retry: RetryPolicy {
            base: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..LlmConfig::default()
    });
    let spec = EndpointSpec {
        model: "m".to_owned(),
        base_url: server.base_url(),
        ..EndpointSpec::default()
    };
    let endpoint = Endpoint::openai(&spec).expect("a URL");
    let mut conversation = Conversation::new();
    conversation.user("hi");
    let call = Call {
        endpoint: &endpoint,
        body: conversation.body(&endpoint, b""),
        trace: &Trace::new("a", "q", 0),
        deadline: None,
    };
    client.complete(&call).await
}

#[tokio::test]
async fn answers_tool_calls_and_usage_are_understood() {
    let server = server(Script::new());
    let completion = ask(&server).await.result.expect("an answer");
    assert_eq!(completion.content, "answer to a/q#0 turn 0");
    assert!(completion.usage.total_tokens > 0);
    let arguments = json!({"city": "Hull"});
    server.play(Script::new().otherwise(Reply::tool_call("weather", &arguments)));
    let completion = ask(&server).await.result.expect("an answer");
    assert_eq!(completion.tool_calls[0].name, "weather");
    assert_eq!(completion.tool_calls[0].arguments, arguments.to_string());
    let execution = server.execution("a/q#0 turn 0").expect("it was called");
    assert_eq!((execution.calls, execution.answered), (2, 2));
    assert_eq!(server.tally().duplicated, 1);
}

#[tokio::test]
async fn what_may_pass_is_retried_and_executed_once() {
    for fault in [
        Fault::Overloaded,
        Fault::Status(500),
        Fault::RateLimited(RetryAfter::Seconds(0)),
        Fault::Reset,
        Fault::Cut,
        Fault::ResetMidway,
    ] {
        let script = Script::new().with_fault(fault, Calls::any(), Trigger::Next(1));
        let server = server(script);
        let called = ask(&server).await;
        assert!(called.result.is_ok(), "{fault:?}: {:?}", called.result);
        let execution = server.execution("a/q#0 turn 0").expect("it was called");
        assert_eq!((execution.calls, execution.answered), (2, 1), "{fault:?}");
        assert_eq!(server.tally().faults[fault.name()], 1);
    }
}

#[tokio::test]
async fn what_no_retry_mends_is_called_once() {
    for (fault, wanted) in [
        (Fault::QuotaExhausted, "insufficient_quota"),
        (Fault::ContextLength, "context_length_exceeded"),
        (Fault::WrongKey, "status 401"),
        (Fault::ModelNotFound, "model_not_found"),
        (Fault::MalformedJson, "malformed body"),
        (Fault::NotJson, "Bad gateway"),
        (Fault::EmptyChoices, "no choices"),
    ] {
        let script = Script::new().with_fault(fault, Calls::any(), Trigger::Always);
        let server = server(script);
        let error = ask(&server).await.result.expect_err("a fault").to_string();
        assert!(error.contains(wanted), "{fault:?}: {error}");
        assert_eq!(server.tally().calls, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn bytes_that_drip_are_an_answer_all_the_same() {
    let pause = Duration::ZERO;
    for fault in [
        Fault::SlowHead(pause),
        Fault::Drip(pause),
        Fault::Stall(pause),
        Fault::StallMidway(pause),
        Fault::WrongContentType,
    ] {
        let script = Script::new().with_fault(fault, Calls::any(), Trigger::Always);
        let called = ask(&server(script)).await;
        let content = called.result.expect("an answer").content;
        assert_eq!(content, "answer to a/q#0 turn 0", "{fault:?}");
        assert_eq!(called.attempts, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_rate_that_is_used_up_is_a_denial_with_its_code() {
    let settings = Settings {
        per_minute: PerMinute {
            requests: None,
            tokens: Some(1),
        },
        threads: Some(1),
        ..Settings::default()
    };
    let server = LlmServer::start(&settings).expect("a free port");
    let error = ask(&server).await.result.expect_err("a denial").to_string();
    for part in ["status 429", "tokens per minute: limit 1, used 0"] {
        assert!(error.contains(part), "{part:?}: {error}");
    }
    let tally = server.tally();
    assert_eq!(tally.denied_by_rate, tally.calls);
}
