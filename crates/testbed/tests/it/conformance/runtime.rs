//! kube-runtime on top: both strategies of its watcher, a reflector that loses its watches, finalizers.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::api::{DeleteParams, DynamicObject, Patch};
use kube::core::PartialObjectMeta;
use kube::runtime::controller::Action;
use kube::runtime::finalizer::{Event as Finalizer, finalizer};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::server::{PATIENCE, Server, name, on_every_server};
use super::shorthand::Shorthand;
use super::widgets::{plain, widget};

fn strategies() -> [watcher::Config; 2] {
    [
        watcher::Config::default().page_size(2),
        watcher::Config::default().streaming_lists(),
    ]
}

async fn next_event<S>(events: &mut S) -> watcher::Event<DynamicObject>
where
    S: futures::Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + Unpin,
{
    let event = tokio::time::timeout(PATIENCE, events.next())
        .await
        .expect("no event came");
    event.expect("a watcher never ends").unwrap()
}

#[test]
fn a_watcher_lists_and_then_follows_by_either_strategy() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        for object in ["a", "b", "c", "d", "e"] {
            widgets.created(&plain(object)).await;
        }
        for config in strategies() {
            let mut events = pin!(watcher(widgets.clone(), config));
            assert!(matches!(
                next_event(&mut events).await,
                watcher::Event::Init
            ));
            let mut names = Vec::new();
            loop {
                match next_event(&mut events).await {
                    watcher::Event::InitApply(object) => names.push(name(&object).to_owned()),
                    watcher::Event::InitDone => break,
                    other => panic!("unexpected {other:?}"),
                }
            }
            names.sort();
            assert_eq!(names, ["a", "b", "c", "d", "e"]);
            widgets.created(&plain("f")).await;
            let grown = Patch::Merge(json!({"spec": {"size": 2}}));
            widgets.patched("f", &grown).await;
            widgets.delete("f", &DeleteParams::default()).await.unwrap();
            let watcher::Event::Apply(created) = next_event(&mut events).await else {
                panic!("expected the creation");
            };
            assert_eq!(
                (name(&created), &created.data["spec"]["size"]),
                ("f", &json!(1))
            );
            let watcher::Event::Apply(grown) = next_event(&mut events).await else {
                panic!("expected the change");
            };
            assert_eq!(grown.data["spec"]["size"], 2);
            let watcher::Event::Delete(deleted) = next_event(&mut events).await else {
                panic!("expected the deletion");
            };
            assert_eq!(name(&deleted), "f");
        }
    });
}

/// Follows the widgets of a server until the store holds exactly `expected`, in any order.
async fn settles_at<S>(
    events: &mut S,
    store: &reflector::Store<DynamicObject>,
    expected: &[(&str, i64)],
) where
    S: futures::Stream<Item = watcher::Result<watcher::Event<DynamicObject>>> + Unpin,
{
    let state = |store: &reflector::Store<DynamicObject>| {
        let mut state: Vec<(String, i64)> = store
            .state()
            .iter()
            .map(|object| {
                (
                    object.name_any(),
                    object.data["spec"]["size"].as_i64().unwrap(),
                )
            })
            .collect();
        state.sort();
        state
    };
    let expected: Vec<(String, i64)> = expected
        .iter()
        .map(|(name, size)| ((*name).to_owned(), *size))
        .collect();
    let settled = async {
        while state(store) != expected {
            let _ = events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, settled)
        .await
        .unwrap_or_else(|_| panic!("the store has {:?} instead of {expected:?}", state(store)));
}

async fn resize(server: &Server, name: &str, size: i64) {
    let patch = Patch::Merge(json!({"spec": {"size": size}}));
    server.widgets().patched(name, &patch).await;
}

#[test]
fn a_reflector_catches_up_after_its_watch_was_dropped() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        for object in ["a", "b"] {
            widgets.created(&plain(object)).await;
        }
        for config in strategies() {
            let writer = reflector::store::Writer::new(widget());
            let store = writer.as_reader();
            // A short timeout makes a real server drop the watch; the stand-in is told to.
            let events = watcher(widgets.clone(), config.timeout(1)).default_backoff();
            let mut events = pin!(reflector(writer, events));
            resize(&server, "a", 1).await;
            settles_at(&mut events, &store, &[("a", 1), ("b", 1)]).await;
            drop_watches(&server).await;
            resize(&server, "a", 5).await;
            widgets.created(&plain("c")).await;
            widgets.delete("b", &DeleteParams::default()).await.unwrap();
            settles_at(&mut events, &store, &[("a", 5), ("c", 1)]).await;
            if let Some(api) = &server.stand_in {
                // What was missed is forgotten: the watcher meets a 410 and lists again.
                api.drop_watches();
                resize(&server, "c", 9).await;
                widgets.created(&plain("d")).await;
                api.compact();
                settles_at(&mut events, &store, &[("a", 5), ("c", 9), ("d", 1)]).await;
                widgets.delete("d", &DeleteParams::default()).await.unwrap();
            }
            resize(&server, "a", 1).await;
            widgets.delete("c", &DeleteParams::default()).await.unwrap();
            widgets.created(&plain("b")).await;
            settles_at(&mut events, &store, &[("a", 1), ("b", 1)]).await;
        }
    });
}

async fn drop_watches(server: &Server) {
    match &server.stand_in {
        Some(api) => api.drop_watches(),
        None => tokio::time::sleep(Duration::from_millis(1500)).await,
    }
}

#[test]
fn a_watcher_of_metadata_sees_metadata_only() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        for config in strategies() {
            let metadata: Api<PartialObjectMeta<DynamicObject>> =
                Api::namespaced_with(server.client.clone(), &server.namespace, &widget());
            let events = watcher(metadata, config);
            let mut events = pin!(events.applied_objects());
            let first = tokio::time::timeout(PATIENCE, events.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            assert_eq!(first.name_any(), "a");
            assert_eq!(first.types.unwrap().kind, "PartialObjectMetadata");
        }
    });
}

#[test]
fn the_finalizer_of_kube_runtime_works() {
    on_every_server(|server| async move {
        const FINALIZER: &str = "plimsoll.dev/cleanup";
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let done = |_: Finalizer<DynamicObject>| async {
            Ok::<_, std::convert::Infallible>(Action::await_change())
        };
        finalizer(&widgets, FINALIZER, Arc::new(created), done)
            .await
            .unwrap();
        let held = widgets.get("a").await.unwrap();
        assert_eq!(held.finalizers(), [FINALIZER]);
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        let deleting = widgets.get("a").await.unwrap();
        finalizer(&widgets, FINALIZER, Arc::new(deleting), done)
            .await
            .unwrap();
        assert!(widgets.get_opt("a").await.unwrap().is_none());
    });
}
