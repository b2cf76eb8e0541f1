//! What does one pass of the controller over a Query cost, by the phase in which it finds it?
//!
//! One iteration is one Query of a population of 500 in the same state, through the API stand-in: CPU time of our
//! thread from the start of a controller until it has done its part for all, without the stand-in's share. So reading
//! the list, the ledger, the queue, the pass and its requests are in it; making the population is not.
//! Targets answer at once and in process: `lifecycle` adds the real ones.
//! Do not conclude how long a pass takes against a real API server, which is a matter of its latency alone.

use std::sync::Arc;
use std::time::Duration;

use benches::clock::cpu_time;
use benches::{Suite, runtime, suite_main};
use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{Answer, Execute, TargetOutcome};
use control_plane::metrics::{Metrics, Stage};
use control_plane::queue::QueueConfig;
use criterion::Throughput;
use futures::FutureExt;
use futures::future::{BoxFuture, pending, ready};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, Response};
use serde_json::json;
use testbed::kube_api::{Counts, KubeApi, Verb};
use testbed::population;
use tokio_util::sync::CancellationToken;

const STATUS: &str = "queries/status";

/// A state to find a Query in, and what shows that a pass over it is done.
struct Case {
    parameter: &'static str,
    /// The Query as it is created.
    query: fn(&str) -> Query,
    /// Its phase when the controller comes.
    phase: Option<Phase>,
    is_deleted: bool,
    targets: Targets,
    /// How many passes a controller with these counts has done, given those that left the queue.
    n_done: fn(&Counts, usize) -> u64,
}

/// Targets that answer at once, or never.
#[derive(Debug, Clone, Copy)]
enum Targets {
    Instant,
    Silent,
}

const CASES: [Case; 6] = [
    Case {
        parameter: "pending_to_running",
        query: plain,
        phase: None,
        is_deleted: false,
        targets: Targets::Silent,
        n_done: |counts, _| counts.get(Verb::Patch, STATUS),
    },
    Case {
        parameter: "running_to_done",
        query: finalized,
        phase: Some(Phase::Running),
        is_deleted: false,
        targets: Targets::Instant,
        n_done: |counts, _| counts.get(Verb::Patch, STATUS),
    },
    Case {
        parameter: "pending_to_canceled",
        query: |name| {
            population::query(name)
                .with_model_target("m")
                .canceled()
                .build()
        },
        phase: None,
        is_deleted: false,
        targets: Targets::Silent,
        n_done: |counts, _| counts.get(Verb::Patch, STATUS),
    },
    Case {
        parameter: "done_at_rest",
        query: finalized,
        phase: Some(Phase::Done),
        is_deleted: false,
        targets: Targets::Silent,
        n_done: |_, n_popped| n_popped as u64,
    },
    Case {
        parameter: "done_to_deleted",
        query: |name| {
            let query = population::query(name)
                .with_model_target("m")
                .with_finalizer();
            query.with_ttl(Duration::ZERO).build()
        },
        phase: Some(Phase::Done),
        is_deleted: false,
        targets: Targets::Silent,
        n_done: |counts, _| counts.get(Verb::Patch, "queries"),
    },
    Case {
        parameter: "deleting_to_released",
        query: finalized,
        phase: Some(Phase::Done),
        is_deleted: true,
        targets: Targets::Silent,
        n_done: |counts, _| counts.get(Verb::Patch, "queries"),
    },
];

fn plain(name: &str) -> Query {
    population::query(name).with_model_target("m").build()
}

fn finalized(name: &str) -> Query {
    population::query(name)
        .with_model_target("m")
        .with_finalizer()
        .build()
}

impl Execute for Targets {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        _recorded: &'a [Option<Response>],
        _cancel: &'a CancellationToken,
        _finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        match self {
            Self::Silent => pending().boxed(),
            Self::Instant => {
                let answered = query.spec.all_targets().map(|target| TargetOutcome {
                    target: target.clone(),
                    result: Ok(Answer::default()),
                    took: Duration::ZERO,
                    recorded: false,
                });
                ready(answered.collect()).boxed()
            }
        }
    }
}

fn one_pass(suite: &mut Suite<'_>) {
    suite.macro_cases();
    suite.throughput(Throughput::Elements(1));
    let n_queries = suite.population(500, 20);
    for case in CASES {
        suite.prepared(
            "one_pass",
            case.parameter,
            runtime::current_thread,
            |bencher, runtime| {
                bencher.iter_custom(|n_iterations| {
                    let spent = runtime.block_on(run(&case, n_queries));
                    spent.mul_f64(n_iterations as f64 / n_queries as f64)
                });
            },
        );
    }
}

/// Our CPU time for one pass over each of `n_queries`.
async fn run(case: &Case, n_queries: usize) -> Duration {
    let api = KubeApi::new().with_crds(crds(Dialect::Targets));
    let client = api.client("default");
    populate(&client, case, n_queries).await;
    let metrics = Metrics::new();
    let config = ControllerConfig {
        dialect: Some(Dialect::Targets),
        queue: QueueConfig {
            max_in_flight: n_queries,
            ..QueueConfig::default()
        },
        grace: Duration::ZERO,
        ..ControllerConfig::default()
    };
    let controller = Controller::new(client, Arc::new(case.targets), config, metrics.clone());
    let counts = api.counts();
    api.measure_busy(true);
    let cpu = cpu_time();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(controller.run(shutdown.clone()));
    while (case.n_done)(&api.counts().since(&counts), n_popped(&metrics)) < n_queries as u64 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let spent = (cpu_time() - cpu).saturating_sub(api.busy());
    shutdown.cancel();
    let ended = running.await.expect("the controller does not panic");
    ended.expect("its dialect was given");
    spent
}

fn n_popped(metrics: &Metrics) -> usize {
    let totals = metrics.stage_totals();
    let queue = totals.into_iter().find(|(stage, _)| *stage == Stage::Queue);
    queue.map_or(0, |(_, total)| {
        usize::try_from(total.count).unwrap_or(usize::MAX)
    })
}

async fn populate(client: &kube::Client, case: &Case, n_queries: usize) {
    let queries: Api<Query> = Api::namespaced(client.clone(), "default");
    for index in 0..n_queries {
        let name = format!("q{index}");
        let created = queries
            .create(&PostParams::default(), &(case.query)(&name))
            .await;
        created.expect("the stand-in takes a well-formed query");
        if let Some(phase) = case.phase {
            let patch = Patch::Merge(json!({"status": {"phase": phase}}));
            let patched = queries
                .patch_status(&name, &PatchParams::default(), &patch)
                .await;
            patched.expect("the stand-in takes a status");
        }
        if case.is_deleted {
            let deleted = queries.delete(&name, &DeleteParams::default()).await;
            deleted.expect("the stand-in deletes");
        }
    }
}

suite_main!(one_pass);
