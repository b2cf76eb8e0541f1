//! An LLM stub for hours of load: streams, heavy tails, slots, rates, faults of connections, flat memory.
//!
//! [`LlmServer`] plays a [`Script`] as [`LlmStub`](super::LlmStub) does, on threads of its own, and knows what it
//! really did: its [`Tally`] is the truth that a load generator's figures are held against.
//! Every time is drawn from the seed and the request alone; a stall of the whole stub delays all that is due in it.

pub mod histogram;
pub mod rates;
pub mod settings;
pub mod tally;
pub mod windows;

mod body;
mod connection;
mod desk;
mod entry;
mod file;
mod ledger;
mod listener;
mod slots;
mod steps;
mod stub;

#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, watch},
};

use self::{
    settings::Settings,
    stub::Stub,
    tally::{Execution, Recent, Tally},
    windows::Window,
};
use super::{playing::Playing, script::Script};
use crate::error::StubError;

/// Connections that may wait for each thread.
const BACKLOG: usize = 1_024;

/// A running stub. Dropping it breaks off what is in flight; [`LlmServer::stop`] does not.
pub struct LlmServer {
    address: SocketAddr,
    stub: Arc<Stub>,
    /// `None` while it runs, then how long answers in flight may still take.
    stop_tx: watch::Sender<Option<Duration>>,
    threads: Vec<JoinHandle<()>>,
}

impl LlmServer {
    /// Starts a stub on a free loopback port.
    ///
    /// # Errors
    ///
    /// As [`LlmServer::listen`].
    pub fn start(settings: &Settings) -> Result<Self, StubError> {
        Self::listen(SocketAddr::from(([127, 0, 0, 1], 0)), settings)
    }

    /// Starts a stub on this address.
    ///
    /// # Errors
    ///
    /// If nobody can listen there, or there are no threads to be had.
    pub fn listen(address: SocketAddr, settings: &Settings) -> Result<Self, StubError> {
        let accepting = runtime().map_err(StubError::Threads)?;
        let listener = {
            let _guard = accepting.enter();
            listener::open(address)
        };
        let refused = |source| StubError::Listen { address, source };
        let listener = listener.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let (stop_tx, stop_rx) = watch::channel(None);
        let mut server = Self {
            address,
            stub: Arc::new(Stub::new(settings)),
            stop_tx,
            threads: Vec::new(),
        };
        let mut workers = Vec::new();
        for _ in 0..settings.threads.unwrap_or_else(cores).max(1) {
            let (stream_tx, stream_rx) = mpsc::channel(BACKLOG);
            let (stub, stop_rx) = (server.stub.clone(), stop_rx.clone());
            let work = listener::work(stub, stream_rx, stop_rx);
            server.spawn(runtime().map_err(StubError::Threads)?, work)?;
            workers.push(stream_tx);
        }
        let accept = listener::accept(listener, address, server.stub.clone(), workers, stop_rx);
        server.spawn(accepting, accept)?;
        Ok(server)
    }

    /// The base URL as a Model's `baseUrl`, for OpenAI and for Azure: without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the script from the next request on; countdowns of faults start anew.
    pub fn play(&self, script: Script) {
        *self.stub.playing.write() = Arc::new(Playing::new(script));
    }

    /// How long it has been running: what windows count from.
    pub fn elapsed(&self) -> Duration {
        self.stub.began.elapsed()
    }

    /// Lets the whole stub stand still: what is due in the window happens at its end.
    pub fn stall(&self, window: Window) {
        self.stub.stalls.add(window);
    }

    /// What it has done so far.
    pub fn tally(&self) -> Tally {
        self.stub.tally()
    }

    /// One execution; `None` if it was never called or has been forgotten.
    pub fn execution(&self, name: &str) -> Option<Execution> {
        self.stub.ledger.execution(name)
    }

    /// All executions that are told apart, in the order in which they were first called.
    pub fn executions(&self) -> Vec<Execution> {
        self.stub.ledger.executions()
    }

    /// Executions that were answered more than once, the first hundred of them.
    pub fn duplicated(&self) -> Vec<Execution> {
        self.stub.ledger.duplicated()
    }

    /// The last thousand requests, oldest first.
    pub fn recent(&self) -> Vec<Recent> {
        self.stub.ledger.recent()
    }

    /// Forgets all counts.
    pub fn clear_counts(&self) {
        self.stub.ledger.clear();
    }

    /// Takes no more connections, gives answers in flight this long, and says what was done in all.
    pub fn stop(mut self, grace: Duration) -> Tally {
        self.end(grace);
        self.tally()
    }

    fn spawn(
        &mut self,
        runtime: Runtime,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StubError> {
        let thread = thread::Builder::new().name("llm-stub".to_owned());
        let run = move || {
            runtime.block_on(work);
            runtime.shutdown_background();
        };
        self.threads
            .push(thread.spawn(run).map_err(StubError::Threads)?);
        Ok(())
    }

    fn end(&mut self, grace: Duration) {
        self.stop_tx.send_replace(Some(grace));
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so itself.
            thread.join().ok();
        }
    }
}

impl Drop for LlmServer {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

impl fmt::Debug for LlmServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LlmServer").field(&self.address).finish()
    }
}

impl Stub {
    fn tally(&self) -> Tally {
        let clocks = self.clocks.lock();
        let busy: Duration = clocks.iter().filter_map(|clock| clock.elapsed()).sum();
        Tally {
            waiting: self.slots.n_waiting(),
            connections: self.n_connections.load(Ordering::Relaxed),
            busy_us: u64::try_from(busy.as_micros()).unwrap_or(u64::MAX),
            ..self.ledger.tally()
        }
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
