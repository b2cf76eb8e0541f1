//! Connections that are kept open between requests.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hashbrown::HashMap;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use parking_lot::Mutex;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::connection::{Connection, ReplyBody};
use super::{Reply, Transport, TransportError, causes, read};

/// Idle connections are closed after this time, at the next request to the same address.
///
/// Shorter than the usual 60 s of servers' own keep-alive would reconnect often, longer would meet closed sockets.
pub(super) const IDLE: Duration = Duration::from_secs(50);

/// A connection that is not there by then will not come.
const CONNECT: Duration = Duration::from_secs(10);

/// The pooled connections of this process; HTTP/1.1.
///
/// A connection belongs to the runtime on which it was opened, and ends with it. The number of idle connections is not
/// bounded, because the calls in flight are; so a burst as wide as an earlier one opens none.
pub struct Pool {
    plain: HttpConnector,
    /// Made when first needed: loading the machine's certificates takes tens of milliseconds.
    tls: OnceLock<Result<HttpsConnector<HttpConnector>, String>>,
    addresses: Mutex<HashMap<(bool, Authority), Arc<Idle>>>,
}

/// How to open a connection.
enum Connector<'a> {
    Plain(&'a HttpConnector),
    Tls(&'a HttpsConnector<HttpConnector>),
}

/// The idle connections to one address.
pub(super) struct Idle {
    /// What requests call the address.
    host: HeaderValue,
    /// Whoever was used last stands at the end, and is used next.
    connections: Mutex<VecDeque<(Instant, Connection)>>,
}

impl Pool {
    /// A pool without connections.
    pub fn new() -> Self {
        Self {
            plain: connector(),
            tls: OnceLock::new(),
            addresses: Mutex::default(),
        }
    }

    /// Whether requests to `uri` can be sent at all; connects to nothing.
    ///
    /// # Errors
    /// [`TransportError::Scheme`], and [`TransportError::Certificates`] for `https`.
    pub fn check(&self, uri: &Uri) -> Result<(), TransportError> {
        self.connector(uri).map(|_| ())
    }

    /// Sends `request`, and leaves the body of its reply to be read as it comes.
    ///
    /// # Errors
    /// All of [`TransportError`]. No timeout is applied; dropping the future closes the connection that it used.
    pub async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<ReplyBody>, TransportError> {
        let connector = self.connector(request.uri())?;
        let idle = self.idle(&connector, request.uri());
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or(PathAndQuery::from_static("/"));
        let uri = std::mem::replace(request.uri_mut(), path.into());
        if !request.headers().contains_key(HOST) {
            request.headers_mut().insert(HOST, idle.host.clone());
        }
        loop {
            let kept = idle.take();
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                // Seldom, and its state is many times as large as that of all the rest.
                None => connector.open(&uri).boxed().await?,
            };
            let mut failed = match connection.exchange(request).await {
                Ok(reply) => {
                    return Ok(reply.map(|body| ReplyBody::new(body, connection, idle)));
                }
                Err(failed) => failed,
            };
            // The far end closed it while nobody looked; of the request nothing was sent.
            match failed.take_message() {
                Some(unsent) if was_kept => request = unsent,
                _ => return Err(TransportError::Broken(causes(failed.error()))),
            }
        }
    }

    fn connector(&self, uri: &Uri) -> Result<Connector<'_>, TransportError> {
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => Ok(Connector::Plain(&self.plain)),
            Some(scheme) if *scheme == Scheme::HTTPS => {
                let connector = self
                    .tls
                    .get_or_init(|| tls_connector().map_err(|error| error.to_string()));
                match connector {
                    Ok(connector) => Ok(Connector::Tls(connector)),
                    Err(error) => Err(TransportError::Certificates(error.clone())),
                }
            }
            _ => Err(TransportError::Scheme(uri.to_string())),
        }
    }

    /// The idle connections to where `uri` is; it has a scheme, and so a host.
    fn idle(&self, connector: &Connector<'_>, uri: &Uri) -> Arc<Idle> {
        let authority = uri.authority().expect("what has a scheme has a host");
        let is_tls = matches!(connector, Connector::Tls(_));
        let mut addresses = self.addresses.lock();
        let address = (is_tls, authority.clone());
        if let Some(idle) = addresses.get(&address) {
            return idle.clone();
        }
        let usual = if is_tls { 443 } else { 80 };
        let host = match authority.port_u16().filter(|port| *port != usual) {
            Some(port) => HeaderValue::try_from(format!("{}:{port}", authority.host())),
            None => HeaderValue::try_from(authority.host()),
        };
        let idle = Arc::new(Idle {
            host: host.expect("hosts are of visible ASCII"),
            connections: Mutex::default(),
        });
        addresses.insert(address, idle.clone());
        idle
    }
}

impl Connector<'_> {
    async fn open(&self, uri: &Uri) -> Result<Connection, TransportError> {
        let opened = match self {
            Self::Plain(connector) => {
                let io = (*connector).clone().oneshot(uri.clone()).await;
                let io = io.map_err(|error| TransportError::Connect(causes(&error)))?;
                Connection::over(io).await
            }
            Self::Tls(connector) => {
                let io = (*connector).clone().oneshot(uri.clone()).await;
                let io = io.map_err(|error| TransportError::Connect(causes(&*error)))?;
                Connection::over(io).await
            }
        };
        opened.map_err(|error| TransportError::Connect(causes(&error)))
    }
}

impl Idle {
    /// Takes the connection that was used last, if any is fresh enough.
    fn take(&self) -> Option<Connection> {
        let mut connections = self.connections.lock();
        close_stale(&mut connections);
        connections.pop_back().map(|(_, connection)| connection)
    }

    /// Keeps a connection that can take the next request.
    pub(super) fn keep(&self, connection: Connection) {
        self.connections
            .lock()
            .push_back((Instant::now(), connection));
    }
}

fn close_stale(connections: &mut VecDeque<(Instant, Connection)>) {
    while let Some((since, _)) = connections.front()
        && since.elapsed() > IDLE
    {
        connections.pop_front();
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
            let (head, body) = self.request(request).await?.into_parts();
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
