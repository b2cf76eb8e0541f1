//! The API stand-in, the work that every Query stands for, and what was counted of both.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kube::api::{Api, DeleteParams, ListParams, PostParams};
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query};
use testbed::kube_api::{KubeApi, Verb};
use testbed::population::query;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

/// How long a world is left alone for its tasks to come to rest.
const REST: Duration = Duration::from_millis(20);

/// Yields before a wait for the last writes is given up; a hundred times what they take.
const PATIENCE: usize = 100_000;

/// A stand-in and the work of its Queries; one per runtime.
pub(crate) struct World {
    pub(crate) api: KubeApi,
    pub(crate) client: kube::Client,
    pub(crate) work: Arc<Work>,
    n_created: AtomicUsize,
}

impl World {
    /// Work that takes no time, behind a closed gate.
    pub(crate) fn new() -> Self {
        Self::taking(Duration::ZERO)
    }

    /// Work that takes some time once it is through the gate.
    pub(crate) fn taking(time: Duration) -> Self {
        let api = KubeApi::new().with_crds(crds(Dialect::Targets));
        Self {
            client: api.client("default"),
            api,
            work: Arc::new(Work {
                gate: Semaphore::new(0),
                takes: time,
                log: Mutex::default(),
                finished: Notify::new(),
            }),
            n_created: AtomicUsize::new(0),
        }
    }

