//! Values that objects take from Secrets, ConfigMaps and Services.
//!
//! They are read from the API when needed and kept for a short while, so that a rotated key is noticed soon, and at
//! once where the old one was refused.

use std::{collections::BTreeMap, fmt::Display, sync::Arc, time::Duration};

use hashbrown::HashMap;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use kube::{Api, Client};
use parking_lot::Mutex;
use query_api::value_source::{Parameter, ServiceRef, ValueFrom, ValueSource};
use tokio::time::Instant;

use crate::{
    execution::error::TargetError,
    metrics::{Loaded, Metrics, Served, Stage},
};

/// Values that are kept at most; beyond that the cache starts anew, which costs reads and nothing else.
const MAX_KEPT: usize = 16_384;

/// A cache of looked-up values.
#[derive(Debug)]
pub(crate) struct Values {
    client: ClientHandle,
    ttl: Duration,
    metrics: Metrics,
    kept: Mutex<HashMap<Key, Kept>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// A Secret, a ConfigMap or a Service.
    source: Loaded,
    namespace: Box<str>,
    name: Box<str>,
    /// The key of a Secret or ConfigMap, the port of a Service.
    key: Box<str>,
}

#[derive(Debug, Clone)]
struct Kept {
    value: Arc<str>,
    until: Instant,
}

/// The object that wants a value, for errors and as the namespace that unqualified references mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// Its kind, in lower case.
    pub(crate) kind: &'static str,
    /// Where it is.
    pub(crate) namespace: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
}

