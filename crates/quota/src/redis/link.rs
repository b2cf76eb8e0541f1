//! One connection that all callers share, opened again whenever it breaks.
//!
//! ```text
//!   connecting ──► up ──(an error, or no answer in time)──► connecting
//!        └──► down ──(a pause that doubles)──► connecting        while down: answered at once
//! ```
//!
//! Whoever calls waits for its answer, never for longer than the bound that it gives with the call; while the server is
//! known to be down it does not wait at all.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, Script,
    ServerErrorKind,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::scripts::Scripts;

/// The first pause after a failed attempt to connect; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between two attempts: what a caller who was denied is told to wait.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Link {
    pub(super) scripts: Scripts,
    state: watch::Receiver<State>,
    /// Generations of connections that broke.
    broken_tx: mpsc::Sender<u64>,
    wait: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct Unreachable(pub(super) Arc<RedisError>);

#[derive(Clone)]
enum State {
    Connecting,
    Up(Up),
    Down(Unreachable),
}

#[derive(Clone)]
struct Up {
    connection: MultiplexedConnection,
    generation: u64,
}

impl Unreachable {
    /// No answer within the bound of the call.
    pub(super) fn in_time() -> Self {
        RedisError::from((ErrorKind::Io, "no answer in time")).into()
    }
}

impl From<RedisError> for Unreachable {
    fn from(error: RedisError) -> Self {
        Self(Arc::new(error))
    }
}

impl Link {
    /// Begins to connect, on the runtime of the caller. No call waits for longer than `wait`.
    pub(super) fn open(client: Client, wait: Duration) -> Arc<Self> {
        let (state_tx, state) = watch::channel(State::Connecting);
        // One report is enough: whoever fails next repeats it.
        let (broken_tx, broken_rx) = mpsc::channel(1);
        let link = Arc::new(Self {
            scripts: Scripts::new(),
            state,
            broken_tx,
            wait,
        });
        tokio::spawn(keep_connected(client, wait, state_tx, broken_rx));
        link
    }

    /// Calls a script and waits for its answer, within the bound.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        command: &Cmd,
    ) -> Result<T, Unreachable> {
        let mut generation = None;
        let called = timeout(
            self.wait,
            self.call_once_or_again(script, command, &mut generation),
        );
        match called.await {
            Ok(answer) => answer,
            Err(_) => {
                if let Some(generation) = generation {
                    self.report(generation);
                }
                Err(Unreachable::in_time())
            }
        }
    }

    /// The longest that a call waits for its answer.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// The state of the connection, to wait for a change of it.
    pub(super) fn watch(&self) -> Watch {
        Watch(self.state.clone())
    }

    /// A connection that turns out to be closed has usually been so for a while, so that the call is made again on a new
    /// one, once. What was done twice then errs to the safe side: a permit too many is spent, or a place is refused.
    async fn call_once_or_again<T: FromRedisValue>(
        &self,
        script: &Script,
        command: &Cmd,
        generation: &mut Option<u64>,
    ) -> Result<T, Unreachable> {
        let mut up = self.up(None).await?;
        *generation = Some(up.generation);
        match query(&mut up.connection, script, command).await {
            Err(error) if error.is_connection_dropped() => {
                self.report(up.generation);
                up = self.up(Some(up.generation)).await?;
                *generation = Some(up.generation);
                query(&mut up.connection, script, command).await
            }
            answer => answer,
        }
        .map_err(|error| {
            if error.is_unrecoverable_error() {
                self.report(up.generation);
            }
            error.into()
        })
    }

    /// The connection, once it is there, but not the one of the generation that broke.
    async fn up(&self, broken: Option<u64>) -> Result<Up, Unreachable> {
        let is_settled = |state: &State| match state {
            State::Connecting => None,
            State::Up(up) if Some(up.generation) == broken => None,
            State::Up(up) => Some(Ok(up.clone())),
            State::Down(why) => Some(Err(why.clone())),
        };
        if let Some(settled) = is_settled(&self.state.borrow()) {
            return settled;
        }
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| is_settled(state).is_some()).await;
        let settled = settled.ok().and_then(|state| is_settled(&state));
        settled.unwrap_or_else(|| Err(RedisError::from((ErrorKind::Io, "the runtime ends")).into()))
    }

    fn report(&self, generation: u64) {
        let _ = self.broken_tx.try_send(generation);
    }
}

/// The state of a link.
pub(super) struct Watch(watch::Receiver<State>);

impl Watch {
    /// Waits until the state changes; `false` once nobody connects any more.
    pub(super) async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }

    /// Whether there is a connection now.
    pub(super) fn is_up(&self) -> bool {
        matches!(*self.0.borrow(), State::Up(_))
    }
}

/// By its hash; a server that does not know it, because it was restarted or flushed its scripts, is told first.
async fn query<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    script: &Script,
    command: &Cmd,
) -> RedisResult<T> {
    match command.query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            script.load_async(connection).await?;
            command.query_async(connection).await
        }
        answer => answer,
    }
}

/// Ends when nobody looks at the state any more.
async fn keep_connected(
    client: Client,
    wait: Duration,
    state_tx: watch::Sender<State>,
    mut broken_rx: mpsc::Receiver<u64>,
) {
    let mut pause = FIRST_PAUSE;
    for generation in 0.. {
        match connect(&client, wait).await {
            Ok(connection) => {
                pause = FIRST_PAUSE;
                state_tx.send_replace(State::Up(Up {
                    connection,
                    generation,
                }));
                loop {
                    match broken_rx.recv().await {
                        Some(broken) if broken == generation => break,
                        Some(_) => {}
                        None => return,
                    }
                }
                state_tx.send_replace(State::Connecting);
            }
            Err(error) => {
                state_tx.send_replace(State::Down(error.into()));
                tokio::select! {
                    () = sleep(pause) => {}
                    () = state_tx.closed() => return,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn connect(client: &Client, wait: Duration) -> RedisResult<MultiplexedConnection> {
    // Every call has a bound of its own, so that the library needs none.
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let connected = client.get_multiplexed_async_connection_with_config(&config);
    timeout(wait, connected)
        .await
        .unwrap_or_else(|_| Err((ErrorKind::Io, "no connection in time").into()))
}
