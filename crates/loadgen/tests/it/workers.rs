//! Several workers in one process: what they start together is what a single run starts, and nobody harms another.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use loadgen::driver::kubernetes::{Kubernetes, KubernetesConfig};
use loadgen::driver::null::Null;
use loadgen::driver::{
    Capabilities, Driver, End, Findings, Setting, Sighting, Sightings, Start, Watcher, What,
};
use loadgen::error::DriverError;
use loadgen::invariants;
use loadgen::outcome::Outcome;
use loadgen::report::model::Circumstances;
use loadgen::run::{Ran, RunSettings, run};
use loadgen::scenario::Scenario;
use loadgen::share::{Barrier, Worker};
use loadgen::workers::lease::{LeaseBarrier, LeaseConfig};
use loadgen::workers::merge::{Found, Gathered, merged};
use loadgen::workers::part::{Belonging, Part, fingerprint};
use loadgen::workers::store::{Kept, Store, packed};
use parking_lot::Mutex;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use results::machine::Machine;
use testbed::answerer::answer_all;
use testbed::kube_api::KubeApi;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::runs::{ran, scenario, settings};

const MIX: &str = "tenants = 3\nagents = 2\n[[operation]]\nname = \"big\"\nweight = 1.0\n\
    [[operation]]\nname = \"small\"\nweight = 3.0\n";

/// Starts by their numbers.
type Starts = HashMap<u64, Start>;

/// Passes on all that is seen.
struct Ear(mpsc::Sender<Sighting>);

impl Watcher for Ear {
    fn saw(&self, sighting: Sighting) {
        // The test may have heard enough.
        let _ = self.0.try_send(sighting);
    }
}

/// Notes every start, and lets the null driver make it.
struct Noting {
    null: Null,
    starts: Arc<Mutex<Vec<Start>>>,
}

impl Noting {
    fn driver(starts: &Arc<Mutex<Vec<Start>>>) -> Arc<dyn Driver> {
        Arc::new(Self {
            null: Null::taking(Duration::from_millis(1)),
            starts: starts.clone(),
        })
    }
}

impl Driver for Noting {
    fn capabilities(&self) -> Capabilities {
        self.null.capabilities()
    }

    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        self.null.prepare(setting)
    }

    fn observe(&self, sightings: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        self.null.observe(sightings)
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        self.starts.lock().push(*start);
        self.null.start(start, sightings)
    }

    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()> {
        self.null.cancel(start)
    }

    fn classify(&self, start: &Start, end: &End) -> Outcome {
        self.null.classify(start, end)
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        self.null.verify()
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        self.null.clean_up()
    }
}

fn of(number: usize, workers: usize) -> RunSettings {
    RunSettings {
        worker: Worker::new(number, workers).expect("below"),
        ..settings()
    }
}

async fn worked(scenario: &Scenario, driver: Arc<dyn Driver>, settings: &RunSettings) -> Ran {
    let interrupt = CancellationToken::new();
    let ran = run(scenario, driver, settings, interrupt, |_| {}).await;
    ran.expect("it runs")
}

/// The part by way of its text.
fn part(scenario: &Scenario, worker: Worker, begin: Option<String>, ran: Ran) -> Part {
    let of = Belonging {
        run: "test".to_owned(),
        fingerprint: fingerprint(scenario),
        seed: scenario.seed,
        begin,
        worker,
    };
    let circumstances = Circumstances {
        name: "test".to_owned(),
        time_scale: 1.0,
        settings: Vec::new(),
        machine: Machine::here(),
    };
    Part::new(of, circumstances, ran)
}

fn by_number(starts: &Mutex<Vec<Start>>) -> Starts {
    let starts = starts.lock();
    let by_number: Starts = starts.iter().map(|start| (start.id, *start)).collect();
    assert_eq!(by_number.len(), starts.len(), "no number comes twice");
    by_number
}

/// How many were to start in each second.
fn intended(ran: &Ran) -> Vec<u64> {
    let windows = ran.recorder.windows().iter();
    let mut intended: Vec<u64> = windows.map(|window| window.intended).collect();
    while intended.last() == Some(&0) {
        intended.pop();
    }
    intended
}

