//! The controllers that are held against each other.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{Answer, Execute, TargetOutcome};
use control_plane::metrics::Metrics;
use control_plane::queue::QueueConfig;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::{self, Action};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, Response};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::{Work, World};

/// Whose controller it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Ours,
    KubeRuntime,
}

/// How many Queries may be in flight; `usize::MAX` for as many as there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) in_flight: usize,
}

impl Bounds {
    pub(crate) fn in_flight(in_flight: usize) -> Self {
        Self { in_flight }
    }
}

/// A controller at work; dropping it lets it go on.
pub(crate) struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("the controller does not panic");
    }
}

impl Subject {
    pub(crate) fn start(self, world: &World, bounds: Bounds) -> Running {
        let shutdown = CancellationToken::new();
        let task = match self {
            Self::Ours => tokio::spawn(ours(world, bounds, shutdown.clone())),
            Self::KubeRuntime => tokio::spawn(kube_runtime(world, bounds, shutdown.clone())),
        };
        Running { shutdown, task }
    }
}

fn ours(world: &World, bounds: Bounds, shutdown: CancellationToken) -> BoxFuture<'static, ()> {
    let config = ControllerConfig {
        dialect: Some(Dialect::Targets),
        queue: QueueConfig {
            max_concurrent_reconciles: bounds.in_flight,
            max_in_flight: bounds.in_flight,
            ..QueueConfig::default()
        },
        ..ControllerConfig::default()
    };
    let execute = Arc::new(Executed(world.work.clone()));
    let client = world.client.clone();
    let controller = Controller::new(client, execute, config, Metrics::new());
    let run = async move {
        controller
            .run(shutdown)
            .await
            .expect("the dialect is given")
    };
    run.boxed()
}

/// Our side of the work.
struct Executed(Arc<Work>);

impl Execute for Executed {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        _recorded: &'a [Option<Response>],
        _cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        async move {
            self.0.execute(&namespace(query), &query.name_any()).await;
            let target = query.spec.all_targets().next().cloned();
            let outcome = TargetOutcome {
                target: target.expect("every Query here has one target"),
                result: Ok(Answer {
                    content: "ok".to_owned(),
                    ..Answer::default()
                }),
                took: Duration::ZERO,
                recorded: false,
            };
            finished(0, &outcome);
            vec![outcome]
        }
        .boxed()
    }
}

fn kube_runtime(
    world: &World,
    bounds: Bounds,
    shutdown: CancellationToken,
) -> BoxFuture<'static, ()> {
    let shop = Arc::new(Shop {
        client: world.client.clone(),
        work: world.work.clone(),
        begun: Mutex::default(),
    });
    // Zero is its word for unbounded.
    let concurrency = u16::try_from(bounds.in_flight).unwrap_or(0);
    let queries: Api<Query> = Api::all(world.client.clone());
    kube::runtime::Controller::new(queries, watcher::Config::default())
        .with_config(controller::Config::default().concurrency(concurrency))
        .run(reconcile, |_, _, _| Action::requeue(RETRY), shop)
        .take_until(async move { shutdown.cancelled().await })
        .for_each(|_| std::future::ready(()))
        .boxed()
}

/// The delay after an error, of which there are none.
const RETRY: Duration = Duration::from_secs(1);

/// Their side of the work.
struct Shop {
    client: kube::Client,
    work: Arc<Work>,
    /// Uids of what this process has begun, as Ark keeps them: what the cache shows may be older than our own writes.
    begun: Mutex<HashSet<String>>,
}

async fn reconcile(query: Arc<Query>, shop: Arc<Shop>) -> Result<Action, kube::Error> {
    let is_new = {
        let uid = query.meta().uid.clone().unwrap_or_default();
        let mut begun = shop
            .begun
            .lock()
            .expect("nobody panics with the set in hand");
        query.phase() == Phase::Pending && begun.insert(uid)
    };
    if !is_new {
        return Ok(Action::await_change());
    }
    let (namespace, name) = (namespace(&query), query.name_any());
    let queries: Api<Query> = Api::namespaced(shop.client.clone(), &namespace);
    let params = PatchParams::default();
    let running = json!({"status": {"phase": "running"}});
    queries
        .patch_status(&name, &params, &Patch::Merge(running))
        .await?;
    shop.work.execute(&namespace, &name).await;
    let responses =
        json!([{"target": query.spec.targets.first(), "content": "ok", "phase": "done"}]);
    let done = json!({"status": {"phase": "done", "responses": responses}});
    queries
        .patch_status(&name, &params, &Patch::Merge(done))
        .await?;
    Ok(Action::await_change())
}

fn namespace(query: &Query) -> String {
    query.namespace().unwrap_or_default()
}
