//! What does it cost to run the targets of a Query side by side, and does width cost time?
//!
//! `all_succeed` and `one_fails`: the bare fan-out, timed from the call to the outcomes in order. Each target gives
//! way once, as one does that waits for a reply, and then answers; there is no network and no model in it.
//! `one_times_out`: the same with a target that never answers and a deadline of 5 ms, which is in the time.
//! `zero_latency`: the whole execution over loopback HTTP, caches warm, against a stub that answers at once.
//! `replies_of_100_ms`: the same against a stub that takes 100 ms; the figure says what width adds to that.
//! Not timed: making Queries and Models, filling caches, opening connections.
//! Stubs work on a thread of their own, which on two cores shares them with ours: `zero_latency` at width is the rate
//! of the stub as much as our own. Our own share is the figure `cpu_per_target`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use benches::{Suite, clock::cpu_time, runtime, suite_main};
use control_plane::{
    execution::{Execute as _, ExecutionConfig, Executor},
    fan_out::{Ended, FanOut, FanOutConfig, Job, Stopped},
    llm::{LlmClient, LlmConfig},
    metrics::Metrics,
    resources::{Resources, ResourcesConfig},
};
use criterion::Throughput;
use kube::api::{Api, PostParams};
use query_api::{crd::crds, dialect::Dialect, model::Model, query::Query};
use results::figures::{Bound, Figure};
use testbed::{
    kube_api::KubeApi,
    llm::{LlmStub, latency::Latency, script::Script},
    population::{model, query},
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// One target, a few, the widths between, and the widest that runs at once.
const WIDTHS: [(&str, usize); 5] = [
    ("1_target", 1),
    ("4_targets", 4),
    ("16_targets", 16),
    ("64_targets", 64),
    ("256_targets", 256),
];

/// The time that a target which never answers gets.
const DEADLINE: Duration = Duration::from_millis(5);

/// The stub's latency in `replies_of_100_ms`.
const REPLY: Duration = Duration::from_millis(100);

/// 1.05 times the reply, and 10 ms.
const WIDE_REPLY_MS: Bound = Bound::AtMost(115.0);

/// A fan-out without anything around it.
struct Bare {
    runtime: Runtime,
    fan_out: FanOut,
    namespace: Arc<str>,
    cancel: CancellationToken,
}

/// How a target of a bare fan-out ends.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Answers,
    Fails,
    NeverEnds,
}

impl Bare {
    fn new() -> Self {
        Self {
            runtime: runtime::current_thread(),
            fan_out: FanOut::new(&FanOutConfig::default()),
            namespace: Arc::from("default"),
            cancel: CancellationToken::new(),
        }
    }

    /// Runs so many targets, of which the last ends as told.
    async fn run(&self, n_targets: usize, last: Last) -> Vec<Ended<Result<usize, ()>>> {
        let deadline = match last {
            Last::NeverEnds => DEADLINE,
            Last::Answers | Last::Fails => Duration::from_secs(300),
        };
        let job = Job {
            namespace: &self.namespace,
            n_targets,
            deadline: Some(deadline),
            cancel: &self.cancel,
        };
        let target = async |index: usize| {
            tokio::task::yield_now().await;
            match last {
                Last::Fails if index + 1 == n_targets => Err(()),
                Last::NeverEnds if index + 1 == n_targets => std::future::pending().await,
                _ => Ok(index),
            }
        };
        self.fan_out.run(job, target, |_, ended| ended).await
    }

    /// Outcomes are in order, and the last ended as told.
    fn check(&self, n_targets: usize, last: Last) {
        let outcomes = self.runtime.block_on(self.run(n_targets, last));
        assert_eq!(outcomes.len(), n_targets);
        let (ended, others) = outcomes.split_last().expect("at least one target");
        let in_order = others.iter().enumerate();
        assert!({ in_order }.all(|(index, ended)| ended.result == Ok(Ok(index))));
        let wanted = match last {
            Last::Answers => Ok(Ok(n_targets - 1)),
            Last::Fails => Ok(Err(())),
            Last::NeverEnds => Err(Stopped::TimedOut(DEADLINE)),
        };
        assert_eq!(ended.result, wanted);
    }
}

fn bare(suite: &mut Suite<'_>, case: &'static str, last: Last) {
    for (parameter, n_targets) in WIDTHS {
        let set_up = || {
            let bare = Bare::new();
            bare.check(n_targets, last);
            bare
        };
        suite.throughput(Throughput::Elements(n_targets as u64));
        suite.prepared(case, parameter, set_up, |bencher, bare| {
            let run = || bare.run(n_targets, last);
            bencher.to_async(&bare.runtime).iter(run);
        });
    }
}

fn all_succeed(suite: &mut Suite<'_>) {
    bare(suite, "all_succeed", Last::Answers);
}

fn one_fails(suite: &mut Suite<'_>) {
    bare(suite, "one_fails", Last::Fails);
}

