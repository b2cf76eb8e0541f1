//! The client against the stub over loopback, and against an in-process provider under paused time.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use parking_lot::Mutex;
use testbed::llm::{
    LlmStub,
    script::{Calls, Fault, Script, Trigger},
};

use super::*;
use crate::{
    llm::{conversation::Conversation, endpoint::EndpointSpec},
    transport::TransportError,
};

const SECOND: Duration = Duration::from_secs(1);

fn endpoint(base_url: &str) -> Endpoint {
    let spec = EndpointSpec {
        model: "gpt".into(),
        base_url: base_url.into(),
        api_key: "sk-1".into(),
        ..EndpointSpec::default()
    };
    Endpoint::openai(&spec).unwrap()
}

fn body(endpoint: &Endpoint) -> Bytes {
    let mut conversation = Conversation::new();
    conversation.user("hi");
    conversation.body(endpoint, b"")
}

/// Asks once for target 0 of `a/q`.
async fn ask(client: &LlmClient, endpoint: &Endpoint, deadline: Option<Duration>) -> Called {
    let trace = Trace::new("a", "q", 0);
    let call = Call {
        endpoint,
        body: body(endpoint),
        trace: &trace,
        deadline: deadline.map(|left| Instant::now() + left),
    };
    client.complete(&call).await
}

/// A client whose own back-off is over before a test notices. With the stub it has all the time in the world: how
/// long that takes is up to the machine, so timeouts are tested under paused time.
fn hasty() -> LlmClient {
    LlmClient::new(LlmConfig {
        retry: RetryPolicy {
            base: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        ..LlmConfig::default()
    })
}

async fn stub(fault: Fault, trigger: Trigger) -> LlmStub {
    LlmStub::start(Script::new().with_fault(fault, Calls::any(), trigger)).await
}

#[tokio::test]
async fn an_answer_comes_with_its_usage_and_the_call_is_traced() {
    let stub = LlmStub::start(Script::new().with_api_key("sk-1")).await;
    let called = ask(&hasty(), &endpoint(&stub.base_url()), None).await;
    let completion = called.result.unwrap();
    assert_eq!(completion.content, "answer to a/q#0 turn 0");
    assert!(completion.usage.total_tokens > 0);
    assert_eq!(called.attempts, 1);
    let target = ("a/q".to_owned(), Some(0));
    assert_eq!(stub.calls_by_target().into_iter().next(), Some((target, 1)));
}

#[tokio::test]
async fn a_server_error_is_retried_and_counts_two_calls() {
    let stub = stub(Fault::Status(500), Trigger::Next(1)).await;
    let called = ask(&hasty(), &endpoint(&stub.base_url()), None).await;
    assert!(called.result.is_ok());
    assert_eq!((called.attempts, stub.calls(), stub.answered()), (2, 2, 1));
}

#[tokio::test]
async fn the_last_refusal_is_the_error() {
    let stub = stub(Fault::Status(503), Trigger::Always).await;
    let called = ask(&hasty(), &endpoint(&stub.base_url()), None).await;
    let error = called.result.unwrap_err();
    assert_eq!(stub.calls(), 3);
    assert_eq!(error.status_label(), "llm_refused");
    let text = error.to_string();
    let wanted = "model `gpt` refused the call with status 503: {\"error\":{\"message\":\"the stub";
    assert!(text.starts_with(wanted), "{text}");
}

#[tokio::test]
async fn faults_that_no_retry_mends_are_called_once() {
    let check = async |fault: Fault, wanted: &str| {
        let stub = stub(fault, Trigger::Always).await;
        let called = ask(&hasty(), &endpoint(&stub.base_url()), None).await;
        let text = called.result.unwrap_err().to_string();
        assert!(text.contains(wanted), "{fault:?}: {text}");
        assert_eq!(stub.calls(), 1, "{fault:?}");
    };
    check(Fault::QuotaExhausted, "status 429: {\"error\"").await;
    check(Fault::Status(400), "status 400").await;
    check(Fault::MalformedJson, "status 200 and a malformed body (EOF").await;
    check(Fault::NotJson, "<html><body>Bad gateway").await;
    check(Fault::EmptyChoices, "status 200 and no choices").await;
}

#[tokio::test]
async fn nobody_at_the_address_is_retried_and_then_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let called = ask(&hasty(), &endpoint(&format!("http://{address}/v1")), None).await;
    assert_eq!(called.attempts, 3);
    let text = called.result.unwrap_err().to_string();
    let wanted = format!("failed to call model `gpt` at `{address}`: failed to connect: ");
    assert!(text.starts_with(&wanted), "{text}");
}

