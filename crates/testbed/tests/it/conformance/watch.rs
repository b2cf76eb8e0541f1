//! Watching: order, versions, selectors, bookmarks, initial events, expiry.

use std::pin::pin;

use futures::StreamExt;
use kube::api::{DeleteParams, Patch, WatchEvent, WatchParams};
use serde_json::json;

use super::server::{name, next, next_change, on_every_server, version};
use super::shorthand::{Shorthand, check_refusal_saying};
use super::widgets::{Adjectives, plain};

#[test]
fn a_watch_tells_every_change_in_order() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let from = widgets.version_now().await;
        let mut stream = widgets.watched(&from).await;
        let created = widgets.created(&plain("a")).await;
        let status = Patch::Merge(json!({"status": {"phase": "running"}}));
        let running = widgets.status_patched("a", &status).await;
        widgets.created(&plain("b")).await;
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        let (kind, first) = next_change(&mut stream).await;
        assert_eq!(
            (kind, name(&first), version(&first)),
            ("ADDED", "a", version(&created))
        );
        let (kind, second) = next_change(&mut stream).await;
        assert_eq!(
            (kind, name(&second), version(&second)),
            ("MODIFIED", "a", version(&running))
        );
        assert_eq!(second.data, running.data);
        let (kind, third) = next_change(&mut stream).await;
        assert_eq!((kind, name(&third)), ("ADDED", "b"));
        let (kind, last) = next_change(&mut stream).await;
        assert_eq!((kind, name(&last)), ("DELETED", "a"));
        assert_eq!(last.data["status"]["phase"], "running");
        assert!(version(&last) > version(&third));
    });
}

#[test]
fn a_watch_goes_on_after_the_version_it_is_given() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let a = widgets.created(&plain("a")).await;
        let b = widgets.created(&plain("b")).await;
        widgets.created(&plain("c")).await;
        let from = version(&a).to_string();
        let mut stream = widgets.watched(&from).await;
        assert_eq!(name(&next_change(&mut stream).await.1), "b");
        assert_eq!(name(&next_change(&mut stream).await.1), "c");
        let from = version(&b).to_string();
        let mut stream = widgets.watched(&from).await;
        assert_eq!(name(&next_change(&mut stream).await.1), "c");
    });
}

#[test]
fn a_watch_from_nowhere_begins_with_what_is_there() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        widgets.created(&plain("b")).await;
        let mut stream = widgets.watched("0").await;
        let mut names = Vec::new();
        for _ in 0..2 {
            let (kind, object) = next_change(&mut stream).await;
            assert_eq!(kind, "ADDED");
            names.push(name(&object).to_owned());
        }
        names.sort();
        assert_eq!(names, ["a", "b"]);
        widgets.created(&plain("c")).await;
        assert_eq!(name(&next_change(&mut stream).await.1), "c");
    });
}

#[test]
fn a_streaming_list_ends_with_its_bookmark() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let b = widgets.created(&plain("b")).await;
        for from in ["0", &version(&b).to_string()] {
            let mut stream = pin!(
                widgets
                    .watch(&WatchParams::streaming_lists(), from)
                    .await
                    .unwrap()
            );
            let mut names = Vec::new();
            let bookmark = loop {
                match next(&mut stream).await {
                    WatchEvent::Added(object) => names.push(name(&object).to_owned()),
                    WatchEvent::Bookmark(bookmark) => break bookmark,
                    other => panic!("unexpected {other:?}"),
                }
            };
            names.sort();
            assert_eq!(names, ["a", "b"]);
            assert_eq!(
                bookmark.metadata.annotations["k8s.io/initial-events-end"],
                "true"
            );
            assert!(bookmark.metadata.resource_version.parse::<u64>().unwrap() >= version(&b));
        }
    });
}

