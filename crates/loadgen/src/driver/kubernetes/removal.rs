//! Cleaning up after a run: delete by label, then wait for finalizers.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client, Resource};
use query_api::agent::Agent;
use query_api::model::Model;
use query_api::query::Query;
use query_api::tool::Tool;
use serde::de::DeserializeOwned;

use super::failure::refused;
use crate::error::DriverError;

/// How often is looked whether all is gone.
const LOOK: Duration = Duration::from_millis(50);

/// Removes what the selector selects in one namespace; returns how much is left when patience ends.
pub(super) async fn remove(
    client: Client,
    namespace: String,
    selector: String,
    with_setup: bool,
    patience: Duration,
) -> Result<usize, DriverError> {
    let removal = Removal {
        client,
        namespace,
        selector,
        until: Instant::now() + patience,
    };
    // Queries first: a controller may still need the others to end them.
    let mut left = removal.all_of::<Query>("Queries").await?;
    if with_setup {
        left += removal.all_of::<Agent>("Agents").await?;
        left += removal.all_of::<Tool>("Tools").await?;
        left += removal.all_of::<Model>("Models").await?;
        left += removal.all_of::<Secret>("Secrets").await?;
    }
    Ok(left)
}

struct Removal {
    client: Client,
    namespace: String,
    selector: String,
    until: Instant,
}

impl Removal {
    async fn all_of<K>(&self, kinds: &str) -> Result<usize, DriverError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let objects: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        let params = ListParams::default().labels(&self.selector);
        let deleted = objects
            .delete_collection(&DeleteParams::default(), &params)
            .await;
        deleted.map_err(|error| refused(&format!("delete {kinds}"), &error))?;
        loop {
            let listed = objects.list_metadata(&params).await;
            let listed = listed.map_err(|error| refused(&format!("list {kinds}"), &error))?;
            let n_left = listed.items.len();
            if n_left == 0 || Instant::now() >= self.until {
                return Ok(n_left);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
