//! History, counts, cost, and what follows from changes of definitions and namespaces.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PostParams, WatchEvent};
use serde_json::json;
use testbed::kube_api::{KubeApi, Settings, Verb};

use super::{server, server_with, widgets_of};
use crate::conformance::server::{failure_of, next_change, refusal};
use crate::conformance::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use crate::conformance::widgets::{self, Adjectives, plain};

fn short_history() -> KubeApi {
    server_with(Settings {
        history_size: 4,
        ..Settings::default()
    })
}

#[tokio::test(start_paused = true)]
async fn a_version_older_than_the_history_is_expired() {
    let api = short_history();
    let widgets = widgets_of(&api);
    let old = widgets.version_now().await;
    for n in 0..10 {
        widgets.created(&plain(&format!("w{n}"))).await;
    }
    let mut stream = widgets.watched(&old).await;
    let status = failure_of(&mut stream).await;
    check_refusal(&status, 410, "Expired");
    assert!(stream.next().await.is_none());
    let exact = ListParams::default()
        .at(&old)
        .matching(kube::api::VersionMatch::Exact);
    assert_eq!(refusal(widgets.list(&exact).await).code, 410);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_falls_behind_is_ended() {
    let api = short_history();
    let widgets = widgets_of(&api);
    let from = widgets.version_now().await;
    let mut stream = widgets.watched(&from).await;
    for n in 0..10 {
        widgets.created(&plain(&format!("w{n}"))).await;
    }
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_expired_page_offers_to_go_on_without_consistency() {
    let api = short_history();
    let widgets = widgets_of(&api);
    for name in ["a", "b", "c"] {
        widgets.created(&plain(name)).await;
    }
    let first = widgets.list(&ListParams::default().limit(1)).await.unwrap();
    for n in 0..10 {
        widgets.created(&plain(&format!("b{n}"))).await;
    }
    let token = first.metadata.continue_.unwrap();
    let status = refusal(
        widgets
            .list(&ListParams::default().limit(1).continue_token(&token))
            .await,
    );
    check_refusal(&status, 410, "Expired");
    let token = status.metadata.unwrap().continue_.unwrap();
    let rest = widgets
        .list(&ListParams::default().continue_token(&token))
        .await
        .unwrap();
    assert_eq!(rest.items.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_gets_bookmarks() {
    let api = server();
    let widgets = widgets_of(&api);
    let created = widgets.created(&plain("a")).await;
    let from = created.metadata.resource_version.unwrap();
    let mut stream = widgets.watched(&from).await;
    let gadgets: Api<kube::api::DynamicObject> =
        Api::namespaced_with(api.client("default"), "default", &widgets::gadget());
    gadgets
        .created(&widgets::gadget_named("g", json!({})))
        .await;
    tokio::time::advance(Duration::from_secs(61)).await;
    let Some(Ok(WatchEvent::Bookmark(bookmark))) = stream.next().await else {
        panic!("expected a bookmark");
    };
    // The version of a change elsewhere: nothing before it can come any more.
    assert!(bookmark.metadata.resource_version.parse::<u64>().unwrap() > from.parse().unwrap());
}

#[tokio::test]
async fn requests_are_counted_by_verb_and_resource() {
    let api = server();
    let widgets = widgets_of(&api);
    let before = api.counts();
    widgets.created(&plain("a")).await;
    widgets.get("a").await.unwrap();
    widgets.get("missing").await.unwrap_err();
    let status = Patch::Merge(json!({"status": {"phase": "done"}}));
    widgets.status_patched("a", &status).await;
    widgets.list(&ListParams::default()).await.unwrap();
    let counts = api.counts().since(&before);
    assert_eq!(counts.get(Verb::Get, "widgets"), 2);
    assert_eq!(counts.get(Verb::Patch, "widgets/status"), 1);
    assert_eq!(counts.get(Verb::Patch, "widgets"), 0);
    assert_eq!((counts.total(), counts.writes()), (5, 2));
}

#[tokio::test]
async fn busy_grows_only_while_it_is_measured() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    assert_eq!(api.busy(), Duration::ZERO);
    api.measure_busy(true);
    widgets.get("a").await.unwrap();
    let once = api.busy();
    assert!(once > Duration::ZERO);
    api.measure_busy(false);
    widgets.get("a").await.unwrap();
    assert_eq!(api.busy(), once);
}

#[tokio::test]
async fn a_changed_definition_keeps_its_objects() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    let crds: Api<CustomResourceDefinition> = Api::all(api.client("default"));
    let mut crd = crds.get("widgets.conformance.plimsoll.dev").await.unwrap();
    let schema = crd.spec.versions[0]
        .schema
        .as_mut()
        .unwrap()
        .open_api_v3_schema
        .as_mut()
        .unwrap();
    let spec = schema.properties.as_mut().unwrap().get_mut("spec").unwrap();
    spec.properties.as_mut().unwrap().insert(
        "extra".to_owned(),
        serde_json::from_value(json!({"type": "string"})).unwrap(),
    );
    crds.replace(
        "widgets.conformance.plimsoll.dev",
        &PostParams::default(),
        &crd,
    )
    .await
    .unwrap();
    let patch = Patch::Merge(json!({"spec": {"extra": "kept"}}));
    let patched = widgets.patched("a", &patch).await;
    assert_eq!(patched.data["spec"]["extra"], "kept");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_definition_takes_its_kind_with_it() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    let mut stream = widgets.watched("0").await;
    next_change(&mut stream).await;
    let crds: Api<CustomResourceDefinition> = Api::all(api.client("default"));
    crds.delete("widgets.conformance.plimsoll.dev", &DeleteParams::default())
        .await
        .unwrap();
    assert_eq!(refusal(widgets.get("a").await).code, 404);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_definition_that_does_not_compile_is_invalid() {
    let api = KubeApi::new();
    let crds: Api<CustomResourceDefinition> = Api::all(api.client("default"));
    let mut crd = widgets::definitions().remove(1);
    let schema = crd.spec.versions[0]
        .schema
        .as_mut()
        .unwrap()
        .open_api_v3_schema
        .as_mut()
        .unwrap();
    schema
        .properties
        .as_mut()
        .unwrap()
        .get_mut("spec")
        .unwrap()
        .pattern = Some("(".to_owned());
    let status = crds.create_refused(&crd).await;
    check_refusal_saying(
        &status,
        422,
        "Invalid",
        "must be a valid regular expression",
    );
}

#[tokio::test]
async fn a_deleted_namespace_empties_itself() {
    let api = server_with(Settings {
        strict_namespaces: true,
        ..Settings::default()
    });
    let client = api.client("default");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let home: Namespace = serde_json::from_value(json!({"metadata": {"name": "home"}})).unwrap();
    namespaces.created(&home).await;
    let widgets: Api<kube::api::DynamicObject> =
        Api::namespaced_with(client, "home", &widgets::widget());
    widgets.created(&plain("free")).await;
    let held = plain("held").held_by(&["plimsoll.dev/hold"]);
    widgets.created(&held).await;
    namespaces
        .delete("home", &DeleteParams::default())
        .await
        .unwrap();
    assert_eq!(refusal(widgets.get("free").await).code, 404);
    assert!(
        widgets
            .get("held")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_some()
    );
    let refused = widgets.create_refused(&plain("late")).await;
    check_refusal(&refused, 403, "Forbidden");
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    widgets.patched("held", &release).await;
    assert_eq!(refusal(namespaces.get("home").await).code, 404);
}

#[tokio::test]
async fn many_writers_lose_no_update() {
    let api = server();
    let widgets = widgets_of(&api);
    widgets.created(&plain("a")).await;
    let writers = (0..50).map(|n| {
        let widgets = widgets_of(&api);
        tokio::spawn(async move {
            let patch = Patch::Merge(json!({"metadata": {"labels": {format!("l{n}"): "x"}}}));
            widgets.patched("a", &patch).await;
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(
        widgets
            .get("a")
            .await
            .unwrap()
            .metadata
            .labels
            .unwrap()
            .len(),
        50
    );
}
