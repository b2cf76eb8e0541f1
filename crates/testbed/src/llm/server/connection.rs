//! A connection whose other end can be made to suffer: bytes that drip, and resets.

use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Sleep, sleep},
};

const OPEN: u8 = 0;
const DRIPPING_HEAD: u8 = 1;
const DRIPPING: u8 = 2;
const RESET: u8 = 3;

/// What a head ends with.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// How one connection passes on what is written to it.
#[derive(Debug, Default)]
pub(crate) struct Valve {
    mode: AtomicU8,
    pause_nanos: AtomicU64,
}

impl Valve {
    /// Lets everything through again.
    pub(crate) fn open(&self) {
        self.mode.store(OPEN, Ordering::Relaxed);
    }

    /// A pause after every byte of the next head.
    pub(crate) fn drip_head(&self, pause: Duration) {
        self.drip_as(DRIPPING_HEAD, pause);
    }

    /// A pause after every byte.
    pub(crate) fn drip(&self, pause: Duration) {
        self.drip_as(DRIPPING, pause);
    }

    /// Ends the connection with a reset, as soon as it is written to or dropped.
    pub(crate) fn reset(&self) {
        self.mode.store(RESET, Ordering::Relaxed);
    }

    fn drip_as(&self, mode: u8, pause: Duration) {
        let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
        self.pause_nanos.store(nanos, Ordering::Relaxed);
        self.mode.store(mode, Ordering::Relaxed);
    }
}

/// A connection behind its valve.
pub(crate) struct Connection {
    io: TokioIo<TcpStream>,
    valve: Arc<Valve>,
    pause: Option<Pin<Box<Sleep>>>,
    /// The last bytes that dripped, to know the end of a head.
    last: [u8; 4],
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, valve: Arc<Valve>) -> Self {
        Self {
            io: TokioIo::new(stream),
            valve,
            pause: None,
            last: [0; 4],
        }
    }

    fn poll_drip(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let Some(byte) = bytes.get(..1) else {
            return Poll::Ready(Ok(0));
        };
        let n_written = ready!(Pin::new(&mut self.io).poll_write(cx, byte))?;
        let nanos = self.valve.pause_nanos.load(Ordering::Relaxed);
        self.pause = Some(Box::pin(sleep(Duration::from_nanos(nanos))));
        self.last.rotate_left(1);
        self.last[3] = byte[0];
        if self.last == *HEAD_END && self.valve.mode.load(Ordering::Relaxed) == DRIPPING_HEAD {
            self.valve.open();
        }
        Poll::Ready(Ok(n_written))
    }
}

fn was_reset() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.valve.mode.load(Ordering::Relaxed) {
            OPEN => Pin::new(&mut self.io).poll_write(cx, bytes),
            RESET => Poll::Ready(Err(was_reset())),
            _ => self.poll_drip(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.valve.mode.load(Ordering::Relaxed) == OPEN {
            return Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        }
        let first = slices.iter().find(|slice| !slice.is_empty());
        self.poll_write(cx, first.map_or(&[], |slice| slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.valve.mode.load(Ordering::Relaxed) == RESET {
            return Poll::Ready(Err(was_reset()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.valve.mode.load(Ordering::Relaxed) == RESET {
            // If it fails, the connection is closed, which the caller sees as an end, too.
            self.io.inner().set_zero_linger().ok();
        }
    }
}
