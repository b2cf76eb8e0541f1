//! Connections: one thread takes them and deals them out in turn, the others serve them.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    connection::{Connection, Valve},
    stub::Stub,
};
use crate::thread_clock::ThreadClock;

/// Connections that the system keeps for us while we are busy: as many as the widest burst.
const PENDING: u32 = 8_192;

/// Before trying again what the system refused.
const BREATH: Duration = Duration::from_millis(10);

/// When the stub stops, and how long answers in flight may still take.
pub(crate) type Stop = watch::Receiver<Option<Duration>>;

pub(crate) fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(PENDING)
}

/// Deals connections out to the workers until the stub stops; where it is to refuse them, nobody listens.
pub(crate) async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    stub: Arc<Stub>,
    workers: Vec<mpsc::Sender<std::net::TcpStream>>,
    mut stop_rx: Stop,
) {
    let mut listener = Some(listener);
    let mut turns = workers.iter().cycle();
    loop {
        let now = Instant::now();
        if let Some(until) = stub.refusals.until(now) {
            listener = None;
            tokio::select! {
                () = sleep_until(until) => continue,
                () = stopped(&mut stop_rx) => return,
            }
        }
        let Some(listening) = &listener else {
            listener = open(address).ok();
            if listener.is_none() {
                sleep(BREATH).await;
            }
            continue;
        };
        let refusal = async {
            match stub.refusals.next(now) {
                Some(from) => sleep_until(from).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = listening.accept() => {
                let stream = accepted.and_then(|(stream, _)| stream.into_std());
                match (stream, turns.next()) {
                    // A worker is only gone when the stub stops.
                    (Ok(stream), Some(worker)) => drop(worker.send(stream).await),
                    _ => sleep(BREATH).await,
                }
            }
            () = refusal => {}
            () = stopped(&mut stop_rx) => return,
        }
    }
}

/// Serves the connections of one thread until no more can come, and those in flight for the time of grace.
pub(crate) async fn work(
    stub: Arc<Stub>,
    mut stream_rx: mpsc::Receiver<std::net::TcpStream>,
    stop_rx: Stop,
) {
    stub.clocks.lock().push(ThreadClock::of_this_thread());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            stream = stream_rx.recv() => {
                let Some(stream) = stream else { break };
                if let Ok(stream) = TcpStream::from_std(stream) {
                    connections.spawn(serve(stub.clone(), stream, stop_rx.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
    let grace = stop_rx.borrow().unwrap_or_default();
    let all = async { while connections.join_next().await.is_some() {} };
    timeout(grace, all).await.ok();
}

/// Serves one connection to its end; once the stub stops, to the end of its answer.
async fn serve(stub: Arc<Stub>, stream: TcpStream, mut stop_rx: Stop) {
    stub.n_connections.fetch_add(1, Ordering::Relaxed);
    let _leaving = Leaving(stub.clone());
    // Without it answers are only later.
    stream.set_nodelay(true).ok();
    let valve = Arc::new(Valve::default());
    let connection = Connection::new(stream, valve.clone());
    let service = service_fn(|request| stub.clone().serve(valve.clone(), request));
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None);
    let mut serving = pin!(builder.serve_connection(connection, service));
    // How a connection ends is its caller's business, and what a fault did is in the ledger.
    tokio::select! {
        _ = serving.as_mut() => {}
        () = stopped(&mut stop_rx) => {
            serving.as_mut().graceful_shutdown();
            serving.await.ok();
        }
    }
}

async fn stopped(stop_rx: &mut Stop) {
    // A server that is gone has stopped, too.
    stop_rx.wait_for(Option::is_some).await.ok();
}

struct Leaving(Arc<Stub>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.n_connections.fetch_sub(1, Ordering::Relaxed);
    }
}
