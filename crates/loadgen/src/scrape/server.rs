//! Where the page is fetched: `GET /metrics`, on a thread of its own that has no part in the load.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Scrape;

/// The media type of the `OpenMetrics` text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Before trying again what the system refused.
const BREATH: Duration = Duration::from_millis(10);

/// Serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Dropped before the thread is waited for.
    stop: Option<DropGuard>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begins to serve.
    ///
    /// # Errors
    /// If nobody can listen there, or there is no thread to be had.
    pub fn listen(address: SocketAddr, scrape: Scrape) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serve = move || {
            runtime.block_on(stopped.run_until_cancelled(accept(listener, scrape)));
        };
        let thread = std::thread::Builder::new().name("scrape".to_owned());
        Ok(Self {
            address,
            thread: Some(thread.spawn(serve)?),
            stop: Some(stop.drop_guard()),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported where it happened.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, scrape: Scrape) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let scrape = scrape.clone();
        let service = service_fn(move |request| std::future::ready(answer(&scrape, &request)));
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new());
        let serving = builder.serve_connection(TokioIo::new(stream), service);
        // How a connection ends is its caller's business.
        tokio::spawn(async move { drop(serving.await) });
    }
}

fn answer(
    scrape: &Scrape,
    request: &Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_asked = request.method() == Method::GET && request.uri().path() == "/metrics";
    let (status, page) = match is_asked {
        true => (StatusCode::OK, scrape.page()),
        false => (StatusCode::NOT_FOUND, "ask for /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    if is_asked {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(OPEN_METRICS));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    fn fetched(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: load\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("text");
        reply
    }

    #[test]
    fn the_page_is_at_its_path_and_nowhere_else_until_the_server_is_dropped() {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::listen(any_port, Scrape::default()).expect("a free port");
        let address = server.address();
        let page = fetched(address, "/metrics");
        assert!(
            page.starts_with("HTTP/1.1 200") && page.ends_with("# EOF\n"),
            "{page}"
        );
        assert!(page.contains(OPEN_METRICS), "{page}");
        assert!(fetched(address, "/").starts_with("HTTP/1.1 404"));
        assert!(Server::listen(address, Scrape::default()).is_err());
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
