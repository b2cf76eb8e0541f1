//! A control plane that knows one answer: it ends every Query that it sees. For tests of what waits for Queries.

use std::convert::Infallible;
use std::time::Duration;

use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use query_api::query::Query;
use serde_json::json;

use crate::kube_api::KubeApi;

/// How long it rests between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Ends every Query with `content` until it is dropped.
///
/// # Panics
/// If the Queries cannot be listed.
pub async fn answer_all(api: KubeApi, content: &str) -> Infallible {
    let client = api.client("default");
    let queries: Api<Query> = Api::all(client.clone());
    let done = Patch::Merge(json!({"status": {
        "phase": "done",
        "responses": [{"target": {"type": "agent", "name": "a"}, "content": content}],
    }}));
    loop {
        let seen = queries.list(&ListParams::default()).await.expect("listed");
        let open = seen
            .items
            .into_iter()
            .filter(|query| !query.phase().is_terminal());
        for query in open {
            let name = query.metadata.name.unwrap_or_default();
            let namespace = query.metadata.namespace.unwrap_or_default();
            let of_one: Api<Query> = Api::namespaced(client.clone(), &namespace);
            // It may be gone by now.
            drop(
                of_one
                    .patch_status(&name, &PatchParams::default(), &done)
                    .await,
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}
