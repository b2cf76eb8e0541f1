//! One pass over one Query: ask `transition` what to do, do it, until there is nothing to do before the next event.
//!
//! A pass owns its Query through the lease and works on its own copy, which each write brings up to date without a
//! second parse. All writes are under a precondition. What comes of an execution stays with the pass until it is
//! written; if that fails for long, the ledger keeps it for the next pass, and no target is ever asked again for it.

use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use query_api::query::Query;
use tokio::time::Instant;

use super::api::Failure;
use super::ledger::{Held, Left, Standing};
use super::selection::{SelectionError, hits};
use super::shop::Shop;
use super::sighting::{Glance, Version};
use crate::metrics::{GaugeGuard, ReconcileResult};
use crate::panic;
use crate::queue::{Lane, Lease, Priority};
use crate::transition::{
    Effect, Event, Execution, Observer, StatusPatch, Step, select, transition,
};

/// A pass at work.
pub(super) struct Pass<'a> {
    pub(super) shop: &'a Shop,
    pub(super) lease: &'a Lease,
    pub(super) query: Arc<Query>,
    pub(super) version: Version,
    /// The copy was read from the server or written under a precondition during this pass.
    pub(super) is_fresh: bool,
    pub(super) standing: Standing,
    /// What came of the execution, until it is written.
    pub(super) result: Option<Box<Execution>>,
    /// Why the Query cannot be executed, until that is written.
    pub(super) failure: Option<String>,
    pub(super) n_conflicts: u32,
    /// It has panicked at least once.
    has_panicked: bool,
    /// Held until the execution begins.
    pub(super) worker: Option<GaugeGuard>,
    /// How much of the pass was execution.
    pub(super) executing: Duration,
}

/// How a pass ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// There is nothing to do before the next event.
    Settled,
    /// There is nothing to do before this time has passed, unless something happens.
    LookAgain(Duration),
    /// The Query is to be executed, for which this pass has no place in flight.
    ToStart,
    /// Something failed, and is to be tried again later.
    Retry(String),
    /// The Query is gone.
    Gone,
    /// The controller is going down; the Query is left as it is.
    Abandoned,
}

/// Looks after the Query of a lease.
pub(super) async fn run(shop: &Shop, lease: &Lease) {
    let started = Instant::now();
    let Some(held) = shop.ledger.lock().begin(lease.key()) else {
        return;
    };
    let version = held.version;
    let (mut pass, ending) = match Pass::open(shop, lease, held).await {
        Ok(mut pass) => {
            let ending = pass.run_to_end().await;
            (Some(pass), ending)
        }
        Err(ending) => (None, ending),
    };
    let executing = pass.as_ref().map(|pass| pass.executing).unwrap_or_default();
    let took = started.elapsed().saturating_sub(executing);
    let has_panicked = pass.as_ref().is_some_and(|pass| pass.has_panicked);
    let result = if has_panicked {
        ReconcileResult::Panicked
    } else {
        ending.metric()
    };
    shop.metrics.reconciled(result, took);
    let left = Left {
        version: pass.as_ref().map_or(version, |pass| pass.version),
        is_gone: matches!(ending, Ending::Gone),
        expires: ending.expires(shop.clock.now()),
        unwritten: pass.as_mut().and_then(|pass| pass.result.take()),
        is_backed_off: matches!(ending, Ending::Retry(_)),
    };
    close(shop, lease, ending, left);
}

/// Takes the pass out of the ledger and queues what follows from its end.
fn close(shop: &Shop, lease: &Lease, ending: Ending, left: Left) {
    let key = lease.key();
    let has_result = left.unwritten.is_some();
    let ended = shop.ledger.lock().end(key, left);
    if ended.is_recovered {
        shop.queue.forget(key);
    }
    match ending {
        Ending::Settled | Ending::Gone | Ending::Abandoned => {}
        Ending::LookAgain(delay) => shop.queue.add_after(key.clone(), Lane::Control, delay),
        Ending::ToStart => shop.queue.add(key.clone(), Lane::Start, Priority::NORMAL),
        Ending::Retry(cause) => {
            tracing::warn!(query = %key, cause, "to be tried again");
            let lane = if has_result {
                Lane::Control
            } else {
                lease.lane()
            };
            shop.queue.retry(key.clone(), lane);
        }
    }
    if let Some(call) = ended.call {
        shop.enqueue(call, Priority::NORMAL);
    }
}

impl<'a> Pass<'a> {
    /// Gets hold of the Query; an error if there is nothing to be done for it.
    async fn open(shop: &'a Shop, lease: &'a Lease, held: Held) -> Result<Self, Ending> {
        let mut pass = Self {
            shop,
            lease,
            query: Arc::default(),
            version: Version::default(),
            is_fresh: false,
            standing: held.standing,
            result: held.unwritten,
            failure: None,
            n_conflicts: 0,
            has_panicked: false,
            worker: Some(shop.metrics.active_worker()),
            executing: Duration::ZERO,
        };
        match held.sighting {
            Some(sighting) => pass.adopt(&sighting),
            None => {
                let left = held
                    .expires
                    .map(|time| time.duration_since(shop.clock.now()));
                if let Some(left) = left.and_then(|left| Duration::try_from(left).ok())
                    && !left.is_zero()
                {
                    return Err(Ending::LookAgain(left));
                }
                if let Break(ending) = pass.read().await {
                    return Err(ending);
                }
            }
        }
        Ok(pass)
    }

