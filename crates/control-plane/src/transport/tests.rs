//! The pool against a server that counts its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::*;

const REPLY: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nahoy";

/// A server on the loopback interface that gives the same bytes in reply to everything.
struct Server {
    port: u16,
    seen: Arc<Seen>,
}

/// When a connection is closed by the server, which does not announce it.
#[derive(Clone, Copy, PartialEq)]
enum Closes {
    Never,
    AfterReply,
    AtSecondRequest,
}

#[derive(Default)]
struct Seen {
    n_connections: AtomicUsize,
    /// The heads of the requests.
    heads: Mutex<Vec<String>>,
    /// A connection was closed by the client.
    closed: Notify,
}

impl Server {
    async fn start(reply: &'static str, closes: Closes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let counted = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.n_connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, reply, closes, counted.clone()));
            }
        });
        Self { port, seen }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let uri = format!("http://127.0.0.1:{}/v1/chat?n=1", self.port);
        Request::get(uri).body(Full::default()).unwrap()
    }

    fn n_connections(&self) -> usize {
        self.seen.n_connections.load(Ordering::Relaxed)
    }

    async fn ask(&self, pool: &Pool) -> Reply {
        pool.send(self.request(), 100).await.unwrap()
    }
}

/// Requests without bodies only.
async fn serve(mut stream: TcpStream, reply: &str, closes: Closes, seen: Arc<Seen>) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    let mut is_first = true;
    loop {
        let n_read = stream.read(&mut buffer).await.unwrap_or(0);
        if n_read == 0 {
            seen.closed.notify_one();
            return;
        }
        head.extend_from_slice(&buffer[..n_read]);
        if head.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8(std::mem::take(&mut head)).unwrap();
            seen.heads.lock().push(head);
            if !is_first && closes == Closes::AtSecondRequest {
                return;
            }
            stream.write_all(reply.as_bytes()).await.unwrap();
            if closes == Closes::AfterReply {
                return;
            }
            is_first = false;
        }
    }
}

#[tokio::test]
async fn requests_that_follow_each_other_share_a_connection() {
    let server = Server::start(REPLY, Closes::Never).await;
    let pool = Pool::new();
    for _ in 0..3 {
        assert_eq!(server.ask(&pool).await.body, "ahoy");
    }
    assert_eq!(server.n_connections(), 1);
    let wanted = format!(
        "GET /v1/chat?n=1 HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n",
        server.port
    );
    assert_eq!(*server.seen.heads.lock(), vec![wanted; 3]);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_is_replaced_and_nothing_is_sent_twice() {
    let server = Server::start(REPLY, Closes::AfterReply).await;
    let pool = Pool::new();
    for n_asked in 1..=5 {
        assert_eq!(server.ask(&pool).await.body, "ahoy");
        // Time for the end of the connection to arrive.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(server.n_connections(), n_asked);
        assert_eq!(server.seen.heads.lock().len(), n_asked);
    }
}

#[tokio::test]
async fn a_reply_that_nobody_reads_frees_its_connection_if_it_is_there_and_else_closes_it() {
    let pool = Pool::new();
    let server = Server::start(REPLY, Closes::Never).await;
    for _ in 0..2 {
        drop(pool.request(server.request()).await.unwrap());
    }
    assert_eq!(server.n_connections(), 1);

    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nahoy";
    let server = Server::start(endless, Closes::Never).await;
    let reply = pool.send(server.request(), 2).await.unwrap();
    assert_eq!((&*reply.body, reply.is_cut), (&b"ah"[..], true));
    server.seen.closed.notified().await;
}

#[tokio::test]
async fn giving_a_request_up_closes_its_connection() {
    let server = Server::start("", Closes::Never).await;
    let pool = Pool::new();
    let asked = tokio::time::timeout(Duration::from_millis(50), pool.send(server.request(), 100));
    assert!(asked.await.is_err());
    server.seen.closed.notified().await;
    assert_eq!(server.seen.heads.lock().len(), 1);
}

#[tokio::test]
async fn what_was_idle_for_too_long_is_closed() {
    let server = Server::start(REPLY, Closes::Never).await;
    let pool = Pool::new();
    server.ask(&pool).await;
    // Only while nothing is asked: a clock that stands still would run ahead to the limit of connecting.
    tokio::time::pause();
    tokio::time::advance(pool::IDLE * 2).await;
    tokio::time::resume();
    server.ask(&pool).await;
    server.seen.closed.notified().await;
    assert_eq!(server.n_connections(), 2);
}

#[tokio::test]
async fn what_breaks_after_it_was_sent_is_not_sent_again() {
    let pool = Pool::new();
    let half = Server::start("HTTP/1.1 200 OK\r\ncont", Closes::AfterReply).await;
    let silent = Server::start(REPLY, Closes::AtSecondRequest).await;
    silent.ask(&pool).await;
    for (server, n_asked) in [(half, 1), (silent, 2)] {
        let error = pool.send(server.request(), 100).await.unwrap_err();
        assert!(matches!(error, TransportError::Broken(_)), "{error}");
        assert_eq!(server.seen.heads.lock().len(), n_asked);
        assert_eq!(server.n_connections(), 1);
    }
}
