//! A whole control plane on one thread: the API stand-in, an LLM stub on a thread of its own, the controller with
//! its real executor, and a population of Queries to work on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::{Execute, ExecutionConfig, Executor, TargetOutcome};
use control_plane::llm::{LlmClient, LlmConfig};
use control_plane::metrics::Metrics;
use control_plane::queue::QueueConfig;
use control_plane::resources::{Resources, ResourcesConfig};
use futures::future::BoxFuture;
use kube::Api;
use kube::api::{ListParams, PostParams};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::model::Model;
use query_api::query::{Phase, Query, Response};
use testbed::kube_api::{KubeApi, Verb};
use testbed::llm::LlmStub;
use testbed::llm::latency::Latency;
use testbed::llm::script::Script;
use testbed::population;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::clock::cpu_time;
use crate::runtime;

/// Namespaces that a population is spread over.
const N_NAMESPACES: usize = 10;

/// How often is looked whether all is done; a look costs about a microsecond.
const LOOK: Duration = Duration::from_millis(1);

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The place of all runs of a suite: one runtime and one stub. Everything else is made anew for each run.
pub struct Site {
    runtime: Runtime,
    stub: LlmStub,
}

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Queries done.
    pub n_queries: usize,
    /// From the start to the last terminal status.
    pub wall: Duration,
    /// CPU time of our thread, the stand-in's share taken out.
    pub own_cpu: Duration,
    /// CPU time of our thread inside the API stand-in.
    pub stand_in_cpu: Duration,
}

impl Site {
    /// A site whose model takes `latency` to answer.
    pub fn new(latency: Duration) -> Self {
        let runtime = runtime::current_thread();
        let latency = match latency {
            Duration::ZERO => Latency::default(),
            latency => Latency::Fixed(latency),
        };
        let script = Script::new().with_latency(latency);
        let stub = runtime.block_on(LlmStub::start(script));
        Self { runtime, stub }
    }

    /// Creates the Queries, then starts a controller and lets it work until all are done.
    ///
    /// Counted is the work of the controller and its executor alone, the reading of the list included.
    pub fn drain(&self, n_queries: usize, n_at_once: usize) -> Run {
        self.runtime.block_on(async {
            let stand = Stand::new(&self.stub).await;
            stand.create(0, n_queries).await;
            stand.api.measure_busy(true);
            let before = Before::now(&stand);
            let shutdown = stand.start(n_at_once);
            stand.until_done(n_queries).await;
            let run = before.until_now(&stand, n_queries);
            stand.finish(&self.stub, shutdown, n_queries).await;
            run
        })
    }

    /// Lets a controller work on Queries that are created at once: a round to get going, the rounds that count, and
    /// one more behind them, so that neither the start nor the end is in the window.
    ///
    /// Counted is from the last answer of the first round to the last answer of the counted ones.
    pub fn serve(&self, n_rounds: usize, n_at_once: usize) -> Run {
        self.runtime.block_on(async {
            let mut stand = Stand::new(&self.stub).await;
            let ends = Arc::new(Ends::of(stand.executor.clone()));
            stand.executor = ends.clone();
            let n_all = (n_rounds + 2) * n_at_once;
            let shutdown = stand.start(n_at_once);
            let before = Before::now(&stand);
            stand.create(0, n_all).await;
            stand.until_done(n_all).await;
            let n_queries = n_rounds * n_at_once;
            let run = Run {
                wall: ends.between(n_at_once, n_at_once + n_queries),
                ..before.until_now(&stand, n_queries)
            };
            stand.finish(&self.stub, shutdown, n_all).await;
            run
        })
    }
}

/// An executor that notes when its Queries end.
struct Ends {
    executor: Arc<dyn Execute>,
    times: Mutex<Vec<Instant>>,
}

impl Ends {
    fn of(executor: Arc<dyn Execute>) -> Self {
        Self {
            executor,
            times: Mutex::default(),
        }
    }

    /// From the end of the n-th Query to end that of another.
    fn between(&self, first: usize, last: usize) -> Duration {
        let times = self
            .times
            .lock()
            .expect("nobody panics while noting a time");
        times[last - 1].duration_since(times[first - 1])
    }
}

impl Execute for Ends {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        recorded: &'a [Option<Response>],
        cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        let executing = self.executor.execute(query, recorded, cancel, finished);
        Box::pin(async {
            let outcomes = executing.await;
            let mut times = self
                .times
                .lock()
                .expect("nobody panics while noting a time");
            times.push(Instant::now());
            outcomes
        })
    }
}

