//! What does one pass over a Query cost, by the phase that it finds the Query in?
//!
//! Each case is a backlog of Queries in one phase, made before a controller starts; one iteration is one Query of
//! it. In the timed part: the CPU time of our thread from the start of the controller until the last Query is where
//! it belongs, without the API stand-in's own share: reading the list, queue, transition, writes.
//! Not in it: any call of a target, since the executor here answers at once; creating the Queries.
//! Do not conclude what a Query costs from its creation to its end: `lifecycle` measures that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::clock::cpu_time;
use benches::{Suite, runtime, suite_main};
use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{Answer, Execute, TargetOutcome};
use control_plane::metrics::Metrics;
use criterion::Throughput;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, Response};
use serde_json::json;
use testbed::kube_api::{KubeApi, Verb};
use testbed::population;
use tokio_util::sync::CancellationToken;

const NAMESPACE: &str = "team";

/// How often is looked whether all is done.
const LOOK: Duration = Duration::from_millis(1);

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The state in which a pass finds its Query, and what the pass has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// New: claim it, write that it runs, write its end.
    Pending,
    /// Left running by an earlier controller: claim it, read it anew, write its end.
    Running,
    /// Canceled before it was started: write that.
    Canceled,
    /// About to be deleted: take the finalizer off.
    Deleting,
    /// Done and past its time to live: delete it, take the finalizer off.
    Expired,
}

fn passes(suite: &mut Suite<'_>) {
    suite.macro_cases();
    suite.throughput(Throughput::Elements(1));
    for (parameter, found) in [
        ("pending", Found::Pending),
        ("running", Found::Running),
        ("canceled", Found::Canceled),
        ("deleting", Found::Deleting),
        ("expired", Found::Expired),
    ] {
        let n_queries = suite.population(500, 20);
        suite.prepared(
            "pass",
            parameter,
            runtime::current_thread,
            |bencher, runtime| {
                bencher.iter_custom(|n_iterations| {
                    let took = runtime.block_on(work_off(found, n_queries));
                    took.mul_f64(n_iterations as f64 / n_queries as f64)
                });
            },
        );
    }
}

/// Lets a controller work off a backlog; its CPU time.
async fn work_off(found: Found, n_queries: usize) -> Duration {
    let api = KubeApi::new().with_crds(crds(Dialect::Targets));
    let queries: Api<Query> = Api::namespaced(api.client(NAMESPACE), NAMESPACE);
    for index in 0..n_queries {
        found.make(&queries, &format!("q{index}")).await;
    }
    let patches_before = n_patches(&api);
    api.measure_busy(true);
    let (cpu, busy) = (cpu_time(), api.busy());

    let controller = Controller::new(
        api.client(NAMESPACE),
        Arc::new(AtOnce),
        ControllerConfig::default(),
        Metrics::new(),
    );
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(controller.run(shutdown.clone()));
    let started = Instant::now();
    while !found.is_worked_off(&api, patches_before, n_queries) {
        assert!(started.elapsed() < PATIENCE, "{found:?} hangs");
        tokio::time::sleep(LOOK).await;
    }
    let took = (cpu_time() - cpu).saturating_sub(api.busy() - busy);

    shutdown.cancel();
    let ended = run.await.expect("the controller does not panic");
    ended.expect("the definition of Query is there");
    found.check(&queries, n_queries).await;
    took
}

impl Found {
    /// Creates one Query in this state.
    async fn make(self, queries: &Api<Query>, name: &str) {
        let query = population::query(name)
            .in_namespace(NAMESPACE)
            .with_model_target("m")
            .with_ttl(Duration::from_secs(60));
        let query = match self {
            Self::Pending => query.build(),
            Self::Running => query.with_finalizer().build(),
            Self::Canceled => query.with_finalizer().canceled().build(),
            Self::Deleting | Self::Expired => query.with_finalizer().build(),
        };
        let created = queries.create(&PostParams::default(), &query).await;
        created.expect("the stand-in takes a well-formed query");
        let phase = match self {
            Self::Pending | Self::Canceled => return,
            Self::Running => Phase::Running,
            Self::Deleting | Self::Expired => Phase::Done,
        };
        let status = json!({"status": {"phase": phase, "conditions": [long_ago(phase)]}});
        let written = queries
            .patch_status(name, &PatchParams::default(), &Patch::Merge(&status))
            .await;
        written.expect("the stand-in takes a well-formed status");
        if self == Self::Deleting {
            let deleted = queries.delete(name, &DeleteParams::default()).await;
            deleted.expect("the stand-in deletes what it has");
        }
    }

    /// Whether the controller has nothing left to do.
    fn is_worked_off(self, api: &KubeApi, patches_before: u64, n_queries: usize) -> bool {
        let n_writes = n_patches(api) - patches_before;
        let n_queries = n_queries as u64;
        match self {
            Self::Pending => n_writes >= 2 * n_queries,
            Self::Running | Self::Canceled => n_writes >= n_queries,
            Self::Deleting | Self::Expired => api.n_objects("queries") == 0,
        }
    }

    /// Every Query is where it belongs.
    async fn check(self, queries: &Api<Query>, n_queries: usize) {
        let list = queries.list(&kube::api::ListParams::default()).await;
        let list = list.expect("the stand-in lists what it has");
        let (n_left, phase) = match self {
            Self::Pending | Self::Running => (n_queries, Phase::Done),
            Self::Canceled => (n_queries, Phase::Canceled),
            Self::Deleting | Self::Expired => (0, Phase::Done),
        };
        assert_eq!(list.items.len(), n_left, "{self:?}");
        let is_right = |query: &Query| query.phase() == phase;
        assert!(list.items.iter().all(is_right), "{self:?}: not {phase:?}");
    }
}

fn n_patches(api: &KubeApi) -> u64 {
    api.counts().get(Verb::Patch, "queries/status")
}

/// The condition of a Query that ended an hour ago, or runs since then.
fn long_ago(phase: Phase) -> serde_json::Value {
    let time = Timestamp::now() - Duration::from_secs(3_600);
    let (status, reason) = match phase {
        Phase::Running => ("False", "QueryRunning"),
        _ => ("True", "QuerySucceeded"),
    };
    json!({
        "type": "Completed",
        "status": status,
        "reason": reason,
        "message": "",
        "lastTransitionTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// An executor whose targets answer at once.
struct AtOnce;

impl Execute for AtOnce {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        _recorded: &'a [Option<Response>],
        _cancel: &'a CancellationToken,
        _finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        let outcome = |target: &_| TargetOutcome {
            target: Clone::clone(target),
            result: Ok(Answer::default()),
            took: Duration::ZERO,
            recorded: false,
        };
        async move { query.spec.all_targets().map(outcome).collect() }.boxed()
    }
}

suite_main!(passes);
