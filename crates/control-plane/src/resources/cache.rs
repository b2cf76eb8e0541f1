//! Objects of one kind, kept up to date by a watch.

use std::{fmt, sync::Arc};

use futures::{StreamExt, future::ready};
use kube::{
    Api, Client, Resource,
    core::{NamespaceResourceScope, Selector},
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::task::AbortHandle;

/// All objects of one kind in all namespaces. Dropping it ends the watch.
pub(crate) struct Cache<K>
where
    K: Resource<DynamicType = ()> + 'static,
{
    client: Client,
    store: Store<K>,
    watch: AbortHandle,
}

/// Where an object was found.
#[derive(Debug)]
pub(crate) enum Found<K> {
    /// In the cache.
    Cached(Arc<K>),
    /// Not in the cache; the API was asked.
    Live(Arc<K>),
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
    pub(crate) fn watch(client: &Client) -> Self {
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
    ) -> Result<Option<Found<K>>, kube::Error> {
        if let Some(object) = self.store.get(&ObjectRef::new(name).within(namespace)) {
            return Ok(Some(Found::Cached(object)));
        }
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let object = Box::pin(api.get_opt(name)).await?;
        Ok(object.map(|object| Found::Live(Arc::new(object))))
    }

    /// Names of the objects of a namespace with matching labels, in order.
    pub(crate) async fn select(&self, namespace: &str, selector: &Selector) -> Vec<String> {
        self.ready().await;
        let objects = self.store.state_filter_selector(selector);
        let mut names: Vec<String> = objects
            .iter()
            .filter(|object| object.meta().namespace.as_deref() == Some(namespace))
            .filter_map(|object| object.meta().name.clone())
            .collect();
        names.sort();
        names
    }
}

impl<K> Found<K> {
    /// The object, wherever it was found.
    pub(crate) fn into_object(self) -> Arc<K> {
        match self {
            Self::Cached(object) | Self::Live(object) => object,
        }
    }

    /// Whether the API was asked.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
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