    /// Runs; a panic ends in the status of the Query, and a panic on the way there in the queue's back-off.
    async fn run_to_end(&mut self) -> Ending {
        for _ in 0..2 {
            match AssertUnwindSafe(self.run()).catch_unwind().await {
                Ok(ending) => return ending,
                Err(panic) => {
                    let cause = format!("its execution panicked: {}", panic::message(&*panic));
                    tracing::error!(query = %self.lease.key(), cause);
                    self.has_panicked = true;
                    self.result = None;
                    self.failure = Some(cause);
                }
            }
        }
        Ending::Retry(self.failure.take().unwrap_or_default())
    }

    async fn run(&mut self) -> Ending {
        loop {
            if let Break(ending) = self.catch_up() {
                return ending;
            }
            let Some(effect) = self.decide().effect else {
                if self.result.take().is_some() || self.failure.take().is_some() {
                    // The Query came to its end in another way, so that there is nothing left to write.
                    continue;
                }
                return Ending::Settled;
            };
            if effect.leads_to_execution() && self.lease.lane() == Lane::Control {
                return Ending::ToStart;
            }
            if let Break(ending) = self.perform(effect).await {
                return ending;
            }
        }
    }

    fn decide(&self) -> Step {
        let event = match (&self.failure, &self.result) {
            (Some(cause), _) => Event::Failed(cause),
            (None, Some(execution)) => Event::Executed(execution),
            (None, None) => Event::Seen(Observer {
                identity: &self.shop.identity,
                inherited: self.standing.is_inherited,
                fresh: self.is_fresh,
                since: self.standing.since,
            }),
        };
        transition(&self.query, &event, self.shop.clock.now())
    }

    async fn perform(&mut self, effect: Effect) -> ControlFlow<Ending> {
        match effect {
            Effect::Claim(patch) => {
                let identity = self.shop.identity.clone();
                let claimed = |glance: &mut Glance| {
                    glance.has_finalizer = true;
                    glance.claimant = Some((&*identity).into());
                };
                self.write_metadata(&patch, claimed).await
            }
            Effect::Release(patch) => {
                self.write_metadata(&patch, |glance| glance.has_finalizer = false)
                    .await
            }
            Effect::Start(patch) | Effect::Record(patch) => {
                let written = self.write_status(&patch).await;
                self.settle(written).await
            }
            Effect::Finish(patch) => self.finish(&patch).await,
            Effect::Read => self.read().await,
            Effect::Select => self.select().await,
            Effect::Execute { recorded, spent } => self.execute(recorded, spent).await,
            Effect::Delete => self.delete().await,
            Effect::LookAgain(delay) => Break(Ending::LookAgain(delay)),
        }
    }

    /// Writes the terminal status. If the server will not have it, the Query ends with the reason for that instead.
    async fn finish(&mut self, patch: &StatusPatch) -> ControlFlow<Ending> {
        match self.write_status(patch).await {
            Ok(()) => {
                self.failure = None;
                if let Some(execution) = self.result.take() {
                    self.count(&execution);
                }
                Continue(())
            }
            Err(Failure::Refused(cause)) if self.failure.is_none() => {
                self.result = None;
                self.failure = Some(format!("its result cannot be written: {cause}"));
                Continue(())
            }
            Err(Failure::Refused(cause)) => Break(Ending::Retry(cause)),
            failed => self.settle(failed).await,
        }
    }

    fn count(&self, execution: &Execution) {
        if let Some(target) = self.query.spec.all_targets().next() {
            let namespace = &self.lease.key().namespace;
            let status = self.query.phase().as_str();
            let metrics = &self.shop.metrics;
            metrics.query_finished(namespace, target.kind, status, execution.took);
        }
    }

    async fn select(&mut self) -> ControlFlow<Ending> {
        let namespace = &self.lease.key().namespace;
        match hits(&self.shop.client, namespace, &self.query.spec).await {
            Ok(hits) => {
                let query = Arc::make_mut(&mut self.query);
                select(&mut query.spec, self.shop.dialect, hits);
                Continue(())
            }
            Err(SelectionError::Malformed(cause)) => {
                self.failure = Some(format!("its selector cannot be understood: {cause}"));
                Continue(())
            }
            Err(SelectionError::Unlisted(error)) => Break(Ending::Retry(error.to_string())),
        }
    }

    /// Deletes the Query; what our finalizer keeps of it is then read, to be released.
    async fn delete(&mut self) -> ControlFlow<Ending> {
        let metadata = &self.query.metadata;
        let uid = metadata.uid.as_deref().unwrap_or_default();
        let version = metadata.resource_version.as_deref().unwrap_or_default();
        let key = self.lease.key();
        let delete = || self.shop.api.delete(key, uid, version);
        match self.patience().spend_on(delete).await {
            Ok(()) => self.read().await,
            failed => self.settle(failed).await,
        }
    }
}

impl Ending {
    fn metric(&self) -> ReconcileResult {
        match self {
            Self::Settled | Self::Gone | Self::Abandoned => ReconcileResult::Success,
            Self::LookAgain(_) => ReconcileResult::RequeueAfter,
            Self::ToStart => ReconcileResult::Requeue,
            Self::Retry(_) => ReconcileResult::Error,
        }
    }

    fn expires(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::LookAgain(delay) => Some(now.checked_add(*delay).unwrap_or(Timestamp::MAX)),
            _ => None,
        }
    }
}
