//! Deleting: finalizers, preconditions, collections.

use kube::api::{DeleteParams, ListParams, Patch, PostParams, Preconditions, PropagationPolicy};
use serde_json::json;

use super::server::{name, on_every_server, refusal, version};
use super::shorthand::{Shorthand, check_refusal_saying};
use super::widgets::{Adjectives, plain};

#[test]
fn an_object_without_finalizers_goes_at_once() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let status = widgets
            .delete("a", &DeleteParams::default())
            .await
            .unwrap()
            .right()
            .expect("a status");
        assert!(status.is_success());
        let details = status.details.unwrap();
        assert_eq!((&*details.name, &*details.kind), ("a", "widgets"));
        assert_eq!(Some(details.uid), created.metadata.uid);
        assert_eq!(refusal(widgets.get("a").await).code, 404);
        assert_eq!(
            refusal(widgets.delete("a", &DeleteParams::default()).await).code,
            404
        );
        let again = widgets.created(&plain("a")).await;
        assert_ne!(again.metadata.uid, created.metadata.uid);
    });
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_removed() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let widget = plain("a").held_by(&["plimsoll.dev/one", "plimsoll.dev/two"]);
        let created = widgets.created(&widget).await;
        let marked = widgets.marked("a").await;
        assert!(marked.metadata.deletion_timestamp.is_some());
        assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(0));
        assert_eq!(marked.metadata.generation, Some(2));
        assert!(version(&marked) > version(&created));
        let again = widgets.marked("a").await;
        assert_eq!(version(&again), version(&marked));
        let one = Patch::Merge(json!({"metadata": {"finalizers": ["plimsoll.dev/two"]}}));
        let held = widgets.patched("a", &one).await;
        assert_eq!(
            held.metadata.deletion_timestamp,
            marked.metadata.deletion_timestamp
        );
        let status = Patch::Merge(json!({"status": {"phase": "done"}}));
        widgets.status_patched("a", &status).await;
        let none = Patch::Merge(json!({"metadata": {"finalizers": []}}));
        let last = widgets.patched("a", &none).await;
        assert_eq!(last.metadata.finalizers, None);
        assert_eq!(last.data["status"]["phase"], "done");
        assert_eq!(refusal(widgets.get("a").await).code, 404);
    });
}

#[test]
fn an_object_being_deleted_takes_no_new_finalizers() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let widget = plain("a").held_by(&["plimsoll.dev/one"]);
        widgets.created(&widget).await;
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        let more = Patch::Merge(
            json!({"metadata": {"finalizers": ["plimsoll.dev/one", "plimsoll.dev/new"]}}),
        );
        let status = widgets.patch_refused("a", &more).await;
        check_refusal_saying(
            &status,
            422,
            "Invalid",
            "no new finalizers can be added if the object is being deleted",
        );
        let revive = Patch::Merge(json!({"metadata": {"deletionTimestamp": null}}));
        let same = widgets.patched("a", &revive).await;
        assert!(same.metadata.deletion_timestamp.is_some());
    });
}

#[test]
fn a_replacement_without_finalizers_ends_a_deletion() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let widget = plain("a").held_by(&["plimsoll.dev/one"]);
        widgets.created(&widget).await;
        let mut marked = widgets.marked("a").await;
        marked.metadata.finalizers = None;
        widgets
            .replace("a", &PostParams::default(), &marked)
            .await
            .unwrap();
        assert_eq!(refusal(widgets.get("a").await).code, 404);
    });
}

#[test]
fn preconditions_of_a_deletion_must_hold() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let with = |uid: Option<&str>, version: Option<&str>| DeleteParams {
            preconditions: Some(Preconditions {
                uid: uid.map(str::to_owned),
                resource_version: version.map(str::to_owned),
            }),
            ..DeleteParams::default()
        };
        let status = refusal(widgets.delete("a", &with(Some("other"), None)).await);
        check_refusal_saying(
            &status,
            409,
            "Conflict",
            "the UID in the precondition (other) does not match the UID in record",
        );
        let status = refusal(widgets.delete("a", &with(None, Some("1"))).await);
        check_refusal_saying(
            &status,
            409,
            "Conflict",
            "the ResourceVersion in the precondition (1) does not match",
        );
        let uid = created.metadata.uid.as_deref();
        let version = created.metadata.resource_version.as_deref();
        widgets.delete("a", &with(uid, version)).await.unwrap();
        assert_eq!(refusal(widgets.get("a").await).code, 404);
    });
}

#[test]
fn a_dry_run_of_a_deletion_deletes_nothing() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        widgets
            .delete("a", &DeleteParams::default().dry_run())
            .await
            .unwrap();
        assert_eq!(version(&widgets.get("a").await.unwrap()), version(&created));
    });
}

#[test]
fn background_deletion_is_accepted() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let background = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            grace_period_seconds: Some(0),
            ..DeleteParams::default()
        };
        widgets.delete("a", &background).await.unwrap();
        assert_eq!(refusal(widgets.get("a").await).code, 404);
    });
}

#[test]
fn a_collection_delete_takes_what_is_selected() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        for (name, tier) in [("a", "front"), ("b", "back"), ("c", "front")] {
            let mut widget = plain(name).labelled("tier", tier);
            if name == "c" {
                widget = widget.held_by(&["plimsoll.dev/hold"]);
            }
            widgets.created(&widget).await;
        }
        let front = ListParams::default().labels("tier=front");
        let removed = widgets
            .delete_collection(&DeleteParams::default(), &front)
            .await
            .unwrap()
            .left()
            .expect("the object or list itself");
        assert_eq!(
            removed.items.iter().map(name).collect::<Vec<_>>(),
            ["a", "c"]
        );
        let left = widgets.list(&ListParams::default()).await.unwrap();
        assert_eq!(left.items.iter().map(name).collect::<Vec<_>>(), ["b", "c"]);
        assert!(left.items[1].metadata.deletion_timestamp.is_some());
    });
}