    /// From now on all work passes.
    pub(crate) fn open_gate(&self) {
        self.work.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    /// Creates so many more Queries, the namespaces in turns.
    pub(crate) async fn create(&self, n_queries: usize, n_namespaces: usize) {
        for _ in 0..n_queries {
            let number = self.n_created.fetch_add(1, Ordering::Relaxed);
            let namespace = format!("team-{:02}", number % n_namespaces);
            self.create_one(&namespace, &format!("query-{number:06}"))
                .await;
        }
    }

    pub(crate) async fn create_one(&self, namespace: &str, name: &str) {
        let query = query(name)
            .in_namespace(namespace)
            .with_model_target("default")
            .asking("How deep may she be loaded?")
            .build();
        let (queries, params) = (self.queries(namespace), PostParams::default());
        let created = queries.create(&params, &query).await;
        created.expect("the stand-in takes a good Query");
    }

    /// Waits until the controller has read all that is there, and so many executions are held up at the gate.
    pub(crate) async fn until_parked(&self, n_queries: usize) {
        // The watch begins when the last page of the list is in.
        let is_watched = || self.api.counts().get(Verb::Watch, "queries") > 0;
        while self.work.log().starts_by_query.len() < n_queries || !is_watched() {
            sleep(REST).await;
        }
        self.settle().await;
    }

    /// Lets all tasks come to rest.
    pub(crate) async fn settle(&self) {
        sleep(REST).await;
    }

    /// Lets so many executions pass the gate, and waits until they are written and as many others, if there are any, have begun.
    pub(crate) async fn let_finish(&self, n_queries: usize) {
        let (n_finished, n_started) = {
            let log = self.work.log();
            (log.n_finished, log.starts_by_query.len())
        };
        let n_created = self.n_created.load(Ordering::Relaxed);
        self.work.gate.add_permits(n_queries);
        self.work.until_finished(n_finished + n_queries).await;
        self.until_written((n_started + n_queries).min(n_created))
            .await;
    }

    /// Waits until so many Queries, all there are, have ended and are written.
    pub(crate) async fn until_done(&self, n_queries: usize) {
        self.work.until_finished(n_queries).await;
        self.until_written(n_queries).await;
    }

    /// Waits for the last writes: two status patches for each Query that has ended, one for each that has begun.
    async fn until_written(&self, n_started: usize) {
        for _ in 0..PATIENCE {
            let n_expected = n_started + self.work.log().n_finished;
            let n_patches = self.api.counts().get(Verb::Patch, "queries/status");
            if n_patches >= n_expected as u64 {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!(
            "{n_started} Queries have begun; written was {:?}",
            self.api.counts()
        );
    }

    /// Deletes what has ended, and waits until it is gone.
    pub(crate) async fn delete_done(&self) {
        let finished = std::mem::take(&mut self.work.log().finished);
        let n_left = self.n_stored() - finished.len();
        for (namespace, name) in finished {
            let queries = self.queries(&namespace);
            let deleted = queries.delete(&name, &DeleteParams::default()).await;
            deleted.expect("what has ended is still there");
        }
        while self.n_stored() > n_left {
            sleep(REST).await;
        }
    }

    pub(crate) fn n_stored(&self) -> usize {
        self.api.n_objects("queries")
    }

    /// Asserts that all Queries are done at the server, and that each was executed once.
    pub(crate) async fn assert_executed_once(&self, n_queries: usize) {
        let queries: Api<Query> = Api::all(self.client.clone());
        let stored = queries.list(&ListParams::default()).await;
        let stored = stored.expect("the stand-in lists").items;
        let n_done = stored.iter().filter(|query| query.phase() == Phase::Done);
        assert_eq!(n_done.count(), n_queries, "done at the server");
        let log = self.work.log();
        assert_eq!(log.starts_by_query.len(), n_queries, "executed");
        assert_eq!(log.n_doubled, 0, "executed twice");
    }

    /// Waits until so many executions of a namespace have ended.
    pub(crate) async fn until_finished_of(&self, namespace: &str, n_queries: usize) {
        while self.work.n_finished_of(namespace) < n_queries {
            sleep(REST).await;
        }
        assert_eq!(self.work.log().n_doubled, 0, "executed twice");
    }

    /// When the Queries of a namespace were executed, by name.
    pub(crate) fn starts_of(&self, namespace: &str) -> HashMap<String, Instant> {
        let log = self.work.log();
        let starts = log.starts_by_query.iter();
        starts
            .filter(|((of, _), _)| of == namespace)
            .map(|((_, name), start)| (name.clone(), *start))
            .collect()
    }

    fn queries(&self, namespace: &str) -> Api<Query> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// What a Query stands for: to pass a gate, then to take some time.
pub(crate) struct Work {
    gate: Semaphore,
    takes: Duration,
    log: Mutex<Log>,
    finished: Notify,
}

#[derive(Default)]
struct Log {
    /// When each Query was executed, by namespace and name.
    starts_by_query: HashMap<(String, String), Instant>,
    n_doubled: usize,
    n_finished: usize,
    /// At how many finished executions somebody is to be told.
    n_awaited: usize,
    /// What has finished and was not deleted yet, by namespace and name.
    finished: Vec<(String, String)>,
}

impl Work {
    /// Executes a Query.
    pub(crate) async fn execute(&self, namespace: &str, name: &str) {
        let id = (namespace.to_owned(), name.to_owned());
        let before = self
            .log()
            .starts_by_query
            .insert(id.clone(), Instant::now());
        self.log().n_doubled += usize::from(before.is_some());
        let permit = self
            .gate
            .acquire()
            .await
            .expect("the gate is never taken down");
        permit.forget();
        if !self.takes.is_zero() {
            sleep(self.takes).await;
        }
        let mut log = self.log();
        log.n_finished += 1;
        log.finished.push(id);
        if log.n_finished == log.n_awaited {
            self.finished.notify_one();
        }
    }

    async fn until_finished(&self, n_queries: usize) {
        {
            let mut log = self.log();
            log.n_awaited = n_queries;
            if log.n_finished >= n_queries {
                return;
            }
        }
        self.finished.notified().await;
    }

    fn n_finished_of(&self, namespace: &str) -> usize {
        let log = self.log();
        log.finished
            .iter()
            .filter(|(of, _)| of == namespace)
            .count()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().expect("nobody panics with the log in hand")
    }
}
