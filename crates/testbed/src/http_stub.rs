//! The server under the HTTP stubs: wiremock, with a lid on what it keeps.
//!
//! wiremock runs each server on a thread of its own with its own current-thread runtime, so a stub's CPU time is
//! never in its caller's thread. Switching its recording off is not enough to keep it small: every mock also keeps
//! a clone of each request it matched, some 6 kB apiece, for as long as the mock is mounted. So one catch-all mock
//! hands every request to a [`Handler`], and is replaced by a fresh one each time it has collected enough.
//!
//! Servers are not taken from wiremock's pool (pooled servers always record); starting one is a bind, a thread and
//! one connect, under a millisecond.

pub(crate) mod ledger;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    thread::JoinHandle,
    time::Duration,
};

use tokio::task::coop::unconstrained;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::thread_clock::ThreadClock;

/// The mounted mock is replaced after this many requests, about 6 MB of them.
const KEPT_REQUESTS: usize = 1_024;

/// Or after this many bytes of request bodies, whichever comes first.
const KEPT_BODY_BYTES: usize = 8 * 1024 * 1024;

/// Taken off every delay: the server's timer rounds a delay up to its next whole millisecond, and the poll that waits
/// for it does so again, each by half a millisecond on the average. Callers on loopback then see a mean that is up to
/// 1 % above 100 ms, and single replies up to 0.6 ms early.
const TIMER_ROUNDING: Duration = Duration::from_millis(1);

/// Answers every request of one stub, on the stub's own thread.
pub(crate) trait Handler: Send + Sync + 'static {
    /// The answer to one request.
    fn answer(&self, request: &Request) -> ResponseTemplate;
}

/// One running server. Dropping it closes the socket and ends the thread.
pub(crate) struct HttpStub {
    /// Taken by the drop alone.
    server: Option<Arc<MockServer>>,
    uri: String,
    responder: Arc<Responder>,
}

impl HttpStub {
    /// Starts a server on a free loopback port.
    pub(crate) async fn start(handler: Arc<dyn Handler>) -> Self {
        let server = MockServer::builder().disable_request_recording().start();
        let server = Arc::new(server.await);
        let responder = Arc::new(Responder {
            handler,
            server: Arc::downgrade(&server),
            kept_requests: AtomicUsize::new(0),
            kept_body_bytes: AtomicUsize::new(0),
            times_forgotten: AtomicUsize::new(0),
            thread_clock: OnceLock::new(),
        });
        server.register(responder.mock()).await;
        Self {
            uri: server.uri(),
            server: Some(server),
            responder,
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// CPU time of the server's thread so far; zero before its first request.
    pub(crate) fn busy(&self) -> Duration {
        self.responder
            .thread_clock
            .get()
            .and_then(|clock| clock.elapsed())
            .unwrap_or_default()
    }

    /// How often wiremock was made to forget its requests.
    #[cfg(test)]
    pub(crate) fn times_forgotten(&self) -> usize {
        self.responder.times_forgotten.load(Ordering::Relaxed)
    }
}

/// The response, once the latency is over.
pub(crate) fn delayed(response: ResponseTemplate, latency: Duration) -> ResponseTemplate {
    if latency.is_zero() {
        return response;
    }
    response.set_delay(latency.saturating_sub(TIMER_ROUNDING))
}

impl fmt::Debug for HttpStub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpStub").field(&self.uri).finish()
    }
}

impl Drop for HttpStub {
    fn drop(&mut self) {
        if let Some(server) = self.server.take().and_then(Arc::into_inner) {
            drop_elsewhere(server).join().ok();
        }
    }
}

/// Drops a server on a thread of its own.
///
/// Its drop blocks on its own lock. On the server's thread that could wait for itself; inside a tokio task it never
/// comes back once the task has used up its budget, because tokio then postpones even free locks until the task
/// yields.
fn drop_elsewhere(server: MockServer) -> JoinHandle<()> {
    std::thread::spawn(move || drop(server))
}

struct Responder {
    handler: Arc<dyn Handler>,
    server: Weak<MockServer>,
    kept_requests: AtomicUsize,
    kept_body_bytes: AtomicUsize,
    times_forgotten: AtomicUsize,
    thread_clock: OnceLock<ThreadClock>,
}

struct SharedResponder(Arc<Responder>);