/// Runs it by a single worker, then by several at once.
async fn check(load: &str, workers: usize) {
    let scenario = scenario(load, "1ms", MIX);
    let (alone, together) = (Arc::default(), Arc::default());
    let single = ran(&scenario, Noting::driver(&alone))
        .await
        .expect("it runs");
    let shares = (0..workers).map(|number| {
        let (scenario, driver) = (scenario.clone(), Noting::driver(&together));
        async move {
            let settings = of(number, workers);
            let ran = worked(&scenario, driver, &settings).await;
            let part = part(&scenario, settings.worker, None, ran);
            let place = format!("part {number}");
            let part = Part::parse(&place, &part.json()).expect("it is whole");
            Found { place, part }
        }
    });
    let found = join_all(shares).await;
    let Gathered { ran, .. } = merged(&scenario, "test", found).expect("one run");
    assert_eq!(by_number(&together), by_number(&alone), "{workers} workers");
    assert_eq!(ran.started, single.started);
    let outcomes = |ran: &Ran| ran.recorder.all().outcomes;
    assert_eq!(outcomes(&ran), outcomes(&single));
    let per_operation = |ran: &Ran| -> Vec<u64> {
        let tallies = ran.recorder.tallies().iter();
        tallies.map(|tally| tally.outcomes.total()).collect()
    };
    assert_eq!(per_operation(&ran), per_operation(&single));
    if scenario.open.is_some() {
        assert_eq!(intended(&ran), intended(&single));
    }
    for invariant in invariants::check(&ran) {
        assert_ne!(invariant.holds, Some(false), "{invariant:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_start_together_what_a_single_run_starts() {
    let open = "[open]\nstart = 60.0\nstages = [{ duration = \"2s\", rate = 60.0 }]";
    let closed = "[closed]\nusers = 6\nqueries = 50";
    for (load, workers) in [(open, 1), (open, 3), (closed, 2), (closed, 5)] {
        check(load, workers).await;
    }
    check("[burst]\ncount = 2", 3).await;
}

fn cluster(api: &KubeApi) -> Kubernetes {
    let config = KubernetesConfig {
        base_url: Some("http://127.0.0.1:9/v1".to_owned()),
        ..KubernetesConfig::default()
    };
    Kubernetes::new(api.client("default"), config)
}

fn barrier(api: &KubeApi, worker: Worker) -> Arc<LeaseBarrier> {
    Arc::new(LeaseBarrier::new(LeaseConfig {
        client: api.client("default"),
        namespace: "workers".to_owned(),
        run: "test".to_owned(),
        worker,
        patience: Duration::from_secs(30),
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_a_cluster_make_one_run_and_the_gatherer_cleans_up() {
    let api = KubeApi::new().with_crds(crds(Dialect::Targets));
    let scenario = scenario("[burst]\ncount = 20", "1ms", MIX);
    let answering = tokio::spawn(answer_all(api.clone(), "4"));
    let patience = Duration::from_secs(10);
    let store = Store::new(
        api.client("default"),
        "workers".to_owned(),
        "test".to_owned(),
        patience,
    );
    let shares = (0..3).map(|number| {
        let (api, scenario, store) = (api.clone(), scenario.clone(), store.clone());
        async move {
            let settings = of(number, 3);
            let lease = barrier(&api, settings.worker);
            let barrier: Arc<dyn Barrier> = lease.clone();
            let settings = RunSettings {
                barrier,
                ..settings
            };
            let ran = worked(&scenario, Arc::new(cluster(&api)), &settings).await;
            let part = part(&scenario, settings.worker, lease.agreed(), ran);
            let packed = packed(&part).expect("it is small");
            store.put(&part, packed).await.expect("the place is free");
        }
    });
    join_all(shares).await;
    answering.abort();
    let ended = answering.await.expect_err("it answers for ever");
    assert!(ended.is_cancelled(), "{ended}");

    let kept = store.find().await.expect("the server answers");
    let found = kept.iter().map(Kept::unpacked);
    let found = found.collect::<Result<Vec<_>, _>>().expect("all are whole");
    assert!(found[0].part.of.begin.is_some());
    let Gathered { ran, .. } = merged(&scenario, "test", found).expect("one run");
    assert_eq!(ran.recorder.all().outcomes.get(Outcome::Done), 20);
    assert_eq!(ran.left_over, 0);
    assert_eq!(api.n_objects("queries"), 0, "each worker removed its own");
    assert_ne!(api.n_objects("agents"), 0, "the set-up is everybody's");
    let left = cluster(&api).remove_run("test", scenario.tenants).await;
    assert_eq!(left.expect("the server answers"), 0);
    store.clear().await.expect("the server answers");
    for plural in ["agents", "models", "secrets", "leases", "configmaps"] {
        assert_eq!(api.n_objects(plural), 0, "{plural}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cleans_up_takes_no_ground_from_under_the_others() {
    let api = KubeApi::new().with_crds(crds(Dialect::Targets));
    let setting = |worker: Worker| Setting {
        run: "test".to_owned(),
        tenants: 1,
        agents: 1,
        latency: [Duration::ZERO; 2],
        tool_calls: 0,
        tools: 1,
        timeout: Duration::from_secs(60),
        ttl: Duration::from_secs(3600),
        seed: 1,
        worker,
    };
    let workers = [0, 1].map(|number| Worker::new(number, 2).expect("below"));
    // A few sightings for each of two operations.
    let (seen_tx, mut seen_rx) = mpsc::channel(64);
    let sightings = Sightings::to(Arc::new(Ear(seen_tx)));
    let drivers = workers.map(|_| cluster(&api));
    for (driver, worker) in drivers.iter().zip(workers) {
        driver.prepare(&setting(worker)).await.expect("prepared");
        driver.observe(sightings.clone()).await.expect("observed");
        let start = Start {
            id: worker.id(4),
            operation: 0,
            tenant: 0,
            agent: 0,
        };
        driver.start(&start, &sightings).await;
    }
    let mut sighted: Vec<u64> = Vec::new();
    while sighted.len() < 2 {
        let sighting = seen_rx.recv().await.expect("the watches go on");
        sighted.extend(is_first(&sighting).then_some(sighting.id));
    }
    assert_eq!(api.n_objects("queries"), 2);
    assert_eq!(drivers[0].clean_up().await.expect("cleaned up"), 0);
    assert_eq!(api.n_objects("queries"), 1);
    assert_eq!(api.n_objects("agents"), 1);
    assert_eq!(drivers[1].clean_up().await.expect("cleaned up"), 0);
    assert_eq!(api.n_objects("queries"), 0);
    assert_eq!(api.n_objects("agents"), 1);
    drop((drivers, sightings));
    // No watch shows the other worker's Query.
    while let Ok(sighting) = seen_rx.try_recv() {
        sighted.extend(is_first(&sighting).then_some(sighting.id));
    }
    sighted.sort_unstable();
    assert_eq!(sighted, [8, 9]);
}

fn is_first(sighting: &Sighting) -> bool {
    matches!(sighting.what, What::Sighted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_company_does_not_come_leaves_nothing_of_its_own() {
    let api = KubeApi::new().with_crds(crds(Dialect::Targets));
    let scenario = scenario("[burst]\ncount = 4", "1ms", "");
    let worker = Worker::new(1, 2).expect("below");
    let barrier = LeaseBarrier::new(LeaseConfig {
        client: api.client("default"),
        namespace: "workers".to_owned(),
        run: "test".to_owned(),
        worker,
        patience: Duration::from_millis(300),
    });
    let settings = RunSettings {
        barrier: Arc::new(barrier),
        ..of(1, 2)
    };
    let interrupt = CancellationToken::new();
    let ran = run(
        &scenario,
        Arc::new(cluster(&api)),
        &settings,
        interrupt,
        |_| {},
    );
    let error = ran.await.expect_err("nobody else comes");
    assert!(matches!(error, DriverError::Absent { .. }), "{error}");
    assert_eq!(api.n_objects("queries"), 0);
    assert_eq!(api.n_objects("leases"), 0);
}
