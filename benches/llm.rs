//! What does one call of a model cost us, and how much of what one sees is the stub?
//!
//! Timed: one chat completion over loopback HTTP on a kept-alive connection, from the serialised body to the typed
//! answer. `stub` asks over a bare socket with a prepared request, so it is the stub and the kernel and hardly
//! anything of a client; `server` is the same with the stub for load; `client` asks through `LlmClient`; the difference is ours.
//! Not timed: starting the stub, opening connections, making the conversation.
//! The stub works on a thread of its own. Wall time contains it, CPU time of our thread (the figure) does not.
//! Do not conclude anything about a model, whose answer takes ten thousand times as long.

use std::time::Duration;

use benches::{Suite, clock::cpu_time, runtime, suite_main};
use control_plane::llm::{
    Call, LlmClient, LlmConfig, Trace,
    conversation::Conversation,
    endpoint::{Endpoint, EndpointSpec},
};
use criterion::Throughput;
use futures::future::join_all;
use results::figures::Figure;
use testbed::llm::{
    LlmStub,
    script::Script,
    server::{LlmServer, settings::Settings},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

/// The wide case: as many calls as the widest Query has targets.
const WIDE: u64 = 256;

/// Calls of one turn of the client, and of the bare socket.
const N_CALLS: u32 = 200;

/// A history beyond what one socket buffer takes.
const LONG_HISTORY: usize = 64 * 1024;

/// A stub and our client for it, on a runtime of their own.
struct World {
    runtime: Runtime,
    stub: LlmStub,
    client: LlmClient,
    endpoint: Endpoint,
    trace: Trace,
    conversation: Conversation,
}

impl World {
    fn saying(input: &str) -> Self {
        let runtime = runtime::current_thread();
        let stub = runtime.block_on(LlmStub::start(Script::new()));
        let spec = EndpointSpec {
            model: "stub-model".to_owned(),
            base_url: stub.base_url(),
            api_key: "stub-key".to_owned(),
            ..EndpointSpec::default()
        };
        let mut conversation = Conversation::new();
        conversation.system("Answer briefly.");
        conversation.user(input);
        let world = Self {
            runtime,
            client: LlmClient::new(LlmConfig::default()),
            endpoint: Endpoint::openai(&spec).expect("a loopback address is a URL"),
            trace: Trace::new("default", "query", 0),
            conversation,
            stub,
        };
        let answer = world.runtime.block_on(world.ask());
        assert_eq!(answer, "answer to default/query#0 turn 0");
        assert_eq!(world.stub.calls(), 1);
        world
    }

    async fn ask(&self) -> String {
        let call = Call {
            endpoint: &self.endpoint,
            body: self.conversation.body(&self.endpoint, b""),
            trace: &self.trace,
            deadline: None,
        };
        let called = self.client.complete(&call).await;
        called.result.expect("the stub answers").content
    }

    /// What so many calls cost, through the client and over the bare socket.
    fn cpu_per_call(&self, socket: &mut BareSocket, n_calls: u32) -> CpuPerCall {
        let per_call = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(n_calls);
        let (began, stub_before) = (cpu_time(), self.stub.busy());
        self.runtime.block_on(async {
            for _ in 0..n_calls {
                self.ask().await;
            }
        });
        let (between, stub_between) = (cpu_time(), self.stub.busy());
        self.runtime.block_on(async {
            for _ in 0..n_calls {
                socket.ask().await;
            }
        });
        CpuPerCall {
            client: per_call(between - began),
            stub: per_call(stub_between - stub_before),
            socket: per_call(cpu_time() - between),
        }
    }
}

/// Microseconds of CPU time: of our thread through the client and over the bare socket, of the stub's for the former.
struct CpuPerCall {
    client: f64,
    socket: f64,
    stub: f64,
}

/// A connection without a client: a prepared request, and just enough reading to find the end of the reply.
struct BareSocket {
    stream: TcpStream,
    request: Vec<u8>,
    reply: Vec<u8>,
}

impl BareSocket {
    /// A connection to the stub of the world.
    async fn open(world: &World) -> Self {
        let address = world.endpoint.uri().authority();
        Self::open_at(world, address.expect("an absolute URL").as_str()).await
    }

    /// A connection to another stub, for the same request.
    async fn open_at(world: &World, address: &str) -> Self {
        let uri = world.endpoint.uri();
        let stream = TcpStream::connect(address).await.expect("the stub listens");
        stream.set_nodelay(true).expect("a TCP socket");
        let body = world.conversation.body(&world.endpoint, b"");
        let mut request = format!(
            "POST {} HTTP/1.1\r\nhost: {address}\r\nx-ark-query: default/query\r\nx-ark-target: 0\r\n\
             content-length: {}\r\n\r\n",
            uri.path(),
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(&body);
        Self {
            stream,
            request,
            reply: vec![0; 64 * 1024],
        }
    }

    /// The size of the reply's body.
    async fn ask(&mut self) -> usize {
        self.stream.write_all(&self.request).await.expect("a write");
        let mut n_read = 0;
        loop {
            let read = self.stream.read(&mut self.reply[n_read..]).await;
            n_read += read.expect("a read");
            if let Some(n_body) = complete_body(&self.reply[..n_read]) {
                return n_body;
            }
        }
    }
}

/// The length of the body once all of it is there.
fn complete_body(reply: &[u8]) -> Option<usize> {
    let reply = std::str::from_utf8(reply).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = lengths.next()?.1.parse().ok()?;
    (body.len() == length).then_some(length)
}

/// A world and a bare socket to its stub.
fn with_socket() -> (World, BareSocket) {
    let world = World::saying("How deep may she be loaded?");
    let mut socket = world.runtime.block_on(BareSocket::open(&world));
    assert!(world.runtime.block_on(socket.ask()) > 100);
    (world, socket)
}

fn stub(suite: &mut Suite<'_>) {
    suite.prepared(
        "stub",
        "bare_socket",
        with_socket,
        |bencher, (world, socket)| {
            bencher.iter_custom(|n_calls| {
                world.runtime.block_on(async {
                    let began = std::time::Instant::now();
                    for _ in 0..n_calls {
                        socket.ask().await;
                    }
                    began.elapsed()
                })
            });
        },
    );
}

fn server(suite: &mut Suite<'_>) {
    let set_up = || {
        let settings = Settings {
            threads: Some(1),
            ..Settings::default()
        };
        let server = LlmServer::start(&settings).expect("a free port");
        let (world, _) = with_socket();
        let address = server.address().to_string();
        let socket = BareSocket::open_at(&world, &address);
        let mut socket = world.runtime.block_on(socket);
        assert!(world.runtime.block_on(socket.ask()) > 100);
        (world, socket, server)
    };
    suite.prepared(
        "server",
        "bare_socket",
        set_up,
        |bencher, (world, socket, _)| {
            bencher.iter_custom(|n_calls| {
                world.runtime.block_on(async {
                    let began = std::time::Instant::now();
                    for _ in 0..n_calls {
                        socket.ask().await;
                    }
                    began.elapsed()
                })
            });
        },
    );
}

fn one_call(suite: &mut Suite<'_>) {
    let n_turns = if suite.keeps_figures() { 15 } else { 0 };
    let mut turns = Vec::new();
    let with_turns = || {
        let (world, mut socket) = with_socket();
        turns = (0..n_turns)
            .map(|_| world.cpu_per_call(&mut socket, N_CALLS))
            .collect();
        world
    };
    suite.prepared("client", "one_call", with_turns, |bencher, world| {
        bencher.to_async(&world.runtime).iter(|| world.ask());
    });
    let sample = |value: fn(&CpuPerCall) -> f64| turns.iter().map(value).collect::<Vec<f64>>();
    let text = "CPU time of our thread for one model call over loopback";
    let client = Figure::median_of("cpu_per_call", &sample(|turn| turn.client), "µs", text);
    let text = "CPU time of the stub's own thread for the same call";
    let stub = Figure::median_of("stub_cpu_per_call", &sample(|turn| turn.stub), "µs", text);
    // Both pay for the same system calls, sleeps and wakes: the rest is headers, body, pool, time-out and answer.
    let text = "CPU time of our thread for a call through the client over that over a bare socket";
    let ratios = sample(|turn| turn.client / turn.socket);
    let ratio = Figure::median_of("client_over_socket", &ratios, "ratio", text);
    for figure in [client, stub, ratio].into_iter().flatten() {
        suite.figure(figure);
    }
}

fn long_history(suite: &mut Suite<'_>) {
    let set_up = || World::saying(&"How deep? ".repeat(LONG_HISTORY / 10));
    suite.throughput(Throughput::Bytes(LONG_HISTORY as u64));
    suite.prepared("client", "64_kb_history", set_up, |bencher, world| {
        bencher.to_async(&world.runtime).iter(|| world.ask());
    });
}

fn wide(suite: &mut Suite<'_>) {
    let set_up = || {
        let world = World::saying("How deep may she be loaded?");
        world
            .runtime
            .block_on(join_all((0..WIDE).map(|_| world.ask())));
        world
    };
    suite.macro_cases();
    suite.throughput(Throughput::Elements(WIDE));
    suite.prepared("client", "256_at_once", set_up, |bencher, world| {
        let calls = || join_all((0..WIDE).map(|_| world.ask()));
        bencher.to_async(&world.runtime).iter(calls);
    });
}

suite_main!(stub, server, one_call, long_history, wide);
