//! When answers come, and when nobody listens.

use super::wire::{Caller, chat, get, streamed};
use super::{MILLI, server};
use crate::llm::latency::Latency;
use crate::llm::script::{Reply, Script};
use crate::llm::server::LlmServer;
use crate::llm::server::settings::Settings;
use crate::llm::server::windows::Window;

#[tokio::test]
async fn times_are_those_of_seed_and_request_whoever_else_asks() {
    let latency = Latency::LogNormal {
        median: MILLI,
        p99: 4 * MILLI,
        max: 8 * MILLI,
    };
    let script = || Script::new().with_seed(7).with_latency(latency.clone());
    let drawn = async |order: &[&str]| {
        let server = server(script());
        let mut caller = Caller::open(server.address()).await;
        for query in order {
            caller.post(&[("x-ark-query", query)], &chat(0, "hi")).await;
        }
        let mut drawn: Vec<(String, u64)> = server
            .recent()
            .into_iter()
            .map(|recent| (recent.execution.to_string(), recent.drawn_us))
            .collect();
        drawn.sort();
        drawn
    };
    let first = drawn(&["a/1", "a/2", "a/3"]).await;
    assert_eq!(first, drawn(&["a/3", "a/1", "a/2"]).await);
    assert!(first[0].1 != first[1].1, "{first:?}");
}

#[tokio::test]
async fn an_answer_is_never_early_and_the_ledger_knows_how_late_it_was() {
    let script = Script::new()
        .with_latency(Latency::Fixed(20 * MILLI))
        .with_inter_token(Latency::Fixed(5 * MILLI))
        .otherwise(Reply::Tokens(5));
    let server = server(script);
    for body in [chat(0, "hi"), streamed(&chat(0, "hi"), false)] {
        let mut caller = Caller::open(server.address()).await;
        let began = tokio::time::Instant::now();
        caller.post(&[], &body).await;
        assert!(began.elapsed() >= 40 * MILLI);
    }
    let recent = server.recent();
    assert_eq!([recent[0].drawn_us, recent[1].drawn_us], [40_000, 20_000]);
    for recent in recent {
        assert!(recent.first_us >= recent.arrived_us + recent.drawn_us);
        assert!(recent.ended_us >= recent.arrived_us + 40_000);
    }
    assert_eq!(server.tally().lateness.count, 2);
}

#[tokio::test]
async fn a_stall_holds_whatever_is_due_in_it() {
    let server = server(Script::new());
    let lasts = 60 * MILLI;
    let at = server.elapsed();
    server.stall(Window { at, lasts });
    Caller::open(server.address())
        .await
        .post(&[], &chat(0, "hi"))
        .await;
    assert!(server.elapsed() >= at + lasts);

    let asked = server.elapsed();
    let stalled = get(server.address(), "POST /stub/stall?lasts=50ms").await;
    assert_eq!(stalled.status(), 200);
    Caller::open(server.address())
        .await
        .post(&[], &chat(0, "hi"))
        .await;
    assert!(server.elapsed() >= asked + 50 * MILLI);
    let soon = get(server.address(), "POST /stub/stall?lasts=soon").await;
    assert_eq!(soon.status(), 400);
}

#[tokio::test]
async fn nobody_listens_while_connections_are_refused() {
    let settings = Settings {
        refusals: vec![Window {
            at: 30 * MILLI,
            lasts: 150 * MILLI,
        }],
        threads: Some(1),
        ..Settings::default()
    };
    let server = LlmServer::start(&settings).expect("a free port");
    let mut n_refused = 0;
    while server.elapsed() < 400 * MILLI {
        match tokio::net::TcpStream::connect(server.address()).await {
            Ok(_) if n_refused > 0 => break,
            Ok(_) => {}
            Err(error) => {
                // Those that were still waiting to be taken are reset.
                let is_refused = error.kind() == std::io::ErrorKind::ConnectionRefused;
                n_refused += usize::from(is_refused);
            }
        }
        tokio::time::sleep(MILLI).await;
    }
    assert!(n_refused > 0);
    let reply = Caller::open(server.address())
        .await
        .post(&[], &chat(0, "hi"))
        .await;
    assert_eq!(reply.status(), 200);
}
