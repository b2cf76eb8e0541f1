//! Our own control plane through the API stand-in, with an LLM stub behind it: no service, no cluster.
//!
//! What runs is the driver of
//! [`kubernetes`](super::kubernetes); added here is what only the inside knows: how often the stub was asked for each
//! Query, and how many executions there were at once.

pub mod control_plane;
pub(super) mod counted;

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use query_api::crd::crds;
use query_api::dialect::Dialect;
use serde_json::json;
use testbed::kube_api::KubeApi;
use testbed::llm::latency::Latency;
use testbed::llm::script::{Reply, Script, ToolCall};
use testbed::llm::server::LlmServer;
use testbed::llm::server::settings::Settings;

use self::control_plane::{ControlPlane, Gauges};
use crate::driver::kubernetes::{Kubernetes, KubernetesConfig, id_of};
use crate::driver::{
    Capabilities, Driver, End, Findings, Inside, ModelUse, Setting, Sightings, Start,
};
use crate::error::DriverError;
use crate::outcome::Outcome;

/// Executions that the stub tells apart: about 200 bytes each. A run with more of them is not counted.
const TOLD_APART: usize = 1 << 20;

/// The bounds of the control plane under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProcessConfig {
    /// The form of the Query.
    pub dialect: Dialect,
    /// Reconciles at once.
    pub reconciles: usize,
    /// Executions at once.
    pub in_flight: usize,
    /// The name of the agent that Queries address, instead of one for each number.
    pub agent: Option<String>,
}

impl Default for InProcessConfig {
    /// The capacity document's 10 reconciles; more executions at once than any of its scenarios needs.
    fn default() -> Self {
        Self {
            dialect: Dialect::Targets,
            reconciles: 10,
            in_flight: 128,
            agent: None,
        }
    }
}

/// Drives a control plane of its own.
pub struct InProcess {
    config: InProcessConfig,
    api: KubeApi,
    stub: Mutex<Option<Arc<LlmServer>>>,
    kubernetes: Mutex<Option<Arc<Kubernetes>>>,
    control_plane: Mutex<Option<ControlPlane>>,
    gauges: Gauges,
}

impl InProcess {
    /// A control plane with these bounds. Nothing runs before it is prepared.
    pub fn new(config: InProcessConfig) -> Self {
        Self {
            api: KubeApi::new().with_crds(crds(config.dialect)),
            config,
            stub: Mutex::default(),
            kubernetes: Mutex::default(),
            control_plane: Mutex::default(),
            gauges: Gauges::default(),
        }
    }

    /// The API that it is driven through, to be broken by tests.
    pub fn api(&self) -> &KubeApi {
        &self.api
    }

    /// The model behind it, to be broken by tests; unset before it is prepared.
    pub fn stub(&self) -> Option<Arc<LlmServer>> {
        self.stub.lock().clone()
    }

    fn kubernetes(&self) -> Option<Arc<Kubernetes>> {
        self.kubernetes.lock().clone()
    }

    async fn start_control_plane(&self) -> Result<(), DriverError> {
        let api = self.api.clone();
        let connect = async move || Ok(api.client("default"));
        let running =
            ControlPlane::start(self.config.clone(), self.gauges.clone(), connect).await?;
        *self.control_plane.lock() = Some(running);
        Ok(())
    }
}

/// What the model says: so many messages that call tools, then an answer that names its Query.
fn script(setting: &Setting) -> Script {
    let noop = || ToolCall::new("noop", &json!({"message": "ahoy"}));
    let calls = || Reply::ToolCalls((0..setting.tools).map(|_| noop()).collect());
    let [shortest, longest] = setting.latency;
    let latency = Latency::Uniform { shortest, longest };
    let script = Script::new().with_seed(setting.seed).with_latency(latency);
    (0..setting.tool_calls).fold(script, |script, turn| script.on_turn(turn, calls()))
}

/// The answer that [`script`] gives a Query.
fn right_answer(setting: &Setting, namespace: &str, name: &str) -> String {
    format!("answer to {namespace}/{name}#0 turn {}", setting.tool_calls)
}

/// How often each Query was executed: as often as that turn of its that was answered most often. A call that nobody
/// answered is no execution, so that a retry after a fault is none either.
fn executions(stub: &LlmServer) -> HashMap<u64, u64> {
    let mut executions = HashMap::new();
    for turn in stub.executions() {
        if let Some(id) = turn.query().and_then(id_of)
            && turn.answered > 0
        {
            let most = executions.entry(id).or_default();
            *most = u64::from(turn.answered).max(*most);
        }
    }
    executions
}

