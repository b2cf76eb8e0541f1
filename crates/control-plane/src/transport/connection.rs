//! One connection, driven by whoever waits for its reply: no task of its own has to be woken to write a request, and
//! again to read what comes back.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::{TrySendError, http1};
use hyper::rt::{Read, Write};

use super::pool::Idle;

/// An open connection that carries one request at a time.
pub(super) struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    /// What reads and writes; gone when the connection is over.
    wire: Option<BoxFuture<'static, hyper::Result<()>>>,
}

/// The body of a reply, to be read as it comes. When it is dropped, its connection is free for the next request, if
/// nothing of the body is left on the way; else it is closed.
pub struct ReplyBody {
    /// Empty only while it is dropped.
    open: Option<(Incoming, Connection)>,
    home: Arc<Idle>,
}

impl Connection {
    pub(super) async fn over<T>(io: T) -> hyper::Result<Self>
    where
        T: Read + Write + Unpin + Send + 'static,
    {
        let (requests, wire) = http1::handshake(io).await?;
        Ok(Self {
            requests,
            wire: Some(wire.boxed()),
        })
    }

    /// Sends `request`, and waits for the head of its reply. The error has the request in it if nothing of it was sent.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        if !self.requests.is_ready() {
            // That it was closed meanwhile is seen by the sending, which gives the request back.
            let _ = poll_fn(|cx| {
                self.drive(cx);
                self.requests.poll_ready(cx)
            })
            .await;
        }
        let mut reply = pin!(self.requests.try_send_request(request));
        poll_fn(|cx| {
            self.drive(cx);
            reply.as_mut().poll(cx)
        })
        .await
    }

    /// Reads and writes what can be. Whatever goes wrong is told to who waits for a head or a body.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(wire) = &mut self.wire
            && wire.poll_unpin(cx).is_ready()
        {
            self.wire = None;
        }
    }

    /// Whether it can take the next request at once.
    fn is_free(&self) -> bool {
        self.wire.is_some() && self.requests.is_ready()
    }
}

impl ReplyBody {
    /// A body whose connection goes home when it was read.
    pub(super) fn new(body: Incoming, connection: Connection, home: Arc<Idle>) -> Self {
        Self {
            open: Some((body, connection)),
            home,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((body, connection)) = &mut self.open else {
            return Poll::Ready(None);
        };
        // What came with the head, or with the last frame, is there already.
        match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Pending => {
                connection.drive(cx);
                Pin::new(body).poll_frame(cx)
            }
            ready => ready,
        }
    }

    fn is_end_stream(&self) -> bool {
        let open = self.open.as_ref();
        open.is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let open = self.open.as_ref();
        open.map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let Some((body, mut connection)) = self.open.take() else {
            return;
        };
        // Only when nobody wants the body any more does the connection look whether its end is there.
        drop(body);
        if !connection.is_free() {
            connection.drive(&mut Context::from_waker(Waker::noop()));
        }
        if connection.is_free() {
            self.home.keep(connection);
        }
    }
}
