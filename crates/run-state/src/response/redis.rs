//! Answers in Redis: feature `redis`.
//!
//! One key per answer, which ends by itself, and one per question that is under way, so that of all processes one asks at a
//! time. Looking for an answer and taking the right to ask are one script and one round trip.
//!
//! **A process that dies** while it asks leaves its right to ask behind; others ask when the lease of it is over.
//! **A server that is gone** costs a question at most [`Config::wait`], and nothing at all for a second after that.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, Client, FromRedisValue, RedisResult, Script, ScriptInvocation,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::PromptKey;
use super::share::{Asking, Found, SharedAnswers};
use crate::error::StoreError;

/// How long a server that did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(1);

/// The first pause between two looks at a question that another process asks; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// KEYS: the answer, the asking. ARGV: a token, milliseconds of the lease.
/// Replies the answer and the milliseconds that are left of it; or nothing, and 1 if we are to ask, else 0.
const FIND: &str = "local answer = redis.call('GET', KEYS[1])
if answer then return {answer, redis.call('PTTL', KEYS[1])} end
local taken = redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {false, taken and 1 or 0}";

/// KEYS: the asking, the answer. ARGV: the token, and an answer with its milliseconds if there is one.
/// An answer is kept even if its lease is over: it is one.
const END: &str = "if ARGV[2] then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0";

/// Where the answers are, and how long anything may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `redis://[user:password@]host:port[/database]`.
    pub url: String,
    /// What the keys begin with: services that share it share their answers.
    pub namespace: String,
    /// The longest that a question waits for the server.
    pub wait: Duration,
    /// How long a process may take to ask, in which the others wait for its answer.
    pub lease: Duration,
}

impl Config {
    /// The defaults for a server: a tenth of a second's wait, and leases of half a minute.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "plimsoll:answers".to_owned(),
            wait: Duration::from_millis(100),
            lease: Duration::from_secs(30),
        }
    }
}

/// Answers that all processes with this server and namespace share. Needs a runtime of tokio.
pub struct RedisAnswers {
    config: Config,
    client: Client,
    link: Mutex<Link>,
    find: Script,
    end: Script,
    /// Beginning of this process's tokens.
    process: u64,
    n_tokens: AtomicU64,
}

enum Link {
    Up(MultiplexedConnection),
    /// Nobody tries before this time.
    Down {
        until: Option<Instant>,
    },
}

impl RedisAnswers {
    /// Answers at a server, which is not asked for anything yet: one that is down is no error.
    pub fn open(config: Config) -> Result<Self, StoreError> {
        let client = Client::open(&*config.url).map_err(|error| StoreError::Unavailable {
            action: "open the answers in Redis".to_owned(),
            reason: format!("{error}; write the URL as redis://host:port"),
        })?;
        Ok(Self {
            config,
            client,
            link: Mutex::new(Link::Down { until: None }),
            find: Script::new(FIND),
            end: Script::new(END),
            process: RandomState::new().hash_one(std::process::id()),
            n_tokens: AtomicU64::new(0),
        })
    }

    fn keys(&self, key: PromptKey) -> [String; 2] {
        let (namespace, key) = (&self.config.namespace, key.to_hex());
        // The braces keep both in one slot of a cluster.
        ["answer", "asking"].map(|what| format!("{{{namespace}:{key}}}:{what}"))
    }

    fn token(&self) -> String {
        let n = self.n_tokens.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{n}", self.process)
    }

    /// The connection, made if there is none; `None` if the server is gone. One caller at a time tries.
    async fn connection(&self) -> Option<MultiplexedConnection> {
        {
            let mut link = self.link.lock();
            match &*link {
                Link::Up(connection) => return Some(connection.clone()),
                Link::Down { until } if until.is_some_and(|until| Instant::now() < until) => {
                    return None;
                }
                Link::Down { .. } => *link = self.left_alone(),
            }
        }
        // Every call has a bound of its own, so that the library needs none.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let connected = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let connection = timeout(self.config.wait, connected).await.ok()?.ok()?;
        *self.link.lock() = Link::Up(connection.clone());
        Some(connection)
    }

    fn left_alone(&self) -> Link {
        Link::Down {
            until: Some(Instant::now() + LEFT_ALONE),
        }
    }

    /// Calls a script; `None` if there is no answer in time.
    async fn call<T: FromRedisValue>(&self, invocation: &ScriptInvocation<'_>) -> Option<T> {
        let mut connection = self.connection().await?;
        let called: Result<RedisResult<T>, _> =
            timeout(self.config.wait, invocation.invoke_async(&mut connection)).await;
        match called {
            Ok(Ok(answer)) => Some(answer),
            // A closed connection is often an old one; the next question opens another at once.
            Ok(Err(error)) if error.is_connection_dropped() => {
                *self.link.lock() = Link::Down { until: None };
                None
            }
            Ok(Err(_)) | Err(_) => {
                *self.link.lock() = self.left_alone();
                None
            }
        }
    }

    async fn find_or_ask(&self, key: PromptKey) -> Found {
        let [answer_key, asking_key] = self.keys(key);
        let token = self.token();
        let mut invocation = self.find.key(answer_key);
        invocation
            .key(asking_key)
            .arg(&token)
            .arg(millis(self.config.lease));
        let until = Instant::now() + self.config.lease;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.call::<(Option<String>, i64)>(&invocation).await {
                Some((Some(answer), fresh_for_ms)) => {
                    return Found::Answer {
                        answer: answer.into(),
                        fresh_for_ms: u64::try_from(fresh_for_ms).unwrap_or(0),
                    };
                }
                Some((None, 1)) => return Found::Nothing(Asking::new(token)),
                // Somebody is at it. Whoever has waited for a whole lease asks for himself.
                Some((None, _)) if Instant::now() < until => {}
                Some((None, _)) | None => return Found::Unreachable,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn end(&self, key: PromptKey, asking: &Asking, answer: Option<(Arc<str>, u64)>) {
        let [answer_key, asking_key] = self.keys(key);
        let mut invocation = self.end.key(asking_key);
        invocation.key(answer_key).arg(asking.token());
        if let Some((answer, ttl_ms)) = answer.filter(|(_, ttl_ms)| *ttl_ms > 0) {
            invocation.arg(&*answer).arg(ttl_ms);
        }
        // Nobody depends on it: without an answer the next process asks again.
        let _ = self.call::<u8>(&invocation).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

impl SharedAnswers for RedisAnswers {
    fn find(&self, key: PromptKey) -> BoxFuture<'_, Found> {
        self.find_or_ask(key).boxed()
    }

    fn keep(
        &self,
        key: PromptKey,
        asking: Asking,
        answer: Arc<str>,
        ttl_ms: u64,
    ) -> BoxFuture<'_, ()> {
        async move { self.end(key, &asking, Some((answer, ttl_ms))).await }.boxed()
    }

    fn give_up(&self, key: PromptKey, asking: Asking) -> BoxFuture<'_, ()> {
        async move { self.end(key, &asking, None).await }.boxed()
    }
}

impl fmt::Debug for RedisAnswers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisAnswers")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
