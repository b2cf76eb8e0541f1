//! Everything that execution reads from the Kubernetes API: Models, Agents and Tools from caches that a watch keeps
//! up to date, Secrets and ConfigMaps live and for a short while.
//!
//! Nothing here writes. Each load is timed as a stage of its own, apart by what was loaded and by whether a cache had
//! it ([`Stage::Load`](crate::metrics::Stage::Load)). The values behind a Model are loaded when its endpoint is
//! prepared, which is then kept for as long as they are; until then there are no loads of them, not even cached ones.

mod cache;
mod endpoints;
mod values;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use hashbrown::HashMap;
use kube::Client;
use parking_lot::Mutex;
use query_api::{
    agent::Agent,
    model::Model,
    tool::Tool,
    value_source::{Header, HeaderOverride, Parameter},
};
use tokio::time::Instant;

use crate::{
    execution::error::TargetError,
    llm::endpoint::Endpoint,
    metrics::{Loaded, Metrics},
    resources::{cache::Cache, values::Values},
};

pub(crate) use values::Owner;

/// Prepared endpoints that are kept at most.
const MAX_ENDPOINTS: usize = 16_384;

/// How long looked-up values are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcesConfig {
    /// A Secret's or ConfigMap's value is read again after this time, and at once after a 401.
    pub value_ttl: Duration,
}

impl Default for ResourcesConfig {
    fn default() -> Self {
        Self {
            value_ttl: Duration::from_secs(30),
        }
    }
}

/// Reads objects. Clones share caches; the watches end when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Resources(Arc<Inner>);

struct Inner {
    config: ResourcesConfig,
    models: Cache<Model>,
    agents: Cache<Agent>,
    tools: Cache<Tool>,
    values: Values,
    endpoints: Mutex<HashMap<FullName, Arc<Slot>>>,
}

/// Namespace and name.
type FullName = (Box<str>, Box<str>);

/// The endpoint of one Model. Only one caller at a time looks up its values; the others wait for that.
#[derive(Default)]
struct Slot {
    prepared: Mutex<Option<Prepared>>,
    preparing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Prepared {
    endpoint: Arc<Endpoint>,
    /// Uid and resourceVersion of the Model from which it was made.
    version: (Option<String>, Option<String>),
    until: Instant,
}

impl Resources {
    /// Starts the watches on the current runtime.
    pub fn new(client: Client, config: ResourcesConfig, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            models: Cache::watch(&client, Loaded::Model, &metrics),
            agents: Cache::watch(&client, Loaded::Agent, &metrics),
            tools: Cache::watch(&client, Loaded::Tool, &metrics),
            values: Values::new(client, config.value_ttl, metrics),
            endpoints: Mutex::default(),
            config,
        }))
    }

    /// Waits until all caches are filled. Not needed for correct answers: what is not cached is read live.
    pub async fn ready(&self) {
        self.0.models.ready().await;
        self.0.agents.ready().await;
        self.0.tools.ready().await;
    }

    /// The endpoint of a Model, with every value behind it.
    pub async fn endpoint(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Arc<Endpoint>, TargetError> {
        let found = self.0.models.get(namespace, name).await?;
        let model = found.ok_or_else(|| TargetError::ModelMissing {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })?;
        let slot = self.slot(namespace, name);
        if let Some(endpoint) = slot.endpoint_of(&model) {
            return Ok(endpoint);
        }
        let _preparing = slot.preparing.lock().await;
        if let Some(endpoint) = slot.endpoint_of(&model) {
            return Ok(endpoint);
        }
        let owner = Owner {
            kind: "model",
            namespace,
            name,
        };
        let began = Instant::now();
        // Boxed, like all that is seldom needed: it would make every target's future ten times as large.
        let endpoint = Box::pin(endpoints::endpoint(&self.0.values, owner, &model)).await;
        let endpoint = Arc::new(endpoint?);
        *slot.prepared.lock() = Some(Prepared {
            endpoint: endpoint.clone(),
            version: version(&model),
            until: began + self.0.config.value_ttl,
        });
        Ok(endpoint)
    }

    /// Forgets the endpoint of a Model and the values behind it, because the provider refused its key.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.0.values.forget(namespace);
        *self.slot(namespace, name).prepared.lock() = None;
    }

    /// An Agent.
    pub async fn agent(&self, namespace: &str, name: &str) -> Result<Arc<Agent>, TargetError> {
        let found = self.0.agents.get(namespace, name).await?;
        found.ok_or_else(|| TargetError::AgentMissing {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// A Tool.
    pub async fn tool(&self, namespace: &str, name: &str) -> Result<Arc<Tool>, TargetError> {
        let found = self.0.tools.get(namespace, name).await?;
        found.ok_or_else(|| TargetError::ToolMissing {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The values of parameters, by name.
    pub(crate) async fn parameters(
        &self,
        owner: Owner<'_>,
        parameters: &[Parameter],
        of_query: &BTreeMap<String, Arc<str>>,
    ) -> Result<BTreeMap<String, Arc<str>>, TargetError> {
        self.0.values.parameters(owner, parameters, of_query).await
    }

    /// The values of headers.
    pub(crate) async fn headers(
        &self,
        owner: Owner<'_>,
        headers: &[Header],
    ) -> Result<Vec<(String, String)>, TargetError> {
        endpoints::headers(&self.0.values, owner, headers).await
    }

    /// Headers that overrides add to the calls of models.
    pub(crate) async fn model_headers(
        &self,
        owner: Owner<'_>,
        overrides: &[HeaderOverride],
    ) -> Result<Vec<(String, String)>, TargetError> {
        endpoints::override_headers(&self.0.values, owner, overrides).await
    }

    fn slot(&self, namespace: &str, name: &str) -> Arc<Slot> {
        let mut endpoints = self.0.endpoints.lock();
        if endpoints.len() >= MAX_ENDPOINTS {
            endpoints.clear();
        }
        let key = (namespace.into(), name.into());
        endpoints.entry(key).or_default().clone()
    }
}

impl Slot {
    fn endpoint_of(&self, model: &Model) -> Option<Arc<Endpoint>> {
        let prepared = self.prepared.lock();
        let prepared = prepared.as_ref()?;
        let meta = &model.metadata;
        let is_current = prepared.version.0 == meta.uid
            && prepared.version.1 == meta.resource_version
            && prepared.until > Instant::now();
        is_current.then(|| prepared.endpoint.clone())
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn version(model: &Model) -> (Option<String>, Option<String>) {
    let meta = &model.metadata;
    (meta.uid.clone(), meta.resource_version.clone())
}