/// The first calls of a burst may have ended before its last ones begin, so that it opens fewer connections than it is
/// wide; a pool that keeps fewer than a burst needs would open some in every burst.
#[tokio::test]
async fn a_burst_as_wide_as_those_before_it_opens_no_connection() {
    let stub = LlmStub::start(Script::new()).await;
    let (client, endpoint) = (hasty(), endpoint(&stub.base_url()));
    let burst = async || {
        let calls = (0..256).map(|_| ask(&client, &endpoint, None));
        let called = futures::future::join_all(calls).await;
        let failed = called
            .iter()
            .find_map(|called| called.result.as_ref().err());
        assert!(failed.is_none(), "{failed:?}");
        local_ports(&endpoint)
    };
    let mut before = burst().await;
    for _ in 0..10 {
        let after = burst().await;
        if after.is_subset(&before) {
            return;
        }
        before = after;
    }
    panic!("the last burst too opened some, up to {}", before.len());
}

/// Local ports of the established connections to the endpoint, as the kernel lists them.
fn local_ports(endpoint: &Endpoint) -> std::collections::BTreeSet<String> {
    let port = endpoint.uri().port_u16().unwrap();
    let remote = format!("0100007F:{port:04X}");
    let table = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(2) == Some(&&*remote) && row.get(3) == Some(&"01"))
        .map(|row| row[1].to_owned())
        .collect()
}

/// A provider in process: gives its replies in turn, then answers.
#[derive(Debug, Default)]
struct Provider {
    replies: Mutex<VecDeque<(u16, Option<String>)>>,
    latency: Duration,
    n_running: AtomicUsize,
    most_running: AtomicUsize,
    sent: Mutex<Vec<Instant>>,
}

impl Provider {
    fn saying(replies: &[(u16, Option<&str>)]) -> Arc<Self> {
        let replies = replies.iter();
        let replies = replies.map(|(status, wait)| (*status, wait.map(str::to_owned)));
        Arc::new(Self {
            replies: Mutex::new(replies.collect()),
            ..Self::default()
        })
    }

