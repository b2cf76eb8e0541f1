//! `plimsoll stub`: a language model for load tests, until Ctrl-C.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use testbed::llm::server::{LlmServer, settings::Settings};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;
use crate::say::say;

/// How long answers in flight may still take once the stub is told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Which stub, and where.
#[derive(Debug)]
pub(crate) struct StubSettings {
    /// Unset means that it answers at once.
    pub(crate) file: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    /// Unset means as the file says.
    pub(crate) threads: Option<usize>,
    /// Unset means as the file says.
    pub(crate) seed: Option<u64>,
}

pub(crate) fn run(settings: &StubSettings) -> anyhow::Result<Exit> {
    let mut made = match &settings.file {
        Some(file) => Settings::read(file)?,
        None => Settings::default(),
    };
    made.threads = settings.threads.or(made.threads);
    made.script.seed = settings.seed.unwrap_or(made.script.seed);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("failed to start a runtime for signals")?;
    // Before anybody knows the address, so that no signal is missed.
    let stopped = runtime.block_on(async { told_to_stop() })?;
    let server = LlmServer::listen(settings.listen, &made)?;
    say(&format!("{}\n", server.base_url()))?;
    eprintln!(
        "the stub answers until Ctrl-C; its ledger is at http://{0}/stub/ledger, its metrics at http://{0}/metrics",
        server.address()
    );
    runtime.block_on(stopped);
    let tally = server.stop(GRACE);
    eprintln!(
        "{} calls: {} answered, {} struck by faults, {} denied, {} refused, {} abandoned; {} answered more than once",
        tally.calls,
        tally.answered,
        tally.faults.values().sum::<u64>(),
        tally.denied_by_rate + tally.denied_by_cap,
        tally.refused,
        tally.abandoned,
        tally.duplicated,
    );
    Ok(Exit::Fine)
}

/// Ends with Ctrl-C, or when a supervisor asks.
fn told_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).context("failed to listen for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
