//! HTTP from the control plane to models and tools: one pooled set of connections for all of them.
//!
//! What a request says and what a reply means is the business of [`llm`](crate::llm) and [`tool`](crate::tool).

mod connection;
mod pool;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};

pub use self::{connection::ReplyBody, pool::Pool};

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

/// Reads up to `max_body` bytes; a body that came in one piece is not copied.
async fn read(mut body: ReplyBody, max_body: usize) -> Result<(Bytes, bool), hyper::Error> {
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
