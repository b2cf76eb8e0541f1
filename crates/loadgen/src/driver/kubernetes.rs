//! Query objects through any `kube::Client`: a real cluster, or the API stand-in.
//!
//! Every object carries the label of its run. Each namespace has one watch, and every time is that of its receipt by
//! our own monotonic clock, since server stamps have a resolution of a second. What ended while a watch was blind is
//! told as unseen, and its latency is censored.

mod connect;
pub(crate) mod failure;
pub(crate) mod objects;
mod removal;
mod watch;

use std::time::Duration;

use futures::future::{BoxFuture, join_all, try_join_all};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use parking_lot::Mutex;
use query_api::dialect::Dialect;
use query_api::query::{Query, TargetKind};
use serde_json::json;
use testbed::population::query;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::connect::connect;
use self::failure::{denied, no_reply, refused, unreachable};
use self::objects::Objects;
use crate::driver::{Capabilities, Driver, End, Findings, Setting, Sightings, Start, What};
use crate::error::DriverError;
use crate::outcome::Outcome;

/// The definition that tells the dialect.
pub(crate) const CRD: &str = "queries.ark.mckinsey.com";

/// The label that every object of a run carries.
pub const RUN_LABEL: &str = "plimsoll/run";

/// The label of what one of several workers made, with the worker's number.
pub const WORKER_LABEL: &str = "plimsoll/worker";

/// What every Query asks; the stub appends nothing, and the Query's name is in its headers.
const QUESTION: &str = "What is 2+2?";

/// How a cluster is used.
#[derive(Debug, Clone)]
pub struct KubernetesConfig {
    /// Namespaces are called so, with the number of the tenant behind it.
    pub namespace: String,
    /// The base URL of the model; unset leaves the set-up's own.
    pub base_url: Option<String>,
    /// The name of an agent that is there already, instead of those of the set-up.
    pub agent: Option<String>,
    /// The objects of a tenant as YAML; unset means the shipped ones.
    pub setup: Option<String>,
    /// The right answer of a Query, by its namespace and name; unset takes any answer that is not empty.
    pub answer: Option<fn(&Setting, &str, &str) -> String>,
    /// How long to wait for a first reply, and for the removal of what the run made.
    pub patience: Duration,
}

/// Drives a cluster.
pub struct Kubernetes {
    client: kube::Client,
    config: KubernetesConfig,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    setting: Option<Setting>,
    dialect: Option<Dialect>,
    objects: Option<Objects>,
    /// Ends the watches when the driver goes.
    _watching: Option<DropGuard>,
}

/// What is the same for all operations of a run.
struct Run {
    setting: Setting,
    dialect: Dialect,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        Self {
            namespace: "plimsoll-load".to_owned(),
            base_url: None,
            agent: None,
            setup: None,
            answer: None,
            patience: Duration::from_secs(30),
        }
    }
}

impl Kubernetes {
    /// A driver of the cluster behind `client`.
    pub fn new(client: kube::Client, config: KubernetesConfig) -> Self {
        Self {
            client,
            config,
            state: Mutex::default(),
        }
    }

    /// The namespace of a tenant.
    pub fn namespace(&self, tenant: usize) -> String {
        tenant_namespace(&self.config.namespace, tenant)
    }

    fn namespaces(&self, setting: &Setting) -> Vec<String> {
        (0..setting.tenants)
            .map(|tenant| self.namespace(tenant))
            .collect()
    }

    /// What is made in every namespace: of an agent that is there already, and says what it needs, nothing.
    fn objects(&self) -> Result<Objects, DriverError> {
        let KubernetesConfig {
            agent,
            base_url,
            setup,
            ..
        } = &self.config;
        if agent.is_some() && base_url.is_none() && setup.is_none() {
            return Ok(Objects::none());
        }
        let objects = Objects::read(setup.as_deref())?;
        objects.check(base_url.as_deref())?;
        Ok(objects)
    }

    /// What `prepare` found; operations before it are a mistake of the caller and go nowhere.
    fn run(&self) -> Option<Run> {
        let state = self.state.lock();
        Some(Run {
            setting: state.setting.clone()?,
            dialect: state.dialect?,
        })
    }

    async fn dialect(&self) -> Result<Dialect, DriverError> {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let found = self
            .patiently("read the definition of Query", definitions.get_opt(CRD))
            .await?;
        let no_definition = |reason: &str| DriverError::NoDefinition {
            crd: CRD,
            reason: reason.to_owned(),
        };
        let definition = found.ok_or_else(|| no_definition("there is none"))?;
        Dialect::of_schema(&definition)
            .ok_or_else(|| no_definition("its spec has neither `targets` nor `target`"))
    }

