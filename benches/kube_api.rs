//! What does the Kubernetes API stand-in cost, so that it can be told apart from the costs of what stands on it?
//!
//! Timed: one request through an ordinary client, from the call to the typed answer: the client's serialising and
//! its worker, the stand-in's work, the parsing of the answer. All of it runs on one thread.
//! Not timed: making the population, and removing what `create` made.
//! The two populations show whether a request's cost grows with the number of stored objects; only a list may.
//! Do not conclude anything about a real API server, which is a hundred times slower.

use std::time::{Duration, Instant};

use benches::{Suite, runtime, suite_main};
use criterion::Throughput;
use futures::{StreamExt as _, stream::BoxStream};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::core::WatchEvent;
use pairs::turns::Bencher;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::Query;
use serde_json::json;
use testbed::kube_api::KubeApi;
use tokio::runtime::Runtime;

/// The usual load of a test, and beyond what the processor's caches hold.
const POPULATIONS: [(&str, usize); 2] = [("1k_objects", 1_000), ("30k_objects", 30_000)];

/// Namespaces that the population is spread over.
const N_NAMESPACES: usize = 50;

/// A page of the watcher's first list.
const PAGE: u32 = 500;

/// A stand-in with its population, and a client on a runtime of its own.
struct World {
    runtime: Runtime,
    client: kube::Client,
    /// Goes up with every write, so that no write is one that changes nothing.
    n_writes: u64,
}

impl World {
    fn with(n_objects: usize) -> Self {
        let runtime = runtime::current_thread();
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        let client = {
            let _inside = runtime.enter();
            api.client("default")
        };
        let world = Self {
            runtime,
            client,
            n_writes: 0,
        };
        world
            .runtime
            .block_on(async {
                for index in 0..n_objects {
                    let namespace = format!("team-{}", index % N_NAMESPACES);
                    let name = format!("query-{}", index / N_NAMESPACES);
                    world
                        .queries(&namespace)
                        .create(&PostParams::default(), &query(&name))
                        .await?;
                }
                world
                    .queries(LONELY)
                    .create(&PostParams::default(), &query("only"))
                    .await
            })
            .expect("the stand-in takes every well-formed object");
        assert_eq!(api.n_objects("queries"), n_objects + 1);
        world
    }

    fn queries(&self, namespace: &str) -> Api<Query> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The time of so many writes, one after the other, each with a number that no earlier one had.
    fn timed(&mut self, n_iterations: u64, mut write: impl AsyncFnMut(u64)) -> Duration {
        let first = self.n_writes;
        self.n_writes += n_iterations;
        self.runtime.block_on(async {
            let began = Instant::now();
            for number in first..first + n_iterations {
                write(number).await;
            }
            began.elapsed()
        })
    }
}

fn query(name: &str) -> Query {
    serde_json::from_value(json!({
        "apiVersion": "ark.mckinsey.com/v1alpha1",
        "kind": "Query",
        "metadata": { "name": name, "labels": { "plimsoll/suite": "kube_api" } },
        "spec": {
            "input": "How deep may she be loaded?",
            "targets": [{ "type": "model", "name": "default" }],
        },
    }))
    .expect("a query as users write it")
}

/// The first object of the population.
const NAMESPACE: &str = "team-0";
const NAME: &str = "query-0";

/// A namespace with a single object.
const LONELY: &str = "lonely";

fn get(suite: &mut Suite<'_>) {
    each_population(suite, "get", |bencher, world| {
        let queries = world.queries(NAMESPACE);
        bencher
            .to_async(&world.runtime)
            .iter(|| async { queries.get(NAME).await.expect("it is in the population") });
    });
}

