//! The status subresource.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use super::server::{on_every_server, refusal, version};
use super::widgets::{gadget_named, plain};

#[test]
fn creation_drops_the_status() {
    on_every_server(|server| async move {
        let mut widget = plain("a");
        widget.data["status"] = json!({"phase": "done"});
        let created = server
            .widgets()
            .create(&PostParams::default(), &widget)
            .await
            .unwrap();
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
        let created = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let patch = json!({
            "metadata": {"labels": {"x": "y"}},
            "spec": {"size": 50},
            "status": {"phase": "running"},
        });
        let patched = widgets
            .patch_status("a", &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap();
        assert_eq!(patched.data["status"], json!({"phase": "running"}));
        assert_eq!(patched.data["spec"]["size"], 1);
        assert_eq!(patched.metadata.labels, None);
        assert_eq!(patched.metadata.generation, Some(1));
        assert!(version(&patched) > version(&created));
        let second = json!({"status": {"count": 2}});
        let patched = widgets
            .patch_status("a", &PatchParams::default(), &Patch::Merge(second))
            .await
            .unwrap();
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
        widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let status = json!({"status": {"phase": "running"}});
        let before = widgets
            .patch_status("a", &PatchParams::default(), &Patch::Merge(&status))
            .await
            .unwrap();
        let other = json!({"status": {"phase": "done"}});
        let same = widgets
            .patch("a", &PatchParams::default(), &Patch::Merge(&other))
            .await
            .unwrap();
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
        let mut widget = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
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
        assert_eq!((status.code, &*status.reason), (409, "Conflict"));
    });
}

#[test]
fn a_status_is_checked_and_pruned() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let bad = json!({"status": {"phase": "sleeping"}});
        let status = refusal(
            widgets
                .patch_status("a", &PatchParams::default(), &Patch::Merge(bad))
                .await,
        );
        assert_eq!(status.code, 422);
        assert!(status.message.contains("status.phase: Unsupported value: \"sleeping\": supported values: \"pending\", \"running\", \"done\""), "{}", status.message);
        let extra = json!({"status": {"phase": "done", "unknown": 1, "observed": {"kept": true}}});
        let patched = widgets
            .patch_status("a", &PatchParams::default(), &Patch::Merge(extra))
            .await
            .unwrap();
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
        let created = widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let based_on = |version: u64, phase: &str| json!({"metadata": {"resourceVersion": version.to_string()}, "status": {"phase": phase}});
        let first = based_on(version(&created), "running");
        widgets
            .patch_status("a", &PatchParams::default(), &Patch::Merge(first))
            .await
            .unwrap();
        let second = based_on(version(&created), "done");
        let status = refusal(
            widgets
                .patch_status("a", &PatchParams::default(), &Patch::Merge(second))
                .await,
        );
        assert_eq!((status.code, &*status.reason), (409, "Conflict"));
        assert!(
            status.message.contains("the object has been modified"),
            "{}",
            status.message
        );
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
        widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let patch = Patch::Merge(
            json!({"status": {"phase": "running", "observed": {"b": 1, "a": [1, {"x": "y"}]}}}),
        );
        let first = widgets
            .patch_status("a", &PatchParams::default(), &patch)
            .await
            .unwrap();
        let again = widgets
            .patch_status("a", &PatchParams::default(), &patch)
            .await
            .unwrap();
        assert_eq!(version(&first), version(&again));
        let reordered =
            Patch::Merge(json!({"status": {"observed": {"a": [1, {"x": "y"}], "b": 1}}}));
        let again = widgets
            .patch_status("a", &PatchParams::default(), &reordered)
            .await
            .unwrap();
        assert_eq!(version(&first), version(&again));
    });
}

#[test]
fn a_null_removes_a_status_field() {
    on_every_server(|server| async move {
        let widgets = server.widgets();
        widgets
            .create(&PostParams::default(), &plain("a"))
            .await
            .unwrap();
        let set = Patch::Merge(json!({"status": {"phase": "running", "message": "x"}}));
        widgets
            .patch_status("a", &PatchParams::default(), &set)
            .await
            .unwrap();
        let unset = Patch::Merge(json!({"status": {"message": null}}));
        let patched = widgets
            .patch_status("a", &PatchParams::default(), &unset)
            .await
            .unwrap();
        assert_eq!(patched.data["status"], json!({"phase": "running"}));
        let none = Patch::Merge(json!({"status": null}));
        let patched = widgets
            .patch_status("a", &PatchParams::default(), &none)
            .await
            .unwrap();
        assert_eq!(patched.data.get("status"), None);
    });
}

#[test]
fn without_the_subresource_status_is_ordinary() {
    on_every_server(|server| async move {
        let gadgets = server.gadgets();
        let gadget = gadget_named("g", json!({"spec": {"a": 1}, "status": {"b": 2}}));
        let created = gadgets
            .create(&PostParams::default(), &gadget)
            .await
            .unwrap();
        assert_eq!(created.data["status"], json!({"b": 2}));
        let patch = Patch::Merge(json!({"status": {"b": 3}}));
        let patched = gadgets
            .patch("g", &PatchParams::default(), &patch)
            .await
            .unwrap();
        assert_eq!(patched.data["status"], json!({"b": 3}));
        assert_eq!(patched.metadata.generation, Some(2));
        let status = refusal(
            gadgets
                .patch_status("g", &PatchParams::default(), &patch)
                .await,
        );
        assert_eq!(status.code, 404);
    });
}
