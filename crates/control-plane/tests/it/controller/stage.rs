//! A stand-in, played targets, and controllers that can be stopped and killed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control_plane::controller::{Controller, ControllerConfig};
use control_plane::execution::error::TargetError;
use control_plane::execution::{Answer, Execute, TargetOutcome};
use control_plane::metrics::Metrics;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use parking_lot::Mutex;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use query_api::query::{Phase, Query, QuerySpec, Response, Target, TargetKind, TokenUsage};
use serde_json::{Value, json};
use testbed::kube_api::KubeApi;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The namespace of all Queries that do not say otherwise.
pub(super) const NS: &str = "ns";

/// How long anything may take, in paused time.
const PATIENCE: Duration = Duration::from_secs(600);

/// Everything around a controller.
pub(super) struct Stage {
    pub(super) api: KubeApi,
    pub(super) client: kube::Client,
    pub(super) players: Arc<Players>,
    pub(super) dialect: Dialect,
}

/// A controller at work.
pub(super) struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    pub(super) metrics: Metrics,
}

impl Stage {
    pub(super) fn new(dialect: Dialect) -> Self {
        let api = KubeApi::new().with_crds(crds(dialect));
        Self {
            client: api.client(NS),
            api,
            players: Arc::default(),
            dialect,
        }
    }

    /// The same server and the same players, for use on another runtime.
    pub(super) fn moved(&self) -> Self {
        Self {
            client: self.api.client(NS),
            api: self.api.clone(),
            players: self.players.clone(),
            dialect: self.dialect,
        }
    }

    /// Starts a controller with the defaults.
    pub(super) fn start(&self) -> Running {
        self.start_with(ControllerConfig::default())
    }

    pub(super) fn start_with(&self, config: ControllerConfig) -> Running {
        let metrics = Metrics::new();
        let controller = self.controller(config, metrics.clone());
        let shutdown = CancellationToken::new();
        let run = controller.run(shutdown.clone());
        Running {
            shutdown,
            task: tokio::spawn(run.map(|ended| ended.expect("the controller runs"))),
            metrics,
        }
    }

    /// A controller that has not been started.
    pub(super) fn controller(&self, config: ControllerConfig, metrics: Metrics) -> Controller {
        Controller::new(self.api.client(NS), self.players.clone(), config, metrics)
    }

    pub(super) fn queries(&self) -> Api<Query> {
        Api::namespaced(self.client.clone(), NS)
    }

    /// Creates a Query with the targets `models`; `input` is what the players act on.
    pub(super) async fn create(&self, name: &str, input: &str, models: &[&str]) -> Query {
        self.create_spec(name, self.spec(input, models)).await
    }

    pub(super) async fn create_spec(&self, name: &str, spec: QuerySpec) -> Query {
        let query = Query::new(name, spec);
        let created = self.queries().create(&PostParams::default(), &query).await;
        created.expect("the query is created")
    }

    pub(super) fn spec(&self, input: &str, models: &[&str]) -> QuerySpec {
        let mut targets = models
            .iter()
            .map(|model| Target::new(TargetKind::Model, *model));
        let mut spec = QuerySpec {
            input: Value::from(input),
            ..QuerySpec::default()
        };
        match self.dialect {
            Dialect::Targets => spec.targets = targets.collect(),
            Dialect::Target => spec.target = targets.next(),
        }
        spec
    }

    pub(super) async fn get(&self, name: &str) -> Query {
        let found = self
            .queries()
            .get_opt(name)
            .await
            .expect("the server answers");
        found.unwrap_or_else(|| panic!("query {name} is there"))
    }

    pub(super) async fn edit(&self, name: &str, patch: &Value) {
        let (queries, params) = (self.queries(), PatchParams::default());
        let edited = queries.patch(name, &params, &Patch::Merge(patch)).await;
        edited.expect("the query is edited");
    }

    pub(super) async fn cancel(&self, name: &str) {
        self.edit(name, &json!({"spec": {"cancel": true}})).await;
    }

    pub(super) async fn delete(&self, name: &str) {
        let deleted = self.queries().delete(name, &DeleteParams::default()).await;
        deleted.expect("the query is deleted");
    }

