//! The start barrier in a cluster: Leases that say who is there, and one that says when all begin.
//!
//! ```text
//!   worker 0   create <run>-worker-0 ─┐                        ┌─ create <run>-begin, at now + 3 s ─┐
//!   worker 1   create <run>-worker-1 ─┼─ list until all are there ─ create <run>-begin: conflict, read ┼─ begin
//!   worker 2   create <run>-worker-2 ─┘                        └─ read <run>-begin ────────────────────┘
//! ```
//!
//! Every worker has a Lease of its own, so that no two ever write to the same object: with one Lease for all, n workers
//! would need n rounds of conflicts. The begin is decided by who first creates its Lease, which the server lets one do.
//!
//! The begin is an instant of the wall clock, so the shares of two machines are shifted against each other by what
//! their clocks differ: with NTP some milliseconds. A clock that is behind by more than `MOST_BEHIND`, or so far
//! ahead that the begin has passed when it is read, is refused; smaller differences go unseen.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;

use crate::driver::kubernetes::failure::{no_reply, refused};
use crate::driver::kubernetes::objects::make_namespace;
use crate::driver::kubernetes::{RUN_LABEL, WORKER_LABEL};
use crate::error::DriverError;
use crate::share::{Barrier, LEAD, Worker};

/// From the decision to begin to the begin: time for all to read it.
const NOTICE: Duration = Duration::from_secs(3);

/// A begin that is further away than it can be, by more than this, was decided by a clock that is ahead of ours.
const MOST_BEHIND: Duration = Duration::from_millis(500);

/// How often is looked who is there.
const LOOK: Duration = Duration::from_millis(200);

/// What a worker of a run in a cluster waits at.
#[derive(Clone)]
pub struct LeaseConfig {
    /// The cluster.
    pub client: Client,
    /// Where the Leases are.
    pub namespace: String,
    /// The run.
    pub run: String,
    /// Who waits.
    pub worker: Worker,
    /// How long the others are waited for.
    pub patience: Duration,
}

/// The barrier, seen by one worker.
pub struct LeaseBarrier {
    leases: Api<Lease>,
    config: LeaseConfig,
    /// The begin that all agreed on, once they have.
    agreed: Mutex<Option<Timestamp>>,
}

/// What the Leases of a run say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Presence {
    /// The workers who are there.
    here: BTreeSet<usize>,
    /// When all begin; unset if nobody has said.
    begin: Option<Timestamp>,
}

impl LeaseBarrier {
    /// The barrier of a run. Nothing is sent yet.
    pub fn new(config: LeaseConfig) -> Self {
        Self {
            leases: Api::namespaced(config.client.clone(), &config.namespace),
            config,
            agreed: Mutex::default(),
        }
    }

    /// The instant at which all began; unset before they did.
    pub fn agreed(&self) -> Option<String> {
        self.agreed.lock().map(|begin| begin.to_string())
    }

    /// Says that this worker is there.
    async fn enter(&self) -> Result<(), DriverError> {
        let patience = self.config.patience;
        let signed = tokio::time::timeout(patience, self.sign()).await;
        signed.map_err(|_| no_reply("create a Lease", patience))?
    }