impl Respond for SharedResponder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.thread_clock.get_or_init(ThreadClock::of_this_thread);
        let response = self.0.handler.answer(request);
        if self.0.keep(request.body.len()) {
            self.0.forget();
        }
        response
    }
}

impl Responder {
    fn mock(self: &Arc<Self>) -> Mock {
        Mock::given(any()).respond_with(SharedResponder(self.clone()))
    }

    /// Counts one request that wiremock now keeps; true when it is time to forget.
    fn keep(&self, body_bytes: usize) -> bool {
        // Requests are handled one at a time under wiremock's lock, so plain adds are exact.
        let n_requests = self.kept_requests.fetch_add(1, Ordering::Relaxed) + 1;
        let n_bytes = self
            .kept_body_bytes
            .fetch_add(body_bytes, Ordering::Relaxed)
            + body_bytes;
        n_requests >= KEPT_REQUESTS || n_bytes >= KEPT_BODY_BYTES
    }

    /// Replaces the mounted mock, and with it everything wiremock keeps.
    ///
    /// Must be called while a request is being handled. Its handler then holds wiremock's lock, which is fair, so
    /// the first poll puts "drop all mocks" and "mount the new one" next to each other in the lock's queue and no
    /// request can come between them and find nothing mounted.
    fn forget(self: &Arc<Self>) {
        let Some(server) = self.server.upgrade() else {
            return;
        };
        self.kept_requests.store(0, Ordering::Relaxed);
        self.kept_body_bytes.store(0, Ordering::Relaxed);
        self.times_forgotten.fetch_add(1, Ordering::Relaxed);
        let mock = self.mock();
        let replace: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            futures::join!(server.reset(), server.register(mock));
            // Not joined: this is the server's own thread.
            if let Some(last) = Arc::into_inner(server) {
                drop_elsewhere(last);
            }
        });
        // Without this, a used-up budget could keep either of the two out of the queue.
        let mut replace = unconstrained(replace);
        let queued = Pin::new(&mut replace).poll(&mut Context::from_waker(Waker::noop()));
        if queued.is_pending() {
            tokio::spawn(replace);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fine;

    impl Handler for Fine {
        fn answer(&self, _request: &Request) -> ResponseTemplate {
            ResponseTemplate::new(200)
        }
    }

    /// One keep-alive connection, requests one after another; returns the status lines that were not 200.
    async fn hammer(uri: &str, n_requests: usize) -> Vec<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = uri.trim_start_matches("http://").to_owned();
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let mut refused = Vec::new();
        let mut buffer = [0; 1024];
        for _ in 0..n_requests {
            let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut reply = String::new();
            while !reply.contains("\r\n\r\n") {
                let n_read = stream.read(&mut buffer).await.unwrap();
                assert_ne!(n_read, 0, "the stub hung up");
                reply.push_str(std::str::from_utf8(&buffer[..n_read]).unwrap());
            }
            if !reply.starts_with("HTTP/1.1 200") {
                refused.push(reply);
            }
        }
        refused
    }

    #[tokio::test]
    async fn forgetting_requests_loses_none_of_them() {
        let stub = HttpStub::start(Arc::new(Fine)).await;
        let uri = stub.uri().to_owned();
        let clients = (0..4).map(|_| hammer(&uri, KEPT_REQUESTS));
        let refused: Vec<_> = futures::future::join_all(clients).await;
        assert_eq!(refused.concat(), Vec::<String>::new());
        assert_eq!(stub.times_forgotten(), 4);
    }

    /// More of them than one task's budget has locks to take.
    #[tokio::test]
    async fn many_stubs_live_and_die_in_one_task() {
        let mut stubs = Vec::new();
        for _ in 0..100 {
            stubs.push(HttpStub::start(Arc::new(Fine)).await);
        }
        let last = stubs.last().map(|stub| stub.uri().to_owned());
        let refused = hammer(&last.unwrap(), 1).await;
        assert_eq!(refused, Vec::<String>::new());
        drop(stubs);
    }

    #[tokio::test]
    async fn busy_time_is_that_of_the_server_thread() {
        let stub = HttpStub::start(Arc::new(Fine)).await;
        assert_eq!(stub.busy(), Duration::ZERO);
        hammer(stub.uri(), 50).await;
        assert!(stub.busy() > Duration::ZERO);
    }
}