impl Owner<'_> {
    /// The error that this object cannot be used.
    pub(crate) fn invalid(&self, reason: &dyn Display) -> TargetError {
        TargetError::Invalid {
            kind: self.kind,
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl Values {
    /// A cache that keeps values for `ttl`.
    pub(crate) fn new(client: Client, ttl: Duration, metrics: Metrics) -> Self {
        Self {
            client: ClientHandle(client),
            ttl,
            metrics,
            kept: Mutex::default(),
        }
    }

    /// The value that `source`, the field `field` of `owner`, stands for.
    pub(crate) async fn value(
        &self,
        owner: Owner<'_>,
        field: &str,
        source: &ValueSource,
    ) -> Result<Arc<str>, TargetError> {
        if !source.value.is_empty() {
            return Ok(Arc::from(&*source.value));
        }
        match &source.value_from {
            Some(from) => self.value_from(owner, field, from).await,
            None => Err(owner.invalid(&format!("its `{field}` has neither value nor valueFrom"))),
        }
    }

    /// The same where the value may be absent.
    pub(crate) async fn optional(
        &self,
        owner: Owner<'_>,
        field: &str,
        source: Option<&ValueSource>,
    ) -> Result<Option<Arc<str>>, TargetError> {
        match source {
            Some(source) => self.value(owner, field, source).await.map(Some),
            None => Ok(None),
        }
    }

    /// The values of parameters, by name. `of_query` answers references to the parameters of the Query; it is empty
    /// where such references make no sense.
    pub(crate) async fn parameters(
        &self,
        owner: Owner<'_>,
        parameters: &[Parameter],
        of_query: &BTreeMap<String, Arc<str>>,
    ) -> Result<BTreeMap<String, Arc<str>>, TargetError> {
        let mut values = BTreeMap::new();
        for parameter in parameters {
            let value = self.parameter(owner, parameter, of_query).await?;
            values.insert(parameter.name.clone(), value);
        }
        Ok(values)
    }

    /// Forgets everything that a Secret or ConfigMap of this namespace gave.
    pub(crate) fn forget(&self, namespace: &str) {
        self.kept
            .lock()
            .retain(|key, _| &*key.namespace != namespace || key.source == Loaded::Service);
    }

    async fn parameter(
        &self,
        owner: Owner<'_>,
        parameter: &Parameter,
        of_query: &BTreeMap<String, Arc<str>>,
    ) -> Result<Arc<str>, TargetError> {
        let name = &parameter.name;
        match (&parameter.value, &parameter.value_from) {
            (Some(value), _) => Ok(Arc::from(&**value)),
            (None, Some(from)) => {
                if let Some(reference) = &from.query_parameter_ref {
                    let value = of_query.get(&reference.name).cloned();
                    let wanted = &reference.name;
                    return value.ok_or_else(|| {
                        let reason = format!(
                            "its parameter `{name}` refers to the parameter `{wanted}` of the query, which has none"
                        );
                        owner.invalid(&reason)
                    });
                }
                self.value_from(owner, &format!("parameter {name}"), from)
                    .await
            }
            (None, None) => {
                let reason = format!("its parameter `{name}` has neither value nor valueFrom");
                Err(owner.invalid(&reason))
            }
        }
    }

    async fn value_from(
        &self,
        owner: Owner<'_>,
        field: &str,
        from: &ValueFrom,
    ) -> Result<Arc<str>, TargetError> {
        if let Some(secret) = &from.secret_key_ref {
            let key = Key::new(Loaded::Secret, owner.namespace, &secret.name, &secret.key);
            return self.kept_or(key, |key| self.client.secret(key)).await;
        }
        if let Some(config_map) = &from.config_map_key_ref {
            let (name, key) = (&config_map.name, &config_map.key);
            let key = Key::new(Loaded::ConfigMap, owner.namespace, name, key);
            return self.kept_or(key, |key| self.client.config_map(key)).await;
        }
        if let Some(service) = &from.service_ref {
            return self.address(owner, service).await;
        }
        Err(owner.invalid(&format!("the valueFrom of its `{field}` names no source")))
    }

    /// `http://NAME.NAMESPACE.svc.cluster.local:PORT` and the path.
    async fn address(
        &self,
        owner: Owner<'_>,
        service: &ServiceRef,
    ) -> Result<Arc<str>, TargetError> {
        let namespace = service.namespace.as_deref().unwrap_or(owner.namespace);
        let port = service.port.as_deref().unwrap_or_default();
        let key = Key::new(Loaded::Service, namespace, &service.name, port);
        let root = self.kept_or(key, |key| self.client.service(key)).await?;
        match service
            .path
            .as_deref()
            .map(|path| path.trim_start_matches('/'))
        {
            Some(path) if !path.is_empty() => Ok(Arc::from(format!("{root}/{path}"))),
            _ => Ok(root),
        }
    }

    async fn kept_or<'a, F>(
        &'a self,
        key: Key,
        read: impl FnOnce(Key) -> F,
    ) -> Result<Arc<str>, TargetError>
    where
        F: Future<Output = Result<String, TargetError>> + 'a,
    {
        let asked = Instant::now();
        let source = key.source;
        let (value, served) = match self.kept(&key, asked) {
            Some(value) => (Ok(value), Served::Cached),
            None => {
                let value = Box::pin(read(key.clone())).await.map(Arc::from);
                if let Ok(value) = &value {
                    self.keep(key, Arc::clone(value), asked);
                }
                (value, Served::Cold)
            }
        };
        let stage = Stage::Load(source, served);
        self.metrics.stage(stage, asked.elapsed());
        value
    }

    fn kept(&self, key: &Key, now: Instant) -> Option<Arc<str>> {
        let all = self.kept.lock();
        let kept = all.get(key).filter(|kept| kept.until > now)?;
        Some(kept.value.clone())
    }

    /// Keeps a value that was asked for at `asked`.
    fn keep(&self, key: Key, value: Arc<str>, asked: Instant) {
        let until = asked + self.ttl;
        let mut all = self.kept.lock();
        if all.len() >= MAX_KEPT {
            all.clear();
        }
        all.insert(key, Kept { value, until });
    }
}

impl Key {
    fn new(source: Loaded, namespace: &str, name: &str, key: &str) -> Self {
        Self {
            source,
            namespace: namespace.into(),
            name: name.into(),
            key: key.into(),
        }
    }

    fn read_failed(&self, source: kube::Error) -> TargetError {
        TargetError::read_failed(self.source, &self.namespace, &self.name, source)
    }

    fn into_strings(self) -> (String, String, String) {
        (self.namespace.into(), self.name.into(), self.key.into())
    }
}

/// Reads of the three kinds, uncached.
struct ClientHandle(Client);

impl std::fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl ClientHandle {
    fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.0.clone(), namespace)
    }

    async fn secret(&self, key: Key) -> Result<String, TargetError> {
        let read = self.api::<Secret>(&key.namespace).get_opt(&key.name).await;
        let secret = read.map_err(|source| key.read_failed(source))?;
        let (namespace, name, wanted) = key.into_strings();
        let Some(secret) = secret else {
            return Err(TargetError::SecretMissing {
                namespace,
                name,
                key: wanted,
            });
        };
        let data = secret.data.unwrap_or_default();
        let Some(value) = data.get(&wanted) else {
            return Err(TargetError::KeyMissing {
                kind: "secret",
                namespace,
                name,
                key: wanted,
            });
        };
        String::from_utf8(value.0.clone()).map_err(|_| TargetError::Invalid {
            kind: "secret",
            namespace,
            name,
            reason: format!("the value of its key `{wanted}` is not text"),
        })
    }

    async fn config_map(&self, key: Key) -> Result<String, TargetError> {
        let read = self
            .api::<ConfigMap>(&key.namespace)
            .get_opt(&key.name)
            .await;
        let config_map = read.map_err(|source| key.read_failed(source))?;
        let (namespace, name, wanted) = key.into_strings();
        let Some(config_map) = config_map else {
            return Err(TargetError::ConfigMapMissing {
                namespace,
                name,
                key: wanted,
            });
        };
        let mut data = config_map.data.unwrap_or_default();
        data.remove(&wanted).ok_or(TargetError::KeyMissing {
            kind: "config map",
            namespace,
            name,
            key: wanted,
        })
    }

    async fn service(&self, key: Key) -> Result<String, TargetError> {
        let read = self.api::<Service>(&key.namespace).get_opt(&key.name).await;
        let service = read.map_err(|source| key.read_failed(source))?;
        let (namespace, name, port) = key.into_strings();
        let Some(service) = service else {
            return Err(TargetError::ServiceMissing { namespace, name });
        };
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        let number = if port.is_empty() {
            ports.first()
        } else {
            ports
                .iter()
                .find(|known| known.name.as_ref() == Some(&port))
        };
        match number {
            Some(known) => Ok(format!(
                "http://{name}.{namespace}.svc.cluster.local:{}",
                known.port
            )),
            None => Err(TargetError::Invalid {
                kind: "service",
                namespace,
                name,
                reason: if port.is_empty() {
                    "it has no port".to_owned()
                } else {
                    format!("it has no port named `{port}`")
                },
            }),
        }
    }
}
