//! The status subresource.

use kube::api::{Patch, PostParams};
use serde_json::json;

use super::server::{on_every_server, refusal, version};
use super::shorthand::{Shorthand, check_refusal, check_refusal_saying};
use super::widgets::{gadget_named, plain};

#[test]
fn creation_drops_the_status() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.data["status"] = json!({"phase": "done"});
        let created = server.widgets().created(&widget).await;
        assert_eq!(created.data.get("status"), None);
        assert_eq!(
            server.widgets().get("a").await.unwrap().data.get("status"),
            None
        );
    });
}

#[test]
fn a_status_patch_changes_the_status_alone() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let patch = json!({
            "metadata": {"labels": {"x": "y"}},
            "spec": {"size": 50},
            "status": {"phase": "running"},
        });
        let patched = widgets.status_patched("a", &Patch::Merge(patch)).await;
        assert_eq!(patched.data["status"], json!({"phase": "running"}));
        assert_eq!(patched.data["spec"]["size"], 1);
        assert_eq!(patched.metadata.labels, None);
        assert_eq!(patched.metadata.generation, Some(1));
        assert!(version(&patched) > version(&created));
        let second = json!({"status": {"count": 2}});
        let patched = widgets.status_patched("a", &Patch::Merge(second)).await;
        assert_eq!(
            patched.data["status"],
            json!({"phase": "running", "count": 2})
        );
        let got = widgets.get_status("a").await.unwrap();
        assert_eq!(got.data["status"], json!({"phase": "running", "count": 2}));
    });
}

#[test]
fn the_object_itself_ignores_status() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let status = json!({"status": {"phase": "running"}});
        let before = widgets.status_patched("a", &Patch::Merge(&status)).await;
        let other = json!({"status": {"phase": "done"}});
        let same = widgets.patched("a", &Patch::Merge(&other)).await;
        assert_eq!(same.data["status"]["phase"], "running");
        assert_eq!(version(&same), version(&before));
        let mut whole = same.clone();
        whole.data["status"] = json!({"phase": "done"});
        whole.data["spec"]["size"] = json!(2);
        let replaced = widgets
            .replace("a", &PostParams::default(), &whole)
            .await
            .unwrap();
        assert_eq!(replaced.data["status"]["phase"], "running");
        assert_eq!(replaced.data["spec"]["size"], 2);
        assert_eq!(replaced.metadata.generation, Some(2));
    });
}

#[test]
fn replacing_the_status_ignores_the_rest() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let mut widget = widgets.created(&plain("a")).await;
        widget.data["spec"]["size"] = json!(77);
        widget.data["status"] = json!({"phase": "done", "count": 1});
        widget.metadata.labels = Some([("x".to_owned(), "y".to_owned())].into());
        let replaced = widgets
            .replace_status("a", &PostParams::default(), &widget)
            .await
            .unwrap();
        assert_eq!(replaced.data["spec"]["size"], 1);
        assert_eq!(
            replaced.data["status"],
            json!({"phase": "done", "count": 1})
        );
        assert_eq!(replaced.metadata.labels, None);
        assert_eq!(replaced.metadata.generation, Some(1));
        let status = refusal(
            widgets
                .replace_status("a", &PostParams::default(), &widget)
                .await,
        );
        check_refusal(&status, 409, "Conflict");
    });
}

#[test]
fn a_status_is_checked_and_pruned() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let bad = json!({"status": {"phase": "sleeping"}});
        let status = widgets.status_patch_refused("a", &Patch::Merge(bad)).await;
        assert_eq!(status.code, 422);
        assert!(status.message.contains("status.phase: Unsupported value: \"sleeping\": supported values: \"pending\", \"running\", \"done\""), "{}", status.message);
        let extra = json!({"status": {"phase": "done", "unknown": 1, "observed": {"kept": true}}});
        let patched = widgets.status_patched("a", &Patch::Merge(extra)).await;
        assert_eq!(
            patched.data["status"],
            json!({"phase": "done", "observed": {"kept": true}})
        );
    });
}

#[test]
fn a_status_patch_with_a_stale_version_conflicts() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        let created = widgets.created(&plain("a")).await;
        let based_on = |version: u64, phase: &str| json!({"metadata": {"resourceVersion": version.to_string()}, "status": {"phase": phase}});
        let first = based_on(version(&created), "running");
        widgets.status_patched("a", &Patch::Merge(first)).await;
        let second = based_on(version(&created), "done");
        let status = widgets
            .status_patch_refused("a", &Patch::Merge(second))
            .await;
        check_refusal_saying(&status, 409, "Conflict", "the object has been modified");
        assert_eq!(
            widgets.get("a").await.unwrap().data["status"]["phase"],
            "running"
        );
    });
}

#[test]
fn an_unchanged_status_keeps_its_version() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let patch = Patch::Merge(
            json!({"status": {"phase": "running", "observed": {"b": 1, "a": [1, {"x": "y"}]}}}),
        );
        let first = widgets.status_patched("a", &patch).await;
        let again = widgets.status_patched("a", &patch).await;
        assert_eq!(version(&first), version(&again));
        let reordered =
            Patch::Merge(json!({"status": {"observed": {"a": [1, {"x": "y"}], "b": 1}}}));
        let again = widgets.status_patched("a", &reordered).await;
        assert_eq!(version(&first), version(&again));
    });
}

#[test]
fn a_null_removes_a_status_field() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets.created(&plain("a")).await;
        let set = Patch::Merge(json!({"status": {"phase": "running", "message": "x"}}));
        widgets.status_patched("a", &set).await;
        let unset = Patch::Merge(json!({"status": {"message": null}}));
        let patched = widgets.status_patched("a", &unset).await;
        assert_eq!(patched.data["status"], json!({"phase": "running"}));
        let none = Patch::Merge(json!({"status": null}));
        let patched = widgets.status_patched("a", &none).await;
        assert_eq!(patched.data.get("status"), None);
    });
}

#[test]
fn without_the_subresource_status_is_ordinary() {
    on_every_server(|server| async move {
        let gadgets = server.gadgets();
        let gadget = gadget_named("g", json!({"spec": {"a": 1}, "status": {"b": 2}}));
        let created = gadgets.created(&gadget).await;
        assert_eq!(created.data["status"], json!({"b": 2}));
        let patch = Patch::Merge(json!({"status": {"b": 3}}));
        let patched = gadgets.patched("g", &patch).await;
        assert_eq!(patched.data["status"], json!({"b": 3}));
        assert_eq!(patched.metadata.generation, Some(2));
        let status = gadgets.status_patch_refused("g", &patch).await;
        assert_eq!(status.code, 404);
    });
}
