//! A collector that takes, refuses or is not there.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::driver::Start;
use crate::driver::null::Null;
use crate::outcome::Outcome;
use crate::run::{RunSettings, run};
use crate::sample::Times;
use crate::scenario::Scenario;

/// A collector that answers with these statuses one after the other, and then with success.
#[derive(Clone, Default)]
struct Collector {
    refusals: Arc<Mutex<Vec<u16>>>,
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    fn refusing(refusals: &[u16]) -> Self {
        Self {
            refusals: Arc::new(Mutex::new(refusals.to_vec())),
            ..Self::default()
        }
    }

    /// Serves on a thread that ends with the test's process.
    fn listen(&self) -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        listener.set_nonblocking(true).expect("a socket");
        let collector = self.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(collector.serve(listener));
        });
        format!("http://{address}")
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let listener = TcpListener::from_std(listener).expect("a socket");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let collector = self.clone();
            let service = service_fn(move |request| collector.clone().answer(request));
            let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(serving.await) });
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!(request.uri().path(), "/v1/traces");
        assert_eq!(request.headers()[CONTENT_TYPE], "application/x-protobuf");
        let body = request.into_body().collect().await.expect("a body");
        let request = ExportTraceServiceRequest::decode(body.to_bytes()).expect("a request");
        self.requests.lock().push(request);
        let mut refusals = self.refusals.lock();
        let status = match refusals.is_empty() {
            true => 200,
            false => refusals.remove(0),
        };
        let response = Response::builder().status(status);
        Ok(response.body(Full::default()).expect("a response"))
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.requests.lock();
        let scopes = requests
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn begin(endpoint: &str) -> Traces {
    Traces::begin(endpoint, "test".to_owned(), vec!["query".to_owned()]).expect("it begins")
}

/// Tells of one operation that took 30 ms.
fn tell(traces: &Traces, id: u64, outcome: Outcome) {
    let start = Start {
        id,
        operation: 0,
        tenant: 2,
        agent: 1,
    };
    let ms = Duration::from_millis;
    let times = Times {
        intended: ms(10),
        sent: Some(ms(12)),
        acknowledged: Some(ms(15)),
        running: Some(ms(20)),
        done: Some(ms(40)),
        ..Times::default()
    };
    traces.ended(&Ended {
        start: &start,
        times: &times,
        outcome,
        begin: Instant::now(),
    });
}

#[test]
fn an_operation_is_a_span_from_its_intended_start_with_its_events_and_its_outcome() {
    let collector = Collector::default();
    let traces = begin(&collector.listen());
    tell(&traces, 7, Outcome::Done);
    tell(&traces, 8, Outcome::Failed);
    let sent = traces.finish();
    assert_eq!((sent.taken, sent.lost, sent.reason), (2, 0, None));

    let spans = collector.spans();
    let [done, failed] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(done.name, "query");
    assert_eq!(
        done.end_time_unix_nano - done.start_time_unix_nano,
        30_000_000
    );
    let events: Vec<(&str, u64)> = done
        .events
        .iter()
        .map(|event| {
            let after = event.time_unix_nano - done.start_time_unix_nano;
            (event.name.as_str(), after / 1_000_000)
        })
        .collect();
    assert_eq!(events, [("sent", 2), ("acknowledged", 5), ("running", 10)]);
    assert_eq!(done.status, None);
    let status = failed.status.clone().expect("it failed");
    assert_eq!(status.code, SpanStatus::Error as i32);
    assert_eq!(status.message, "failed");
    assert_eq!((done.trace_id.len(), done.span_id.len()), (16, 8));
    assert_ne!(done.trace_id, failed.trace_id);
}

#[test]
fn a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let busy = Collector::refusing(&[503, 429]);
    let traces = begin(&busy.listen());
    tell(&traces, 0, Outcome::Done);
    assert_eq!(traces.finish().taken, 1);
    assert_eq!(busy.requests.lock().len(), 3);

    let refusing = Collector::refusing(&[400]);
    let traces = begin(&refusing.listen());
    tell(&traces, 0, Outcome::Done);
    let sent = traces.finish();
    assert_eq!((sent.taken, sent.lost), (0, 1));
    assert!(sent.reason.expect("why").contains("400"));
    assert_eq!(refusing.requests.lock().len(), 1);
}

#[test]
fn a_collector_that_is_not_there_loses_spans_and_says_why() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let traces = begin(&format!("http://{address}"));
    tell(&traces, 0, Outcome::Done);
    let sent = traces.finish();
    assert_eq!((sent.taken, sent.lost), (0, 1));
    assert!(sent.reason.expect("why").contains("connect"));
}

#[test]
fn an_address_that_is_none_is_named() {
    for endpoint in ["collector", "ftp://collector", "http://col lector"] {
        let begun = Traces::begin(endpoint, "test".to_owned(), Vec::new());
        let error = begun.expect_err("no URL").to_string();
        assert!(error.contains(endpoint), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_of_every_operation() {
    let collector = Collector::default();
    let traces = Arc::new(begin(&collector.listen()));
    let text = "text = \"A test.\"\n[closed]\nusers = 3\nqueries = 30\n\
        [llm]\nlatency = [\"1ms\", \"1ms\"]\n";
    let scenario = Scenario::parse(Path::new("test.toml"), text).expect("a scenario");
    let settings = RunSettings {
        witness: Some(traces.clone()),
        ..RunSettings::alone("test", Duration::from_secs(20))
    };
    let interrupt = CancellationToken::new();
    let driver = Arc::new(Null::default());
    let ran = run(&scenario, driver, &settings, interrupt, |_| {}).await;
    assert_eq!(ran.expect("it runs").started, 30);
    let sent = tokio::task::spawn_blocking(move || traces.finish()).await;
    assert_eq!(sent.expect("it ends").taken, 30);
    assert_eq!(collector.spans().len(), 30);
}