#[test]
fn a_watch_follows_its_selector() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let from = widgets.version_now().await;
        let mut stream = pin!(
            widgets
                .watch(&WatchParams::default().labels("on=yes"), &from)
                .await
                .unwrap()
        );
        widgets.created(&plain("a")).await;
        let label = |value: &str| Patch::Merge(json!({"metadata": {"labels": {"on": value}}}));
        widgets.patched("a", &label("yes")).await;
        let sized = Patch::Merge(json!({"spec": {"size": 2}}));
        widgets.patched("a", &sized).await;
        let off = widgets.patched("a", &label("no")).await;
        widgets.patched("a", &label("yes")).await;
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        assert_eq!(next_change(&mut stream).await.0, "ADDED");
        assert_eq!(next_change(&mut stream).await.0, "MODIFIED");
        let (kind, left) = next_change(&mut stream).await;
        assert_eq!(kind, "DELETED");
        assert_eq!(version(&left), version(&off));
        assert_eq!(left.metadata.labels.unwrap()["on"], "yes");
        assert_eq!(next_change(&mut stream).await.0, "ADDED");
        assert_eq!(next_change(&mut stream).await.0, "DELETED");
    });
}

#[test]
fn a_watch_follows_a_field_selector() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let from = widgets.version_now().await;
        let params = WatchParams::default().fields("status.phase=running");
        let mut by_phase = pin!(widgets.watch(&params, &from).await.unwrap());
        let params = WatchParams::default().fields("metadata.name=b");
        let mut by_name = pin!(widgets.watch(&params, &from).await.unwrap());
        for object in ["a", "b"] {
            widgets.created(&plain(object)).await;
            for phase in ["pending", "running", "done"] {
                let status = Patch::Merge(json!({"status": {"phase": phase}}));
                widgets.status_patched(object, &status).await;
            }
        }
        for wanted in [
            ("ADDED", "a"),
            ("DELETED", "a"),
            ("ADDED", "b"),
            ("DELETED", "b"),
        ] {
            let (kind, object) = next_change(&mut by_phase).await;
            assert_eq!((kind, name(&object)), wanted);
            assert_eq!(object.data["status"]["phase"], "running");
        }
        for wanted in ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED"] {
            let (kind, object) = next_change(&mut by_name).await;
            assert_eq!((kind, name(&object)), (wanted, "b"));
        }
    });
}

#[test]
fn a_watch_ends_after_its_timeout_with_a_bookmark() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let from = version(&created).to_string();
        let stream = widgets
            .watch(&WatchParams::default().timeout(3), &from)
            .await
            .unwrap();
        let events: Vec<_> = stream.collect().await;
        for event in &events {
            assert!(matches!(event, Ok(WatchEvent::Bookmark(_))), "{event:?}");
        }
    });
}

#[test]
fn a_watch_sees_the_end_of_a_held_deletion() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let widget = plain("a").held_by(&["plimsoll.dev/hold"]);
        let created = widgets.created(&widget).await;
        let from = version(&created).to_string();
        let mut stream = widgets.watched(&from).await;
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        widgets.patched("a", &none).await;
        let (kind, marked) = next_change(&mut stream).await;
        assert_eq!(kind, "MODIFIED");
        assert!(marked.metadata.deletion_timestamp.is_some());
        let (kind, last) = next_change(&mut stream).await;
        assert_eq!(kind, "DELETED");
        assert!(version(&last) > version(&marked));
        assert!(last.metadata.deletion_timestamp.is_some());
    });
}

#[test]
fn a_watch_sees_only_its_namespace_and_a_cluster_wide_one_sees_all() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let all: kube::Api<kube::api::DynamicObject> =
            kube::Api::all_with(server.client.clone(), &super::widgets::widget());
        let from = all.version_now().await;
        let mut wide = pin!(
            all.watch(&WatchParams::default().labels("mine=yes"), &from)
                .await
                .unwrap()
        );
        let mut narrow = widgets.watched(&from).await;
        let widget = plain("a").labelled("mine", "yes");
        widgets.created(&widget).await;
        assert_eq!(
            next_change(&mut narrow).await.1.metadata.namespace,
            Some(server.namespace.clone())
        );
        loop {
            let (_, object) = next_change(&mut wide).await;
            if object.metadata.namespace.as_ref() == Some(&server.namespace) {
                break;
            }
        }
    });
}

#[test]
fn a_watch_from_a_forgotten_version_is_expired() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut stream = widgets.watched("1").await;
        let WatchEvent::Error(status) = next(&mut stream).await else {
            panic!("expected an error event");
        };
        check_refusal_saying(&status, 410, "Expired", "too old resource version: 1");
        assert!(stream.next().await.is_none());
    });
}
