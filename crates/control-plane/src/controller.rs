//! The controller: watches Queries, queues them, and does for each what [`transition`](crate::transition) says.
//!
//! ```text
//!   watch ──► sighting ──► ledger ──► call ──► queue ──► pass ──► transition
//!               (one quick    (cache,  (pure:   (lanes,    │          │ effect
//!                look)        guards)   lane)    leases)   └── api, execute ◄┘
//! ```
//!
//! What must never be: a Query that is executed twice, a result that is lost, a Query that is stuck.
//! * Every write carries the `resourceVersion` it was decided on, and the first one claims the Query for this
//!   controller. After a conflict the Query is read anew and decided anew.
//! * A Query found `running` is read from the server before it is resumed, and only under our claim.
//! * A result stays in memory until it is written; a write that fails is repeated, the execution is not.
//! * Whatever fails for good, a panic included, ends in the status of its Query.
//!
//! Not here: election of a leader among several controllers, Kubernetes Events, evaluators.

mod api;
mod call;
mod clock;
pub mod config;
mod copy;
mod execute;
mod ledger;
mod pass;
mod patience;
mod selection;
mod shop;
mod sighting;
#[cfg(test)]
mod tests;
mod watch;

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use parking_lot::Mutex;
use query_api::dialect::Dialect;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::api::QueryApi;
use self::clock::Clock;
use self::ledger::Ledger;
use self::shop::Shop;
use crate::error::ControllerError;
use crate::execution::Execute;
use crate::metrics::Metrics;
use crate::queue::Queue;

pub use self::config::{ControllerConfig, Identity, Listing, Retries, Scope};

/// The CRD that tells the dialect.
const CRD: &str = "queries.ark.mckinsey.com";

/// Looks after all Queries in its scope.
pub struct Controller {
    client: kube::Client,
    execute: Arc<dyn Execute>,
    config: ControllerConfig,
    metrics: Metrics,
}

impl Controller {
    /// A controller that asks targets through `execute`. Nothing happens before [`run`](Self::run).
    #[must_use]
    pub fn new(
        client: kube::Client,
        execute: Arc<dyn Execute>,
        config: ControllerConfig,
        metrics: Metrics,
    ) -> Self {
        Self {
            client,
            execute,
            config,
            metrics,
        }
    }

    /// Works until `shutdown` is cancelled, then lets running Queries end for the configured grace.
    ///
    /// What still runs after that is left in phase `running` and resumed by the next controller; so is everything if
    /// this future is dropped.
    ///
    /// # Errors
    /// If the scope names no namespace, and if the dialect has to be asked for and cannot be told.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ControllerError> {
        let shop = Arc::new(self.shop().await?);
        let _abandon_on_drop = shop.abandon.clone().drop_guard();
        let (at_work, mut all_done) = mpsc::channel::<Infallible>(1);
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = watch::watch(&shop) => {}
            () = dispatch(&shop, &at_work) => {}
        }
        shop.queue.close();
        drop(at_work);
        let n_queries = shop.ledger.lock().len();
        tracing::info!(n_queries, n_in_flight = shop.queue.in_flight(), "stopping");
        let grace = shop.config.grace;
        if tokio::time::timeout(grace, all_done.recv()).await.is_err() {
            shop.abandon.cancel();
            all_done.recv().await;
        }
        Ok(())
    }

    async fn shop(self) -> Result<Shop, ControllerError> {
        if matches!(&self.config.scope, Scope::Namespaces(namespaces) if namespaces.is_empty()) {
            return Err(ControllerError::NoNamespace);
        }
        let dialect = match self.config.dialect {
            Some(dialect) => dialect,
            None => dialect(&self.client).await?,
        };
        let identity: Arc<str> = match &self.config.identity {
            Identity::Sole => sole_identity().into(),
            Identity::Named(name) => name.as_str().into(),
        };
        tracing::info!(%dialect, %identity, scope = ?self.config.scope, "starting");
        Ok(Shop {
            api: QueryApi::new(self.client.clone(), self.config.retries.timeout),
            client: self.client,
            execute: self.execute,
            dialect,
            queue: Queue::new(self.config.queue, self.metrics.queue()),
            metrics: self.metrics,
            ledger: Mutex::new(Ledger::new(identity.clone())),
            identity,
            clock: Clock::start(),
            abandon: CancellationToken::new(),
            config: self.config,
        })
    }
}

/// A name that no other start of a controller has: hash keys are seeded by the operating system.
fn sole_identity() -> String {
    let hash = std::hash::RandomState::new().build_hasher().finish();
    format!("sole-{hash:016x}")
}

/// Hands each lease to a task of its own; `at_work` lives on in every one of them.
async fn dispatch(shop: &Arc<Shop>, at_work: &mpsc::Sender<Infallible>) {
    while let Some(lease) = shop.queue.next().await {
        let shop = shop.clone();
        let at_work = at_work.clone();
        tokio::spawn(async move {
            pass::run(&shop, &lease).await;
            drop(at_work);
        });
    }
}

/// Asks the CRD which form Queries have.
async fn dialect(client: &kube::Client) -> Result<Dialect, ControllerError> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = definitions.get(CRD).await;
    let definition = definition.map_err(|error| ControllerError::ReadDefinition {
        crd: CRD,
        source: Box::new(error),
    })?;
    Dialect::of_schema(&definition).ok_or(ControllerError::UnknownDialect { crd: CRD })
}
