//! The LLM stub for load beside a bare hyper server: the same requests over the same kept-alive connections, in turns.
//!
//! The suite runs a few requests and asserts that all are answered; how fast is printed, and for people to judge.
//! `PLIMSOLL_STUB_REQUESTS` sets the requests of each turn; `crates/testbed/README.md` has the command and a result.

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use testbed::llm::server::{LlmServer, settings::Settings};

const CONNECTIONS: usize = 50;
const ROUNDS: usize = 5;

/// An answer of the bare server, as long as one of the stub's.
const HELLO: &str = r#"{"id":"chatcmpl-0000000000000000","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"answer to load/query#0 turn 0"},"finish_reason":"stop"}],"usage":{"prompt_tokens":80,"completion_tokens":7,"total_tokens":87}}"#;

/// Reads the request and says hello.
async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    request.into_body().collect().await.ok();
    let mut response = Response::new(Full::new(Bytes::from_static(HELLO.as_bytes())));
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

/// A hyper server on a thread of its own, until the process ends.
fn bare() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("a socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let serving =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(hello));
                tokio::spawn(serving);
            }
        });
    });
    address
}

/// Kept-alive connections of one caller.
struct Callers {
    streams: Vec<TcpStream>,
    buffer: Vec<u8>,
    n_asked: usize,
}

impl Callers {
    fn open(address: SocketAddr) -> Self {
        let open = |_| {
            let stream = TcpStream::connect(address).expect("it listens");
            stream.set_nodelay(true).expect("a TCP socket");
            stream
        };
        Self {
            streams: (0..CONNECTIONS).map(open).collect(),
            buffer: vec![0; 16 * 1024],
            n_asked: 0,
        }
    }

    /// Sends so many requests, one on every connection at once, and checks every reply.
    fn ask(&mut self, n_requests: usize) -> Duration {
        let padding = "Answer briefly. ".repeat(16);
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"{padding}"}},{{"role":"user","content":"hi"}}]}}"#
        );
        let began = Instant::now();
        for _ in 0..n_requests / CONNECTIONS {
            for stream in &mut self.streams {
                self.n_asked += 1;
                let request = format!(
                    "POST /v1/chat/completions HTTP/1.1\r\nhost: stub\r\nx-ark-query: load/{}\r\nx-ark-target: 0\r\n\
                     content-length: {}\r\n\r\n{body}",
                    self.n_asked,
                    body.len()
                );
                stream.write_all(request.as_bytes()).expect("it reads");
            }
            for stream in &mut self.streams {
                let mut n_read = 0;
                while !self.buffer[..n_read].ends_with(b"}}") {
                    let read = stream.read(&mut self.buffer[n_read..]).expect("it answers");
                    assert_ne!(read, 0, "it hung up");
                    n_read += read;
                }
                assert!(self.buffer.starts_with(b"HTTP/1.1 200"));
            }
        }
        began.elapsed()
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "how fast it was is for people to judge"
)]
#[expect(clippy::cast_precision_loss, reason = "a few million requests")]
fn the_stub_answers_everything_that_a_bare_server_answers() {
    let n_requests = std::env::var("PLIMSOLL_STUB_REQUESTS");
    let n_requests: usize = n_requests.map_or(500, |text| text.parse().expect("a number"));
    let settings = Settings {
        threads: Some(1),
        ..Settings::default()
    };
    let stub = LlmServer::start(&settings).expect("a free port");
    let mut callers = [Callers::open(bare()), Callers::open(stub.address())];
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let [hyper, ours] = callers.each_mut().map(|callers| {
            let took = callers.ask(n_requests);
            n_requests as f64 / took.as_secs_f64()
        });
        println!("round {round}: hyper {hyper:.0}/s, stub {ours:.0}/s");
        ratios.push(ours / hyper);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "stub ÷ hyper: median {:.3}, all {ratios:.3?}",
        ratios[ROUNDS / 2]
    );
    let tally = stub.tally();
    let n_all = (n_requests / CONNECTIONS * CONNECTIONS * ROUNDS) as u64;
    assert_eq!(
        (tally.calls, tally.answered, tally.duplicated),
        (n_all, n_all, 0)
    );
    let busy = Duration::from_micros(tally.busy_us).div_f64(n_all as f64);
    println!("stub: {busy:?} of CPU per request");
}
