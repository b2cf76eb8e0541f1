//! Rates and caps kept in Redis, so that all processes of a service share them: feature `redis`.
//!
//! Every operation is one script and one round trip, and the server's clock decides.
//!
//! **Rates** are decided exactly as [`Gcra`](crate::gcra::Gcra) does, in whole nanoseconds, at times that the server gives
//! in whole microseconds. Clients whose clocks disagree agree about a rate.
//!
//! **Caps** are leases. A permit's places are renewed three times per lease for as long as its holder's process runs, so
//! that a live run never loses its place, and the places of a process that died come back when the lease is over.
//! A process that was *paused* for longer than its lease (a suspended machine, a blocked runtime) gets its places back when
//! it renews them, if nobody has taken them. If somebody has, the permit is lost: [`Places::is_held`] says so,
//! [`Permit::lost`] wakes up, and the holder must stop its work, because others do it now. So does a server that lost its
//! data: the renewals restore what was held.
//!
//! **A clock that steps back** on the server delays a rate by one interval and a second at most, and a dead process's places until
//! somebody asks for them, plus one lease. A clock that steps forwards by more than a lease is to all holders as if they
//! had been paused.
//!
//! **A server that is gone** is answered for, after [`Config::wait`] at the longest and at once while it is known to be
//! down, by what [`Config::when_gone`] says. The connection is opened again in the background.
//!
//! **Keys** begin with the namespace as hash tag, so that in a cluster all of one backend lie in one slot, and a step over
//! several caps stays one step. Redirections are not followed: name the node that has the slot, and spread load by
//! namespaces. Servers from version 5 on will do, on which scripts may write after they have asked for the time.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::Client;

use crate::backend::{Backend, Places};
use crate::caps::{CapId, Claim, Refusal};
use crate::decision::Decision;
use crate::error::Error;
use crate::gcra::Outcome;
use crate::limiter::LimitId;
use crate::limits::Limits;

mod leases;
mod link;
mod rates;
mod scripts;

use leases::{Held, Leases, Place};
use link::{LONGEST_PAUSE, Link, Unreachable};
use rates::{Pace, Rates};

/// How the backend behaves; the limits themselves are apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What the keys begin with: services that share it share their quotas. No braces.
    pub namespace: String,
    /// How long the places of a process that died stay taken; at least ten times `wait`.
    pub lease: Duration,
    /// The longest that a call waits for its answer.
    pub wait: Duration,
    /// The answer when there is none.
    pub when_gone: WhenGone,
}

/// What is answered while the server cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenGone {
    /// [`Decision::DeniedUnreachable`]: rather no work than too much.
    Deny,
    /// [`Decision::AllowedUncounted`], and permits that hold no place: rather too much work than none.
    Allow,
}

impl Default for Config {
    /// Leases of half a minute, a quarter of a second's wait, and denial.
    fn default() -> Self {
        Self {
            namespace: "plimsoll:quota".to_owned(),
            lease: Duration::from_secs(30),
            wait: Duration::from_millis(250),
            when_gone: WhenGone::Deny,
        }
    }
}

/// Everything that a service asks before it starts something, shared with other processes.
pub struct RedisQuotas {
    config: Config,
    limits: Box<[Limit]>,
    caps: Box<[Cap]>,
    link: Arc<Link>,
    rates: Rates,
    leases: Arc<Leases>,
    /// Beginning of this process's tokens.
    process: u64,
    n_tokens: AtomicU64,
}

struct Limit {
    name: Arc<str>,
    pace: Pace,
    key_prefix: String,
}

struct Cap {
    name: Arc<str>,
    at_most: u32,
    key_prefix: String,
}

impl RedisQuotas {
    /// Quotas with these limits, kept by the server at `url` (`redis://[user:password@]host:port[/database]`).
    ///
    /// Connects in the background, so that a server that is down is an answer and no error; ask
    /// [`reach`](Self::reach) to know.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers and I/O.
    pub fn open(url: &str, limits: &Limits, config: Config) -> Result<Self, Error> {
        let client = Client::open(url).map_err(|source| Error::InvalidRedisUrl { source })?;
        let namespace = &config.namespace;
        if namespace.is_empty() || namespace.contains(['{', '}']) {
            return Err(Error::InvalidNamespace {
                namespace: namespace.clone(),
            });
        }
        let at_least = (config.wait * 10).max(Duration::from_millis(10));
        if config.lease < at_least {
            return Err(Error::LeaseTooShort {
                lease: config.lease,
                at_least,
            });
        }
        let limit = |(name, limit)| {
            Ok(Limit {
                pace: Pace::new(limit).ok_or(Error::RateTooSlow { limit: name })?,
                key_prefix: format!("{{{namespace}}}:rate:{name}:"),
                name: name.into(),
            })
        };
        let cap = |(name, at_most)| Cap {
            key_prefix: format!("{{{namespace}}}:cap:{name}:"),
            name: Arc::from(name),
            at_most,
        };
        let limits_by_id = limits.rates().into_iter().map(limit);
        let limits_by_id = limits_by_id.collect::<Result<_, Error>>()?;
        let caps = limits.caps().into_iter().map(cap).collect();
        let link = Link::open(client, config.wait);
        Ok(Self {
            rates: Rates::new(Arc::clone(&link)),
            leases: Leases::new(Arc::clone(&link), config.lease),
            limits: limits_by_id,
            caps,
            link,
            config,
            process: RandomState::new().hash_one(std::process::id()),
            n_tokens: AtomicU64::new(0),
        })
    }