    async fn sign(&self) -> Result<(), DriverError> {
        let LeaseConfig {
            client,
            namespace,
            worker,
            ..
        } = &self.config;
        make_namespace(client, namespace).await?;
        let lease = self.lease(&self.own_name(), &worker.to_string(), now(), Some(*worker));
        match self.leases.create(&PostParams::default(), &lease).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Err(DriverError::Taken {
                worker: worker.to_string(),
                run: self.config.run.clone(),
                object: format!("Lease {}", self.own_name()),
            }),
            Err(error) => Err(refused("create a Lease", &error)),
        }
    }

    /// Takes the sign back, so that nobody begins without this worker.
    async fn leave(&self) {
        let (name, params) = (self.own_name(), DeleteParams::default());
        let leaving = self.leases.delete(&name, &params);
        // It is given up anyway; whoever comes later finds the Lease and says so.
        let _ = tokio::time::timeout(LOOK, leaving).await;
    }

    /// Waits until the begin is agreed on.
    async fn agree(&self) -> Result<Timestamp, DriverError> {
        let deadline = tokio::time::Instant::now() + self.config.patience;
        let mut last = Presence::default();
        loop {
            match tokio::time::timeout_at(deadline, self.look()).await {
                Ok(Ok(presence)) => last = presence,
                Ok(Err(error @ DriverError::Forbidden { .. })) => return Err(error),
                Ok(Err(error)) => tracing::warn!(%error, "cannot look at the barrier"),
                Err(_) => return Err(self.absent(&last)),
            }
            if let Some(begin) = last.begin {
                return Ok(begin);
            }
            if tokio::time::timeout_at(deadline, tokio::time::sleep(LOOK))
                .await
                .is_err()
            {
                return Err(self.absent(&last));
            }
        }
    }

    /// Who is there; says when to begin if all are, and nobody has said so yet.
    async fn look(&self) -> Result<Presence, DriverError> {
        let params = ListParams::default().labels(&format!("{RUN_LABEL}={}", self.config.run));
        let leases = self.leases.list(&params).await;
        let leases = leases
            .map_err(|error| refused("list Leases", &error))?
            .items;
        let mut presence = self.presence(&leases);
        if presence.begin.is_none() && presence.here.len() == self.config.worker.of() {
            presence.begin = self.decide().await?;
        }
        Ok(presence)
    }

    /// Says when to begin, unless another one was first: then that is read with the next look.
    async fn decide(&self) -> Result<Option<Timestamp>, DriverError> {
        let holder = self.config.worker.to_string();
        let lease = self.lease(&self.begin_name(), &holder, now() + NOTICE, None);
        match self.leases.create(&PostParams::default(), &lease).await {
            Ok(decided) => Ok(time(&decided)),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
            Err(error) => Err(refused("create a Lease", &error)),
        }
    }

    fn presence(&self, leases: &[Lease]) -> Presence {
        let holder = |lease: &Lease| lease.spec.as_ref()?.holder_identity.clone();
        let workers = (0..self.config.worker.of())
            .filter_map(|number| Worker::new(number, self.config.worker.of()));
        let is_here = |worker: &Worker| {
            let name = self.name_of(*worker);
            leases.iter().any(|lease| {
                lease.metadata.name.as_deref() == Some(&*name)
                    && holder(lease).is_some_and(|holder| holder == worker.to_string())
            })
        };
        let begin_name = self.begin_name();
        let begin = leases
            .iter()
            .find(|lease| lease.metadata.name.as_deref() == Some(&*begin_name));
        Presence {
            here: workers.filter(is_here).map(Worker::number).collect(),
            begin: begin.and_then(time),
        }
    }

    fn absent(&self, presence: &Presence) -> DriverError {
        let missing = (0..self.config.worker.of()).filter(|number| !presence.here.contains(number));
        let missing: Vec<String> = missing.map(|number| number.to_string()).collect();
        DriverError::Absent {
            run: self.config.run.clone(),
            workers: missing.join(", "),
            waited: self.config.patience,
        }
    }

    fn own_name(&self) -> String {
        self.name_of(self.config.worker)
    }

    fn name_of(&self, worker: Worker) -> String {
        format!("{}-worker-{}", self.config.run, worker.number())
    }

    fn begin_name(&self) -> String {
        format!("{}-begin", self.config.run)
    }

    fn lease(&self, name: &str, holder: &str, at: Timestamp, worker: Option<Worker>) -> Lease {
        let run = (RUN_LABEL.to_owned(), self.config.run.clone());
        let worker = worker.map(|worker| (WORKER_LABEL.to_owned(), worker.number().to_string()));
        Lease {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(std::iter::once(run).chain(worker).collect()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.to_owned()),
                acquire_time: Some(MicroTime(at)),
                ..LeaseSpec::default()
            }),
        }
    }
}

impl Barrier for LeaseBarrier {
    fn ready(&self) -> BoxFuture<'_, Result<Instant, DriverError>> {
        Box::pin(async {
            self.enter().await?;
            let agreed = self.agree().await;
            let left = agreed.and_then(|begin| Ok((begin, left(begin, now())?)));
            let (begin, left) = match left {
                Ok(agreed) => agreed,
                Err(error) => {
                    self.leave().await;
                    return Err(error);
                }
            };
            *self.agreed.lock() = Some(begin);
            let at = Instant::now() + left;
            tokio::time::sleep(left.saturating_sub(LEAD)).await;
            Ok(at)
        })
    }
}

impl std::fmt::Debug for LeaseBarrier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LeaseBarrier")
            .field("run", &self.config.run)
            .field("worker", &self.config.worker)
            .finish_non_exhaustive()
    }
}

/// How long it is to the begin, if the clocks let that be believed.
fn left(begin: Timestamp, now: Timestamp) -> Result<Duration, DriverError> {
    let clock = |reason: String| Err(DriverError::Clock { reason });
    let Ok(left) = Duration::try_from(begin.duration_since(now)) else {
        let late = now.duration_since(begin).unsigned_abs();
        return clock(format!(
            "they began {late:.1?} ago, by the clock of this machine"
        ));
    };
    if left > NOTICE + MOST_BEHIND {
        let behind = left - NOTICE;
        return clock(format!(
            "the clock of this machine is {behind:.1?} behind that of the one who said when"
        ));
    }
    Ok(left)
}

/// The time that a Lease carries.
fn time(lease: &Lease) -> Option<Timestamp> {
    Some(lease.spec.as_ref()?.acquire_time.as_ref()?.0)
}

/// The wall clock, which all machines share.
fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests;
