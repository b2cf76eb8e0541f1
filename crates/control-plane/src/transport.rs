//! HTTP from the control plane to models and tools: one pooled set of connections for all of them.
//!
//! What a request says and what a reply means is the business of [`llm`](crate::llm) and [`tool`](crate::tool).

use std::{fmt, io, sync::OnceLock, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode, Uri, uri::Scheme};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

/// Idle connections are closed after this time.
///
/// Shorter than the usual 60 s of servers' own keep-alive would reconnect often, longer would meet closed sockets.
const IDLE: Duration = Duration::from_secs(50);

/// A connection that is not there by then will not come.
const CONNECT: Duration = Duration::from_secs(10);

/// Characters of a body that an error shows.
const EXCERPT: usize = 200;

/// Sends one request and reads its whole reply.
///
/// [`Pool`] is the real one; a test may answer in process, so that paused time works.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends `request`; at most `max_body` bytes of the reply's body are read.
    ///
    /// No timeout is applied here. Dropping the future closes the connection that it used.
    fn send(
        &self,
        request: Request<Full<Bytes>>,
        max_body: usize,
    ) -> BoxFuture<'_, Result<Reply, TransportError>>;
}

/// A reply that has been read to its end, or to the limit.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, or its beginning.
    pub body: Bytes,
    /// The body went on beyond the limit; the rest was not read.
    pub is_cut: bool,
}

impl Reply {
    /// The beginning of the body as text, for errors.
    pub(crate) fn excerpt(&self) -> String {
        // A character has at most four bytes, so no more need be decoded.
        let beginning = &self.body[..self.body.len().min(4 * EXCERPT)];
        let text = String::from_utf8_lossy(beginning);
        text.chars().take(EXCERPT).collect()
    }
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection was made, so the request cannot have arrived.
    #[error("failed to connect: {0}")]
    Connect(String),
    /// The connection broke after the request was, or may have been, sent.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// TLS cannot be used on this machine.
    #[error("failed to load the certificates of this machine: {0}")]
    Certificates(String),
    /// Neither `http` nor `https`.
    #[error("the scheme of `{0}` is neither http nor https")]
    Scheme(String),
}

/// The pooled connections of this process.
///
/// A pool belongs to the runtime on which it was first used: its connections are driven by tasks of that runtime,
/// and a call from another one would wait for them for ever. The number of idle connections is not bounded, because
/// the calls in flight are; so a burst as wide as an earlier one opens none.
pub struct Pool {
    plain: Client<HttpConnector, Full<Bytes>>,
    /// Made when first needed: loading the machine's certificates takes tens of milliseconds.
    tls: OnceLock<Result<TlsClient, String>>,
}

type TlsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

impl Pool {
    /// A pool without connections.
    pub fn new() -> Self {
        Self {
            plain: builder().build(connector()),
            tls: OnceLock::new(),
        }
    }

    /// Whether requests to `uri` can be sent at all; connects to nothing.
    ///
    /// # Errors
    /// [`TransportError::Scheme`], and [`TransportError::Certificates`] for `https`.
    pub fn check(&self, uri: &Uri) -> Result<(), TransportError> {
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => Ok(()),
            Some(scheme) if *scheme == Scheme::HTTPS => self.tls().map(|_| ()),
            _ => Err(TransportError::Scheme(uri.to_string())),
        }
    }

    /// Sends `request`, and leaves the body of its reply to be read as it comes.
    ///
    /// # Errors
    /// All of [`TransportError`]. No timeout is applied; dropping the future closes the connection that it used.
    pub async fn request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TransportError> {
        self.check(request.uri())?;
        let response = match request.uri().scheme() == Some(&Scheme::HTTPS) {
            true => self.tls()?.request(request),
            false => self.plain.request(request),
        };
        response.await.map_err(|error| match error.is_connect() {
            true => TransportError::Connect(causes(&error)),
            false => TransportError::Broken(causes(&error)),
        })
    }

    fn tls(&self) -> Result<&TlsClient, TransportError> {
        let client = self.tls.get_or_init(|| {
            let connector = tls_connector().map_err(|error| error.to_string())?;
            Ok(builder().build(connector))
        });
        client
            .as_ref()
            .map_err(|error| TransportError::Certificates(error.clone()))
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Transport for Pool {
    fn send(
        &self,
        request: Request<Full<Bytes>>,
        max_body: usize,
    ) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move {
            let response = self.request(request).await?;
            let (head, body) = response.into_parts();
            let (body, is_cut) = read(body, max_body)
                .await
                .map_err(|error| TransportError::Broken(causes(&error)))?;
            Ok(Reply {
                status: head.status,
                headers: head.headers,
                body,
                is_cut,
            })
        })
    }
}

fn builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(usize::MAX);
    builder
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    connector
}

fn tls_connector() -> io::Result<HttpsConnector<HttpConnector>> {
    let mut tcp = connector();
    tcp.enforce_http(false);
    let builder = HttpsConnectorBuilder::new().with_native_roots()?;
    Ok(builder.https_only().enable_http1().wrap_connector(tcp))
}

/// Reads up to `max_body` bytes; a body that came in one piece is not copied.
async fn read(mut body: Incoming, max_body: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let n_read = first.len() + rest.len();
        if n_read + data.len() > max_body {
            rest.extend_from_slice(&data[..max_body - n_read]);
            return Ok((joined(first, &rest), true));
        }
        if n_read == 0 {
            first = data;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    Ok((joined(first, &rest), false))
}

fn joined(first: Bytes, rest: &BytesMut) -> Bytes {
    if rest.is_empty() {
        return first;
    }
    let mut joined = BytesMut::with_capacity(first.len() + rest.len());
    joined.extend_from_slice(&first);
    joined.extend_from_slice(rest);
    joined.freeze()
}

/// An error and what caused it, in one line: the outermost message alone seldom says anything.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