    /// Whether the server answers, and if not, why: for a service's start and its health.
    pub async fn reach(&self) -> Result<(), Error> {
        let key = format!("{{{}}}:cap:none", self.config.namespace);
        match self.count(&key).await {
            Ok(_) => Ok(()),
            Err(Unreachable(source)) => Err(Error::Unreachable { source }),
        }
    }

    async fn count(&self, key: &str) -> Result<u32, Unreachable> {
        let script = &self.link.scripts.live;
        let mut command = scripts::call(script, 1);
        command.arg(key);
        self.link.call(script, &command).await
    }

    fn key(&self, claim: Claim<'_>) -> String {
        self.caps[claim.cap.position()].key_prefix.clone() + claim.key
    }

    fn token(&self) -> String {
        let n = self.n_tokens.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}-{n}", self.process)
    }

    fn permit(&self, claims: &[Claim<'_>]) -> Permit {
        let place = |claim: &Claim<'_>| Place {
            key: self.key(*claim),
            at_most: self.caps[claim.cap.position()].at_most,
        };
        Permit {
            held: Some(Held::new(self.token(), claims.iter().map(place).collect())),
            leases: Arc::clone(&self.leases),
        }
    }
}

impl Backend for RedisQuotas {
    type Permit = Permit;

    fn limit(&self, name: &str) -> Option<LimitId> {
        let position = self.limits.iter().position(|limit| &*limit.name == name);
        position.map(LimitId::at)
    }

    fn cap(&self, name: &str) -> Option<CapId> {
        let position = self.caps.iter().position(|cap| &*cap.name == name);
        position.map(CapId::at)
    }

    async fn decide(&self, workspace: &str, limit: LimitId) -> Decision {
        let limit = &self.limits[limit.position()];
        let key = limit.key_prefix.clone() + workspace;
        match (
            self.rates.decide(key, limit.pace).await,
            self.config.when_gone,
        ) {
            (Ok(Outcome::Allow), _) => Decision::Allowed,
            (Ok(Outcome::Deny { retry_after }), _) => Decision::DeniedByRate {
                limit: Arc::clone(&limit.name),
                retry_after,
            },
            (Err(_), WhenGone::Allow) => Decision::AllowedUncounted,
            (Err(_), WhenGone::Deny) => DENIED_UNREACHABLE,
        }
    }

    async fn acquire(&self, claims: &[Claim<'_>]) -> Result<Permit, Decision> {
        // Made before the call: dropped without an answer, it gives back what may have been taken.
        let mut permit = self.permit(claims);
        let Some(held) = &permit.held else {
            return Ok(permit);
        };
        match (self.leases.acquire(held).await, self.config.when_gone) {
            (Ok(None), _) => {
                self.leases.keep(held);
                Ok(permit)
            }
            (Ok(Some(refused)), _) => {
                permit.held = None;
                let cap = &self.caps[claims[refused].cap.position()];
                Err(Decision::from(Refusal {
                    cap: Arc::clone(&cap.name),
                    at_most: cap.at_most,
                }))
            }
            (Err(_), WhenGone::Allow) => Ok(Permit {
                held: None,
                leases: Arc::clone(&self.leases),
            }),
            (Err(_), WhenGone::Deny) => Err(DENIED_UNREACHABLE),
        }
    }

    async fn live(&self, claim: Claim<'_>) -> Option<u32> {
        self.count(&self.key(claim)).await.ok()
    }
}

const DENIED_UNREACHABLE: Decision = Decision::DeniedUnreachable {
    retry_after: LONGEST_PAUSE,
};

impl Drop for RedisQuotas {
    fn drop(&mut self) {
        self.leases.close();
    }
}

impl fmt::Debug for RedisQuotas {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisQuotas")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The places of one step, leased until this is dropped.
///
/// Keep it for exactly as long as the run, call, or connection lives that it was taken for.
#[must_use = "a permit that is dropped at once limits nothing"]
pub struct Permit {
    /// Unset in a permit that holds no place: the server was gone.
    held: Option<Arc<Held>>,
    leases: Arc<Leases>,
}

impl Permit {
    /// Whether places are taken for it: not so if it was given while the server was gone.
    pub fn is_counted(&self) -> bool {
        self.held.is_some()
    }

    /// Waits until the places are lost, which for most permits never happens; the holder must stop its work then.
    pub async fn lost(&self) {
        match &self.held {
            Some(held) => held.lost().await,
            None => std::future::pending().await,
        }
    }
}

impl Places for Permit {
    async fn release(mut self) {
        if let Some(held) = self.held.take() {
            self.leases.release(held).await;
        }
    }

    fn is_held(&self) -> bool {
        self.held.as_ref().is_none_or(|held| !held.is_lost())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.leases.give_back(held);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Permit")
            .field("is_counted", &self.is_counted())
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}
