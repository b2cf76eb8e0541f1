//! What callers notice of faults.

use std::time::Duration;

use serde_json::Value;

use super::wire::{Caller, Ended, chat, streamed};
use super::{MILLI, server};
use crate::llm::script::{Calls, Fault, Reply, Script, Trigger};
use crate::llm::server::LlmServer;

fn struck_by(fault: Fault) -> LlmServer {
    let script = Script::new().otherwise(Reply::Tokens(20));
    server(script.with_fault(fault, Calls::any(), Trigger::Always))
}

/// What a caller notices of each fault, in a plain answer and in a stream.
#[tokio::test]
async fn every_fault_reaches_its_caller() {
    let check = async |fault: Fault, plain: &str, stream: &str| {
        let server = struck_by(fault);
        let bodies = [chat(0, "hi"), streamed(&chat(0, "hi"), false)];
        for (body, wanted) in bodies.iter().zip([plain, stream]) {
            let reply = Caller::open(server.address()).await.post(&[], body).await;
            let seen = format!("{}\n{}\n{:?}", reply.head, reply.body, reply.ended);
            for part in wanted.split('&') {
                assert!(seen.contains(part), "{fault:?}: {part:?} is not in {seen}");
            }
        }
        let tally = server.tally();
        assert_eq!(tally.faults, [(fault.name(), 2)].into(), "{fault:?}");
        assert_eq!((tally.calls, tally.answered), (2, 0), "{fault:?}");
    };
    let both = async |fault, wanted| check(fault, wanted, wanted).await;
    both(Fault::Status(500), " 500 &server_error").await;
    both(Fault::Overloaded, " 503 &server_is_overloaded").await;
    both(Fault::ContextLength, " 400 &context_length_exceeded").await;
    both(Fault::WrongKey, " 401 &invalid_api_key").await;
    both(Fault::ModelNotFound, " 404 &model_not_found").await;
    both(Fault::QuotaExhausted, " 429 &insufficient_quota").await;
    both(Fault::NotJson, " 200 &text/html&<html>").await;
    both(Fault::WrongContentType, " 200 &text/plain&chatcmpl&Whole").await;
    both(Fault::Reset, "Reset").await;
    check(
        Fault::EmptyChoices,
        "\"choices\":[]",
        "\"choices\":[]&[DONE]",
    )
    .await;
    check(
        Fault::Cut,
        " 200 &content-length&chatcmpl&Closed",
        "data: &Closed",
    )
    .await;
    // What came before a reset may be gone with it.
    both(Fault::ResetMidway, "Reset").await;
    check(Fault::NoDone, "chatcmpl&Whole", "\"stop\"&Whole").await;
    both(Fault::Stall(MILLI), "chatcmpl&Whole").await;
    both(Fault::StallMidway(MILLI), "chatcmpl&Whole").await;
    both(Fault::SlowHead(Duration::ZERO), "chatcmpl&Whole").await;
    both(Fault::Drip(Duration::ZERO), "chatcmpl&Whole").await;
}

#[tokio::test]
async fn malformed_answers_cannot_be_read() {
    let reply = async |fault, body: String| {
        let server = struck_by(fault);
        let reply = Caller::open(server.address()).await.post(&[], &body).await;
        assert_eq!(reply.ended, Ended::Whole);
        reply.body
    };
    for fault in [Fault::MalformedJson, Fault::MalformedEvent] {
        let plain = reply(fault, chat(0, "hi")).await;
        assert!(serde_json::from_str::<Value>(&plain).is_err(), "{plain}");
    }
    let body = reply(Fault::MalformedJson, streamed(&chat(0, "hi"), false)).await;
    let broken = body.split_terminator("\n\n").filter(|event| {
        let data = event.strip_prefix("data: ").expect("its field");
        data != "[DONE]" && serde_json::from_str::<Value>(data).is_err()
    });
    assert_eq!(broken.count(), 1);
    let body = reply(Fault::MalformedEvent, streamed(&chat(0, "hi"), false)).await;
    let unframed = body
        .split_terminator("\n\n")
        .filter(|event| !event.starts_with("data: "));
    assert_eq!(unframed.count(), 1);
    let body = reply(Fault::NoDone, streamed(&chat(0, "hi"), false)).await;
    assert!(!body.contains("[DONE]"));
}

#[tokio::test]
async fn a_fault_can_be_wished_for() {
    let calls = Calls {
        wish: Some("cut".to_owned()),
        ..Calls::any()
    };
    let server = server(Script::new().with_fault(Fault::Status(502), calls, Trigger::Always));
    let mut caller = Caller::open(server.address()).await;
    let wished = caller
        .post(&[("x-stub-fault", "cut")], &chat(0, "hi"))
        .await;
    assert_eq!(wished.status(), 502);
    assert_eq!(caller.post(&[], &chat(0, "hi")).await.status(), 200);
}
