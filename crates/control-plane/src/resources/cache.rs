//! Objects of one kind, kept up to date by a watch.

use std::{fmt, sync::Arc};

use futures::{StreamExt, future::ready};
use kube::{
    Api, Client, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::{task::AbortHandle, time::Instant};

use crate::{
    execution::error::TargetError,
    metrics::{Loaded, Metrics, Served, Stage},
};

/// All objects of one kind in all namespaces. Dropping it ends the watch.
pub(crate) struct Cache<K>
where
    K: Resource<DynamicType = ()> + 'static,
{
    client: Client,
    store: Store<K>,
    watch: AbortHandle,
    metrics: Metrics,
    /// What its loads count as.
    loaded: Loaded,
}

impl<K> Cache<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    /// Starts to watch, on the current runtime.
    pub(crate) fn watch(client: &Client, loaded: Loaded, metrics: &Metrics) -> Self {
        let (store, writer) = reflector::store();
        let changes = watcher(Api::all(client.clone()), watcher::Config::default());
        let changes = reflector::reflector(writer, changes.default_backoff());
        let watch = tokio::spawn(changes.for_each(|change| {
            if let Err(error) = change {
                let kind = K::kind(&());
                tracing::warn!(%kind, %error, "the watch broke; going on with what is known");
            }
            ready(())
        }));
        Self {
            client: client.clone(),
            store,
            watch: watch.abort_handle(),
            metrics: metrics.clone(),
            loaded,
        }
    }

    /// Waits until the first list has arrived.
    pub(crate) async fn ready(&self) {
        // The writer lives as long as the watch, which lives as long as we do.
        let _ready = self.store.wait_until_ready().await;
    }

    /// The object from the cache, else from the API.
    ///
    /// What the cache has may be a moment old. What it lacks may have been created a moment ago, so the API decides.
    pub(crate) async fn get(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Arc<K>>, TargetError> {
        let asked = Instant::now();
        let cached = self.store.get(&ObjectRef::new(name).within(namespace));
        let (found, served) = match cached {
            Some(object) => (Ok(Some(object)), Served::Cached),
            None => (self.read(namespace, name).await, Served::Cold),
        };
        let stage = Stage::Load(self.loaded, served);
        self.metrics.stage(stage, asked.elapsed());
        found
    }

    async fn read(&self, namespace: &str, name: &str) -> Result<Option<Arc<K>>, TargetError> {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let object = Box::pin(api.get_opt(name)).await;
        let object = object
            .map_err(|source| TargetError::read_failed(self.loaded, namespace, name, source))?;
        Ok(object.map(Arc::new))
    }
}

impl<K> Drop for Cache<K>
where
    K: Resource<DynamicType = ()> + 'static,
{
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl<K> fmt::Debug for Cache<K>
where
    K: Resource<DynamicType = ()> + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("kind", &K::kind(&()))
            .finish_non_exhaustive()
    }
}
