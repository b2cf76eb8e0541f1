//! Deleting: finalizers, preconditions, collections.

use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use serde_json::json;

use super::server::{name, on_every_server, refusal, version};
use super::widgets::plain;

#[test]
fn an_object_without_finalizers_goes_at_once() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
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
        let again = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        assert_ne!(again.metadata.uid, created.metadata.uid);
    });
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_removed() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut widget = plain("a");
        widget.metadata.finalizers = Some(vec![
            "plimsoll.dev/one".to_owned(),
            "plimsoll.dev/two".to_owned(),
        ]);
        let created = widgets
            .create(&PostParams::default(), &widget)
            .await
            .unwrap();
        let marked = widgets
            .delete("a", &DeleteParams::default())
            .await
            .unwrap()
            .left()
            .expect("the object or list itself");
        assert!(marked.metadata.deletion_timestamp.is_some());
        assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(0));
        assert_eq!(marked.metadata.generation, Some(2));
        assert!(version(&marked) > version(&created));
        let again = widgets
            .delete("a", &DeleteParams::default())
            .await
            .unwrap()
            .left()
            .expect("the object or list itself");
        assert_eq!(version(&again), version(&marked));
        let one = Patch::Merge(json!({"metadata": {"finalizers": ["plimsoll.dev/two"]}}));
        let held = widgets
            .patch("a", &PatchParams::default(), &one)
            .await
            .unwrap();
        assert_eq!(
            held.metadata.deletion_timestamp,
            marked.metadata.deletion_timestamp
        );
        let status = Patch::Merge(json!({"status": {"phase": "done"}}));
        widgets
            .patch_status("a", &PatchParams::default(), &status)
            .await
            .unwrap();
        let none = Patch::Merge(json!({"metadata": {"finalizers": []}}));
        let last = widgets
            .patch("a", &PatchParams::default(), &none)
            .await
            .unwrap();
        assert_eq!(last.metadata.finalizers, None);
        assert_eq!(last.data["status"]["phase"], "done");
        assert_eq!(refusal(widgets.get("a").await).code, 404);
    });
}

#[test]
fn an_object_being_deleted_takes_no_new_finalizers() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut widget = plain("a");
        widget.metadata.finalizers = Some(vec!["plimsoll.dev/one".to_owned()]);
        widgets
            .create(&PostParams::default(), &widget)
            .await
            .unwrap();
        widgets.delete("a", &DeleteParams::default()).await.unwrap();
        let more = Patch::Merge(
            json!({"metadata": {"finalizers": ["plimsoll.dev/one", "plimsoll.dev/new"]}}),
        );
        let status = refusal(widgets.patch("a", &PatchParams::default(), &more).await);
        assert_eq!((status.code, &*status.reason), (422, "Invalid"));
        assert!(
            status
                .message
                .contains("no new finalizers can be added if the object is being deleted"),
            "{}",
            status.message
        );
        let revive = Patch::Merge(json!({"metadata": {"deletionTimestamp": null}}));
        let same = widgets
            .patch("a", &PatchParams::default(), &revive)
            .await
            .unwrap();
        assert!(same.metadata.deletion_timestamp.is_some());
    });
}

#[test]
fn a_replacement_without_finalizers_ends_a_deletion() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut widget = plain("a");
        widget.metadata.finalizers = Some(vec!["plimsoll.dev/one".to_owned()]);
        widgets
            .create(&PostParams::default(), &widget)
            .await
            .unwrap();
        let mut marked = widgets
            .delete("a", &DeleteParams::default())
            .await
            .unwrap()
            .left()
            .expect("the object or list itself");
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
        let created = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let with = |uid: Option<&str>, version: Option<&str>| DeleteParams {
            preconditions: Some(Preconditions {
                uid: uid.map(str::to_owned),
                resource_version: version.map(str::to_owned),
            }),
            ..DeleteParams::default()
        };
        let status = refusal(widgets.delete("a", &with(Some("other"), None)).await);
        assert_eq!((status.code, &*status.reason), (409, "Conflict"));
        assert!(
            status
                .message
                .contains("the UID in the precondition (other) does not match the UID in record"),
            "{}",
            status.message
        );
        let status = refusal(widgets.delete("a", &with(None, Some("1"))).await);
        assert_eq!((status.code, &*status.reason), (409, "Conflict"));
        assert!(
            status
                .message
                .contains("the ResourceVersion in the precondition (1) does not match"),
            "{}",
            status.message
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
        let created = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
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
        widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
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
            let mut widget = plain(name);
            widget.metadata.labels = Some([("tier".to_owned(), tier.to_owned())].into());
            if name == "c" {
                widget.metadata.finalizers = Some(vec!["plimsoll.dev/hold".to_owned()]);
            }
            widgets
                .create(&PostParams::default(), &widget)
                .await
                .unwrap();
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