impl Run {
    /// Our own CPU time for one Query.
    pub fn own_cpu_per_query(&self) -> Duration {
        self.own_cpu.div_f64(self.n_queries as f64)
    }

    /// The stand-in's CPU time for one Query.
    pub fn stand_in_cpu_per_query(&self) -> Duration {
        self.stand_in_cpu.div_f64(self.n_queries as f64)
    }
}

/// One stand-in with what Queries need.
struct Stand {
    api: KubeApi,
    client: kube::Client,
    executor: Arc<dyn Execute>,
    metrics: Metrics,
}

impl Stand {
    async fn new(stub: &LlmStub) -> Self {
        stub.clear_counts();
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let client = api.client("default");
        for index in 0..N_NAMESPACES {
            let namespace = namespace(index);
            let model = population::model("m").in_namespace(&namespace);
            let model = model.at(&stub.base_url()).with_key("k").build();
            let models: Api<Model> = Api::namespaced(client.clone(), &namespace);
            let created = models.create(&PostParams::default(), &model).await;
            created.expect("the stand-in takes a well-formed model");
        }
        let metrics = Metrics::new();
        let config = ResourcesConfig::default();
        let resources = Resources::new(client.clone(), config, metrics.clone());
        resources.ready().await;
        let llm = LlmClient::new(LlmConfig::default());
        let config = ExecutionConfig::default();
        let executor = Executor::new(resources, llm, config, metrics.clone());
        Self {
            client,
            executor: Arc::new(executor),
            metrics,
            api,
        }
    }

    async fn create(&self, from: usize, to: usize) {
        for index in from..to {
            let namespace = namespace(index);
            let query = population::query(&format!("q{index}"))
                .in_namespace(&namespace)
                .asking("what is the capital of England?")
                .with_model_target("m")
                .build();
            let queries: Api<Query> = Api::namespaced(self.client.clone(), &namespace);
            let created = queries.create(&PostParams::default(), &query).await;
            created.expect("the stand-in takes a well-formed query");
        }
    }

    fn start(&self, n_at_once: usize) -> CancellationToken {
        let config = ControllerConfig {
            queue: QueueConfig {
                max_in_flight: n_at_once,
                ..QueueConfig::default()
            },
            ..ControllerConfig::default()
        };
        let controller = Controller::new(
            self.client.clone(),
            self.executor.clone(),
            config,
            self.metrics.clone(),
        );
        let shutdown = CancellationToken::new();
        let run = controller.run(shutdown.clone());
        tokio::spawn(async move { run.await.expect("the definition of Query is there") });
        shutdown
    }

    /// Each Query gets two writes of its status: running, and the end.
    async fn until_done(&self, n_queries: usize) {
        let started = Instant::now();
        while self.n_status_writes() < 2 * n_queries {
            assert!(
                started.elapsed() < PATIENCE,
                "{} of {} writes",
                self.n_status_writes(),
                2 * n_queries
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    fn n_status_writes(&self) -> usize {
        let writes = self.api.counts().get(Verb::Patch, "queries/status");
        usize::try_from(writes).expect("a count of requests fits")
    }

    /// Stops the controller and checks that the work was done: each Query once, and rightly.
    async fn finish(&self, stub: &LlmStub, shutdown: CancellationToken, n_queries: usize) {
        shutdown.cancel();
        let calls = stub.calls_by_query();
        assert_eq!(calls.len(), n_queries, "every query asked its model");
        assert!(calls.values().all(|n_calls| *n_calls == 1), "and just once");
        let queries: Api<Query> = Api::all(self.client.clone());
        let list = queries.list(&ListParams::default()).await;
        let list = list.expect("the stand-in lists what it has");
        assert_eq!(list.items.len(), n_queries);
        let is_done = |query: &Query| query.phase() == Phase::Done;
        assert!(list.items.iter().all(is_done), "every query is done");
    }
}

fn namespace(index: usize) -> String {
    format!("team-{}", index % N_NAMESPACES)
}

/// The clocks at the start of a run.
struct Before {
    wall: Instant,
    cpu: Duration,
    busy: Duration,
}

impl Before {
    fn now(stand: &Stand) -> Self {
        Self {
            wall: Instant::now(),
            busy: stand.api.busy(),
            cpu: cpu_time(),
        }
    }

    fn until_now(&self, stand: &Stand, n_queries: usize) -> Run {
        let cpu = cpu_time() - self.cpu;
        let stand_in_cpu = stand.api.busy() - self.busy;
        Run {
            n_queries,
            wall: self.wall.elapsed(),
            own_cpu: cpu.saturating_sub(stand_in_cpu),
            stand_in_cpu,
        }
    }
}