    /// The reply to a request, if it comes while we are patient.
    async fn patiently<T>(
        &self,
        action: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, DriverError> {
        match tokio::time::timeout(self.config.patience, request).await {
            Ok(reply) => reply.map_err(|error| refused(action, &error)),
            Err(_) => Err(no_reply(action, self.config.patience)),
        }
    }

    fn query(&self, run: &Run, start: &Start) -> Query {
        let Run { setting, dialect } = run;
        let agent = match &self.config.agent {
            Some(agent) => agent.clone(),
            None => objects::agent_name(start.agent),
        };
        let mut query = query(&name(setting, start.id))
            .in_namespace(&self.namespace(start.tenant))
            .in_dialect(*dialect)
            .asking(QUESTION)
            .with_target(TargetKind::Agent, &agent)
            .with_ttl(setting.ttl)
            .with_timeout(setting.timeout)
            .build();
        let labels = query.metadata.labels.get_or_insert_default();
        labels.insert(RUN_LABEL.to_owned(), setting.run.clone());
        if !setting.worker.is_alone() {
            let number = setting.worker.number().to_string();
            labels.insert(WORKER_LABEL.to_owned(), number);
        }
        query
    }
}

impl Driver for Kubernetes {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "kubernetes".to_owned(),
            terminal_rule: "status.phase is done, error or canceled, seen by a watch".to_owned(),
            sees_running: true,
            sees_first_token: false,
            counts_executions: false,
            knows_answers: self.config.answer.is_some(),
            cancels: true,
        }
    }

    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async {
            self.state.lock().setting = Some(setting.clone());
            let dialect = self.dialect().await?;
            self.state.lock().dialect = Some(dialect);
            let objects = self.objects()?;
            for namespace in self.namespaces(setting) {
                let made = objects.make(&self.client, &namespace, setting, &self.config);
                self.in_time("create the objects of the set-up", made)
                    .await?;
            }
            self.state.lock().objects = Some(objects);
            Ok(())
        })
    }

    fn observe(&self, sightings: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        Box::pin(async move {
            let Some(run) = self.run() else {
                return Ok(());
            };
            let stop = CancellationToken::new();
            let watches = self.namespaces(&run.setting).into_iter().map(|namespace| {
                let queries = Api::namespaced(self.client.clone(), &namespace);
                let selector = selector(&run.setting);
                watch::begin(queries, selector, sightings.clone(), stop.clone())
            });
            let begun = async { try_join_all(watches).await.map(|_| ()) };
            self.in_time("watch Queries", begun).await?;
            self.state.lock()._watching = Some(stop.drop_guard());
            Ok(())
        })
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let Some(run) = self.run() else {
                return;
            };
            let query = self.query(&run, start);
            let namespace = self.namespace(start.tenant);
            let queries: Api<Query> = Api::namespaced(self.client.clone(), &namespace);
            match queries.create(&PostParams::default(), &query).await {
                Ok(_) => sightings.tell(start.id, What::Acknowledged),
                Err(error) => sightings.tell_end(start.id, denied(&error)),
            }
        })
    }

    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let Some(run) = self.run() else {
                return;
            };
            let namespace = self.namespace(start.tenant);
            let queries: Api<Query> = Api::namespaced(self.client.clone(), &namespace);
            let patch = Patch::Merge(json!({"spec": {"cancel": true}}));
            let name = name(&run.setting, start.id);
            let asked = queries.patch(&name, &PatchParams::default(), &patch).await;
            if let Err(error) = asked {
                tracing::debug!(%name, %error, "cannot cancel");
            }
        })
    }

    fn classify(&self, start: &Start, end: &End) -> Outcome {
        end.outcome(|answer| {
            let expected = self.run().zip(self.config.answer).map(|(run, expected)| {
                let name = name(&run.setting, start.id);
                expected(&run.setting, &self.namespace(start.tenant), &name)
            });
            match expected {
                Some(expected) => answer == expected,
                None => !answer.is_empty(),
            }
        })
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        Box::pin(async { Ok(Findings::default()) })
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        Box::pin(async {
            let (setting, objects) = {
                let mut state = self.state.lock();
                state._watching = None;
                (state.setting.clone(), state.objects.take())
            };
            let Some(setting) = setting else {
                return Ok(0);
            };
            // The set-up is under the feet of all workers: who gathers their parts removes it.
            let with_setup = objects.is_some() && setting.worker.is_alone();
            let selector = selector(&setting);
            self.remove(setting.tenants, &selector, with_setup).await
        })
    }
}

impl Kubernetes {
    /// Removes all that the workers of a run made in the namespaces of its tenants; returns how much is left.
    ///
    /// To be called when no worker needs it any more.
    ///
    /// # Errors
    /// If the system can no longer be asked.
    pub async fn remove_run(&self, run: &str, tenants: usize) -> Result<usize, DriverError> {
        self.remove(tenants, &format!("{RUN_LABEL}={run}"), true)
            .await
    }

    async fn remove(
        &self,
        tenants: usize,
        selector: &str,
        with_setup: bool,
    ) -> Result<usize, DriverError> {
        let removals = (0..tenants).map(|tenant| {
            removal::remove(
                self.client.clone(),
                self.namespace(tenant),
                selector.to_owned(),
                with_setup,
                self.config.patience,
            )
        });
        let left = join_all(removals).await;
        left.into_iter().sum()
    }

    /// A piece of the work before the load, as long as we are patient.
    async fn in_time<T>(
        &self,
        action: &str,
        work: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, DriverError> {
        let patience = self.config.patience;
        let late = |_| unreachable(format!("could not {action} within {patience:?}"));
        tokio::time::timeout(patience, work).await.map_err(late)?
    }
}

/// The namespace of a tenant, by what all of them are called.
pub(crate) fn tenant_namespace(prefix: &str, tenant: usize) -> String {
    format!("{prefix}-{tenant:03}")
}

/// What selects the Queries of this run, and of this worker if it has others beside it.
fn selector(setting: &Setting) -> String {
    let run = format!("{RUN_LABEL}={}", setting.run);
    if setting.worker.is_alone() {
        return run;
    }
    format!("{run},{WORKER_LABEL}={}", setting.worker.number())
}

/// The name of an operation's Query, from which [`id_of`] reads its number again.
pub(crate) fn name(setting: &Setting, id: u64) -> String {
    format!("{}-{id:07}", setting.run)
}

/// The number of the operation behind a Query's name.
pub(crate) fn id_of(name: &str) -> Option<u64> {
    name.rsplit_once('-')?.1.parse().ok()
}