    /// Time from each request to the next.
    fn pauses(&self) -> Vec<Duration> {
        let sent = self.sent.lock();
        sent.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

impl Transport for Provider {
    fn send(
        &self,
        _request: Request<Full<Bytes>>,
        _max_body: usize,
    ) -> BoxFuture<'_, Result<Reply, TransportError>> {
        async {
            self.sent.lock().push(Instant::now());
            let n_running = self.n_running.fetch_add(1, Ordering::Relaxed) + 1;
            self.most_running.fetch_max(n_running, Ordering::Relaxed);
            tokio::time::sleep(self.latency).await;
            self.n_running.fetch_sub(1, Ordering::Relaxed);
            let (status, wait) = self.replies.lock().pop_front().unwrap_or((200, None));
            let mut headers = HeaderMap::new();
            if let Some(wait) = wait {
                headers.insert(RETRY_AFTER, wait.parse().unwrap());
            }
            let body = match status {
                200 => Bytes::from_static(br#"{"choices":[{"message":{"content":"yes"}}]}"#),
                _ => Bytes::from("é".repeat(300)),
            };
            Ok(Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers,
                body,
                is_cut: false,
            })
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_to_the_second() {
    let provider = Provider::saying(&[(429, Some("7")), (429, Some("20"))]);
    let client = LlmClient::over(provider.clone(), LlmConfig::default());
    let called = ask(&client, &endpoint("http://p"), Some(60 * SECOND)).await;
    assert!(called.result.is_ok());
    assert_eq!(provider.pauses(), [7 * SECOND, 20 * SECOND]);
    assert_eq!(
        called.took,
        Duration::ZERO,
        "pauses are no part of the calls"
    );
}

#[tokio::test(start_paused = true)]
async fn a_model_that_does_not_answer_in_time_is_called_once() {
    let provider = Arc::new(Provider {
        latency: 10 * SECOND,
        ..Provider::default()
    });
    let config = LlmConfig {
        request_timeout: 3 * SECOND,
        ..LlmConfig::default()
    };
    let client = LlmClient::over(provider.clone(), config);
    let called = ask(&client, &endpoint("http://p"), None).await;
    let text = called.result.unwrap_err().to_string();
    assert_eq!(text, "model `gpt` did not answer within 3s");
    assert_eq!((called.attempts, called.took), (1, 3 * SECOND));
    assert_eq!(provider.sent.lock().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_deadline_fails_at_once_with_the_servers_words() {
    let provider = Provider::saying(&[(429, Some("7"))]);
    let client = LlmClient::over(provider.clone(), LlmConfig::default());
    let started = Instant::now();
    let called = ask(&client, &endpoint("http://p"), Some(5 * SECOND)).await;
    let error = called.result.unwrap_err();
    assert_eq!(error.status_label(), "llm_rate_limited");
    let excerpt = "é".repeat(200);
    let wanted = format!("model `gpt` refused the call with status 429: {excerpt}");
    assert_eq!(error.to_string(), wanted);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn back_off_grows_and_repeats_from_run_to_run() {
    let pauses = async || {
        let provider = Provider::saying(&[(500, None), (502, None)]);
        let client = LlmClient::over(provider.clone(), LlmConfig::default());
        assert!(
            ask(&client, &endpoint("http://p"), None)
                .await
                .result
                .is_ok()
        );
        provider.pauses()
    };
    let first = pauses().await;
    assert!(first[0] >= SECOND * 3 / 8 && first[0] <= SECOND / 2 + SECOND / 500);
    assert!(first[1] >= SECOND * 3 / 4 && first[1] <= SECOND + SECOND / 500);
    assert_eq!(pauses().await, first);
}

#[tokio::test(start_paused = true)]
async fn calls_in_flight_are_bounded_and_waiting_is_measured_apart() {
    let provider = Arc::new(Provider {
        latency: SECOND,
        ..Provider::default()
    });
    let config = LlmConfig {
        max_in_flight: 2,
        ..LlmConfig::default()
    };
    let client = LlmClient::over(provider.clone(), config);
    let endpoint = endpoint("http://p");
    let calls = (0..5).map(|_| ask(&client, &endpoint, None));
    let called = futures::future::join_all(calls).await;
    let waited: Vec<u64> = called
        .iter()
        .map(|called| called.waited.as_secs())
        .collect();
    assert_eq!(waited, [0, 0, 1, 1, 2]);
    assert!(called.iter().all(|called| called.took == SECOND));
    assert_eq!(provider.most_running.load(Ordering::Relaxed), 2);
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_a_retry_holds_no_slot() {
    let provider = Provider::saying(&[(429, Some("10"))]);
    let config = LlmConfig {
        max_in_flight: 1,
        ..LlmConfig::default()
    };
    let client = LlmClient::over(provider, config);
    let endpoint = endpoint("http://p");
    let (pausing, other) = tokio::join!(ask(&client, &endpoint, None), async {
        let called = ask(&client, &endpoint, None).await;
        (called, Instant::now())
    });
    let (other, ended) = other;
    assert!(pausing.result.is_ok() && other.result.is_ok());
    assert_eq!(ended.elapsed(), 10 * SECOND);
}