/// What a stub was asked, as its ledger says.
pub(super) fn model_use(stub: &LlmServer) -> ModelUse {
    let tally = stub.tally();
    let executions = stub.executions();
    let struck = || executions.iter().filter(|one| one.calls > one.answered);
    ModelUse {
        calls: tally.calls,
        answered: tally.answered,
        prompt_tokens: tally.prompt_tokens,
        completion_tokens: tally.completion_tokens,
        struck: struck().count() as u64,
        recovered: struck().filter(|one| one.answered > 0).count() as u64,
    }
}

impl Driver for InProcess {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "in process".to_owned(),
            terminal_rule: "status.phase is done, error or canceled, seen by a watch".to_owned(),
            sees_running: true,
            sees_first_token: false,
            counts_executions: true,
            knows_answers: true,
            cancels: true,
        }
    }

    fn prepare<'a>(&'a self, setting: &'a Setting) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async {
            let settings = Settings {
                script: script(setting),
                window: TOLD_APART,
                threads: Some(1),
                ..Settings::default()
            };
            let stub = LlmServer::start(&settings).map_err(|error| DriverError::Unreachable {
                system: "the LLM stub".to_owned(),
                reason: error.to_string(),
            })?;
            let config = KubernetesConfig {
                namespace: "tenant".to_owned(),
                base_url: Some(stub.base_url()),
                agent: self.config.agent.clone(),
                answer: Some(right_answer),
                ..KubernetesConfig::default()
            };
            *self.stub.lock() = Some(Arc::new(stub));
            let kubernetes = Kubernetes::new(self.api.client("default"), config);
            let kubernetes = Arc::new(kubernetes);
            *self.kubernetes.lock() = Some(kubernetes.clone());
            kubernetes.prepare(setting).await?;
            self.start_control_plane().await
        })
    }

    fn observe(&self, sightings: Sightings) -> BoxFuture<'_, Result<(), DriverError>> {
        Box::pin(async {
            match self.kubernetes() {
                Some(kubernetes) => kubernetes.observe(sightings).await,
                None => Ok(()),
            }
        })
    }

    fn start<'a>(&'a self, start: &'a Start, sightings: &'a Sightings) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Some(kubernetes) = self.kubernetes() {
                kubernetes.start(start, sightings).await;
            }
        })
    }

    fn cancel<'a>(&'a self, start: &'a Start) -> BoxFuture<'a, ()> {
        Box::pin(async {
            if let Some(kubernetes) = self.kubernetes() {
                kubernetes.cancel(start).await;
            }
        })
    }

    fn classify(&self, start: &Start, end: &End) -> Outcome {
        match self.kubernetes() {
            Some(kubernetes) => kubernetes.classify(start, end),
            None => Outcome::Failed,
        }
    }

    fn verify(&self) -> BoxFuture<'_, Result<Findings, DriverError>> {
        Box::pin(async {
            let Some(stub) = self.stub() else {
                return Ok(Findings::default());
            };
            // The status is written before the slot is given back.
            self.gauges.at_work.until_none().await;
            let is_counted = stub.tally().forgotten == 0;
            Ok(Findings {
                executions: is_counted.then(|| executions(&stub)),
                most_at_once: Some((self.gauges.at_work.most(), self.config.in_flight as u64)),
                still_at_work: Some(self.gauges.at_work.now()),
                model: Some(model_use(&stub)),
            })
        })
    }

    fn inside(&self) -> Inside {
        let queue = self.gauges.metrics.queue();
        let depths = queue.standing().depth_by_priority;
        let queued: usize = depths.iter().map(|(_, n_entries)| n_entries).sum();
        let workers = u32::try_from(self.config.reconciles.max(1)).unwrap_or(u32::MAX);
        Inside {
            queued: Some(queued as u64),
            objects: Some(self.api.n_objects("queries") as u64),
            worked: Some(queue.work_total().sum / workers),
            errors: Some(self.gauges.metrics.n_reconcile_errors()),
        }
    }

    fn clean_up(&self) -> BoxFuture<'_, Result<usize, DriverError>> {
        Box::pin(async {
            let left = match self.kubernetes() {
                Some(kubernetes) => kubernetes.clean_up().await,
                None => Ok(0),
            };
            let control_plane = self.control_plane.lock().take();
            // Its thread is waited for, which must not hold up the runtime.
            let _ = tokio::task::spawn_blocking(|| drop(control_plane)).await;
            left
        })
    }
}