    /// Waits until `is_reached` holds for all Queries in the namespace, and returns them. Looks often at first and
    /// then ever more seldom, because a look at a thousand Queries takes its time.
    pub(super) async fn until(
        &self,
        what: &str,
        is_reached: impl Fn(&[Query]) -> bool,
    ) -> Vec<Query> {
        let waiting = async {
            let mut pause = Duration::from_millis(5);
            loop {
                let list = self.queries().list(&ListParams::default()).await;
                let queries = list.expect("the server answers").items;
                if is_reached(&queries) {
                    return queries;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 5 / 4).min(Duration::from_secs(1));
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(queries) => queries,
            Err(_) => {
                let list = self.queries().list(&ListParams::default()).await;
                let phases = list.expect("the server answers").items;
                let phases: Vec<_> = phases
                    .iter()
                    .map(|query| (query.metadata.name.clone(), query.phase()))
                    .collect();
                panic!("never came: {what}; there are {phases:?}")
            }
        }
    }

    /// Waits until one Query is in `phase`.
    pub(super) async fn until_phase(&self, name: &str, phase: Phase) -> Query {
        let waiting = async {
            loop {
                let query = self.get(name).await;
                if query.phase() == phase {
                    return query;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(query) => query,
            Err(_) => panic!("{name} is in phase {}", self.get(name).await.phase()),
        }
    }

    /// Waits until all Queries have ended.
    pub(super) async fn until_ended(&self) -> Vec<Query> {
        self.until("the end of all queries", |queries| {
            queries.iter().all(|query| query.phase().is_terminal())
        })
        .await
    }

    pub(super) async fn until_gone(&self, name: &str) {
        self.until(&format!("the end of {name}"), |queries| {
            queries
                .iter()
                .all(|query| query.metadata.name.as_deref() != Some(name))
        })
        .await;
    }
}

impl Running {
    /// Tells the controller to stop and waits until it has.
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("the controller does not panic");
    }
}

/// The reason and message of the condition `Completed`.
pub(super) fn completed(query: &Query) -> (String, String) {
    let conditions = &query.status.as_ref().expect("there is a status").conditions;
    let completed = conditions
        .iter()
        .find(|condition| condition.type_ == "Completed");
    let completed = completed.expect("there is a condition");
    (completed.reason.clone(), completed.message.clone())
}

/// Targets that do what the input says.
///
/// `hello` answers at once, `wait 50` after 50 ms, `hang` never, `panic` panics, `fail` fails, `shout 50` answers
/// with 50 letters.
/// `m1: fail; hello` lets the model `m1` fail and the others answer.
#[derive(Default)]
pub(super) struct Players {
    /// How often each target was asked, by query and model.
    calls: Mutex<BTreeMap<(String, String), usize>>,
}

impl Players {
    pub(super) fn calls(&self, query: &str) -> usize {
        let calls = self.calls.lock();
        let of_query = calls.iter().filter(|((name, _), _)| name == query);
        of_query.map(|(_, count)| count).sum()
    }

    pub(super) fn calls_of(&self, query: &str, model: &str) -> usize {
        let key = (query.to_owned(), model.to_owned());
        self.calls.lock().get(&key).copied().unwrap_or(0)
    }

    pub(super) fn all_calls(&self) -> BTreeMap<(String, String), usize> {
        self.calls.lock().clone()
    }

    async fn play(
        &self,
        query: &Query,
        target: &Target,
        cancel: &CancellationToken,
    ) -> Result<Answer, TargetError> {
        let name = query.metadata.name.clone().unwrap_or_default();
        *self
            .calls
            .lock()
            .entry((name, target.name.clone()))
            .or_default() += 1;
        let input = query.spec.input_text().into_owned();
        let lines = input
            .split("; ")
            .map(|line| line.split_once(": ").unwrap_or(("", line)));
        let line = lines
            .filter(|(model, _)| model.is_empty() || *model == target.name)
            .map(|(_, line)| line)
            .next()
            .unwrap_or("hello");
        let playing = async {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("hang", _) => std::future::pending().await,
                ("panic", _) => panic!("as it was told"),
                ("fail", _) => Err(TargetError::Unsupported {
                    what: "what was asked".to_owned(),
                }),
                ("wait", millis) => {
                    let millis = millis.parse().expect("a number of milliseconds");
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                    Ok(())
                }
                _ => Ok(()),
            }
        };
        let content = match line.strip_prefix("shout ") {
            Some(length) => "A".repeat(length.parse().expect("a number of letters")),
            None => format!("{} says {line}", target.name),
        };
        tokio::select! {
            played = playing => played.map(|()| Answer {
                content,
                usage: TokenUsage { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3, cached_tokens: 0 },
            }),
            () = cancel.cancelled() => Err(TargetError::Canceled),
        }
    }
}

impl Execute for Players {
    fn execute<'a>(
        &'a self,
        query: &'a Query,
        recorded: &'a [Option<Response>],
        cancel: &'a CancellationToken,
        finished: &'a (dyn Fn(usize, &TargetOutcome) + Send + Sync),
    ) -> BoxFuture<'a, Vec<TargetOutcome>> {
        let targets = query.spec.all_targets().enumerate();
        let one = move |(index, target): (usize, &'a Target)| async move {
            if let Some(Some(response)) = recorded.get(index) {
                return TargetOutcome::from_recorded(target.clone(), response);
            }
            let outcome = TargetOutcome {
                target: target.clone(),
                result: self.play(query, target, cancel).await,
                took: Duration::ZERO,
                recorded: false,
            };
            finished(index, &outcome);
            outcome
        };
        join_all(targets.map(one)).boxed()
    }
}
