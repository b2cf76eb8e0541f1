//! Finding the targets that a selector names.

use kube::Resource;
use kube::api::ListParams;
use kube::core::Selector;
use query_api::agent::Agent;
use query_api::model::Model;
use query_api::query::{QuerySpec, Target, TargetKind};
use query_api::team::Team;
use query_api::tool::Tool;
use serde::Deserialize;

/// Why the targets are not known.
#[derive(Debug)]
pub(super) enum SelectionError {
    /// The selector itself makes no sense; the text says why.
    Malformed(String),
    /// The objects could not be listed; another time they may.
    Unlisted(kube::Error),
}

/// The agents, teams, models and tools that the selector of `spec` names, in this order and each kind by name.
pub(super) async fn hits(
    client: &kube::Client,
    namespace: &str,
    spec: &QuerySpec,
) -> Result<Vec<Target>, SelectionError> {
    let Some(selector) = spec.selector.clone() else {
        return Ok(Vec::new());
    };
    let selector = Selector::try_from(selector)
        .map_err(|error| SelectionError::Malformed(error.to_string()))?;
    let kinds = [
        (TargetKind::Agent, Agent::url_path(&(), Some(namespace))),
        (TargetKind::Team, Team::url_path(&(), Some(namespace))),
        (TargetKind::Model, Model::url_path(&(), Some(namespace))),
        (TargetKind::Tool, Tool::url_path(&(), Some(namespace))),
    ];
    let mut hits = Vec::new();
    for (kind, path) in kinds {
        let names = names(client, path, &selector).await;
        let names = names.map_err(SelectionError::Unlisted)?;
        hits.extend(names.into_iter().map(|name| Target::new(kind, name)));
    }
    Ok(hits)
}

/// The names alone: what the objects say is of no interest here, even if it is not understood.
async fn names(
    client: &kube::Client,
    path: String,
    selector: &Selector,
) -> Result<Vec<String>, kube::Error> {
    #[derive(Deserialize)]
    struct List {
        items: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    let params = ListParams::default().labels_from(selector);
    let request = kube::core::Request::new(path)
        .list(&params)
        .map_err(kube::Error::BuildRequest)?;
    let list: List = client.request(request).await?;
    let mut names: Vec<String> = list
        .items
        .into_iter()
        .map(|item| item.metadata.name)
        .collect();
    names.sort_unstable();
    Ok(names)
}