fn one_times_out(suite: &mut Suite<'_>) {
    suite.macro_cases();
    bare(suite, "one_times_out", Last::NeverEnds);
}

/// The whole execution: API stand-in, caches, client, stub.
struct World {
    runtime: Runtime,
    executor: Executor,
    stub: LlmStub,
    query: Query,
    cancel: CancellationToken,
    _api: KubeApi,
}

impl World {
    fn of(n_targets: usize, latency: Latency) -> Self {
        let runtime = runtime::current_thread();
        let (executor, stub, api) = runtime.block_on(async {
            let stub = LlmStub::start(Script::new().with_latency(latency)).await;
            let api = KubeApi::new().with_crds(crds(Dialect::Targets));
            let client = api.client("default");
            let metrics = Metrics::new();
            let resources =
                Resources::new(client.clone(), ResourcesConfig::default(), metrics.clone());
            let models: Api<Model> = Api::namespaced(client, "default");
            let object = model("m").at(&stub.base_url()).with_key("stub-key").build();
            let created = Box::pin(models.create(&PostParams::default(), &object)).await;
            created.expect("the stand-in takes every well-formed object");
            resources.ready().await;
            let llm = LlmClient::new(LlmConfig::default());
            let config = ExecutionConfig::default();
            (Executor::new(resources, llm, config, metrics), stub, api)
        });
        let targets = (0..n_targets).fold(query("q"), |query, _| query.with_model_target("m"));
        let world = Self {
            runtime,
            executor,
            stub,
            query: targets.build(),
            cancel: CancellationToken::new(),
            _api: api,
        };
        // Twice, so that the connections of the widest burst are open and the cache is filled by the watch.
        for _ in 0..2 {
            assert_eq!(world.runtime.block_on(world.run()), n_targets);
        }
        assert_eq!(world.stub.calls(), 2 * n_targets);
        world
    }

    /// How many targets answered.
    async fn run(&self) -> usize {
        let executed = self
            .executor
            .execute(&self.query, &[], &self.cancel, &|_, _| {});
        let outcomes = executed.await;
        let answered = outcomes.iter().filter(|outcome| outcome.result.is_ok());
        answered.count()
    }
}

fn zero_latency(suite: &mut Suite<'_>) {
    suite.macro_cases();
    for (parameter, n_targets) in [WIDTHS[0], WIDTHS[2], WIDTHS[4]] {
        let mut cpu = Vec::new();
        let mut stubs = Vec::new();
        let set_up = || World::of(n_targets, Latency::Zero);
        suite.throughput(Throughput::Elements(n_targets as u64));
        suite.prepared("zero_latency", parameter, set_up, |bencher, world| {
            bencher.iter_custom(|n_runs| {
                let stub = world.stub.busy();
                let (began, used) = (Instant::now(), cpu_time());
                world.runtime.block_on(async {
                    for _ in 0..n_runs {
                        assert_eq!(world.run().await, n_targets);
                    }
                });
                let took = began.elapsed();
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53 targets")]
                let ran = n_runs as f64 * n_targets as f64;
                let per_target = |spent: Duration| spent.as_secs_f64() * 1e6 / ran;
                cpu.push(per_target(cpu_time() - used));
                stubs.push(per_target(world.stub.busy() - stub));
                took
            });
        });
        let name = format!("cpu_per_target/{parameter}");
        let text = "CPU time of our thread for one model target, over loopback, without the stub's";
        if let Some(figure) = Figure::median_of(&name, &cpu, "µs", text) {
            suite.figure(figure);
        }
        let name = format!("stub_cpu_per_target/{parameter}");
        let text = "CPU time of the stub's thread for the same target";
        if let Some(figure) = Figure::median_of(&name, &stubs, "µs", text) {
            suite.figure(figure);
        }
    }
}

fn replies_of_100_ms(suite: &mut Suite<'_>) {
    suite.macro_cases();
    for (parameter, n_targets) in [WIDTHS[0], WIDTHS[4]] {
        let mut walls = Vec::new();
        let set_up = || World::of(n_targets, Latency::Fixed(REPLY));
        suite.prepared("replies_of_100_ms", parameter, set_up, |bencher, world| {
            bencher.iter_custom(|n_runs| {
                let mut total = Duration::ZERO;
                for _ in 0..n_runs {
                    let began = Instant::now();
                    assert_eq!(world.runtime.block_on(world.run()), n_targets);
                    let took = began.elapsed();
                    walls.push(took.as_secs_f64() * 1e3);
                    total += took;
                }
                total
            });
        });
        let name = format!("replies_of_100_ms/{parameter}");
        let text = "wall time of one Query, all of whose targets take 100 ms";
        if let Some(figure) = Figure::median_of(&name, &walls, "ms", text) {
            suite.figure(figure.bound(WIDE_REPLY_MS));
        }
    }
}

suite_main!(
    all_succeed,
    one_fails,
    one_times_out,
    zero_latency,
    replies_of_100_ms
);