fn create(suite: &mut Suite<'_>) {
    each_population(suite, "create", |bencher, world| {
        let queries = world.queries("created");
        bencher.iter_custom(|n_iterations| {
            let objects: Vec<Query> = (0..n_iterations)
                .map(|index| query(&format!("new-{index}")))
                .collect();
            let mut objects = objects.iter();
            let took = world.timed(n_iterations, async |_| {
                let object = objects.next().expect("as many objects as iterations");
                let created = queries.create(&PostParams::default(), object).await;
                created.expect("the name is new");
            });
            let removed = world.runtime.block_on(async {
                let all = ListParams::default();
                queries
                    .delete_collection(&DeleteParams::default(), &all)
                    .await
            });
            removed.expect("no finalizer holds them back");
            took
        });
    });
}

fn patch_status(suite: &mut Suite<'_>) {
    each_population(suite, "patch_status", |bencher, world| {
        let queries = world.queries(NAMESPACE);
        bencher.iter_custom(|n_iterations| {
            world.timed(n_iterations, async |write| {
                write_status(&queries, write).await;
            })
        });
    });
}

fn patch_metadata(suite: &mut Suite<'_>) {
    each_population(suite, "patch_metadata", |bencher, world| {
        let queries = world.queries(NAMESPACE);
        bencher.iter_custom(|n_iterations| {
            world.timed(n_iterations, async |write| {
                let annotations = json!({ "plimsoll/write": write.to_string() });
                let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
                let patched = queries
                    .patch_metadata(NAME, &PatchParams::default(), &patch)
                    .await;
                patched.expect("it is in the population");
            })
        });
    });
}

fn list_one(suite: &mut Suite<'_>) {
    each_population(suite, "list_one", |bencher, world| {
        let queries = world.queries(LONELY);
        bencher.to_async(&world.runtime).iter(|| async {
            let list = queries.list(&ListParams::default()).await.expect("a list");
            assert_eq!(list.items.len(), 1);
        });
    });
}

fn list_page(suite: &mut Suite<'_>) {
    suite.throughput(Throughput::Elements(PAGE.into()));
    each_population(suite, "list_page_of_500", |bencher, world| {
        let queries: Api<Query> = Api::all(world.client.clone());
        let page = ListParams::default().limit(PAGE);
        bencher
            .to_async(&world.runtime)
            .iter(|| async { queries.list(&page).await.expect("a page").items.len() });
    });
}

/// From the write to its arrival at the one watcher.
fn watch_event(suite: &mut Suite<'_>) {
    each_population(suite, "watch_event", |bencher, world| {
        let queries = world.queries(NAMESPACE);
        bencher.iter_custom(|n_iterations| {
            let mut events = world.runtime.block_on(watch_from_now(&queries));
            world.timed(n_iterations, async |write| {
                write_status(&queries, write).await;
                let event = events.next().await.expect("the watch stays open");
                assert!(matches!(event, Ok(WatchEvent::Modified(_))), "{event:?}");
            })
        });
    });
}

async fn write_status(queries: &Api<Query>, write: u64) {
    // Another count every time, or nothing would change and nothing would be written.
    let status = json!({ "phase": "running", "tokenUsage": { "totalTokens": write + 1 } });
    let patch = Patch::Merge(json!({ "status": status }));
    let patched = queries
        .patch_status(NAME, &PatchParams::default(), &patch)
        .await;
    patched.expect("it is in the population");
}

async fn watch_from_now(
    queries: &Api<Query>,
) -> BoxStream<'static, kube::Result<WatchEvent<Query>>> {
    let list = queries.list(&ListParams::default()).await.expect("a list");
    let version = list
        .metadata
        .resource_version
        .expect("a list has a version");
    // A bookmark now and then would be timed as an event.
    let params = WatchParams::default().disable_bookmarks();
    let events = queries.watch(&params, &version).await;
    events.expect("the version is the newest").boxed()
}

/// The case at each size of the population.
fn each_population(
    suite: &mut Suite<'_>,
    case: &'static str,
    routine: impl Fn(&mut Bencher<'_>, &mut World),
) {
    for (parameter, usual) in POPULATIONS {
        let n_objects = suite.population(usual, 100);
        suite.prepared(case, parameter, || World::with(n_objects), &routine);
    }
}

suite_main!(
    get,
    create,
    patch_status,
    patch_metadata,
    list_one,
    list_page,
    watch_event
);
